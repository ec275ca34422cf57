/** What is known of a study: for the terminal, the page and as data. */
import type { Db } from '../../db/connect.ts';
import {
  experimentsOf,
  findStudy,
  listStudies,
  predictionsOf,
  refutationsOf,
  type Study,
  type StudyExperiment,
  type StudyRefutation,
} from '../../db/queries/discovery.ts';
import { hypothesisOf } from '../../tasks/discovery/grammar.ts';
import { judge, type Judged } from '../../tasks/discovery/judge.ts';
import type { StudyClaim, StudyFollowUp, StudyLeader } from '../../tasks/discovery/report-types.ts';
import { subjectOf, type Subject } from '../../tasks/discovery/subject.ts';

export type ReportedExperiment = {
  number: number;
  settings: Record<string, number>;
  why: string;
  /** In nats. */
  expected: number | null;
  told: number | null;
  measured: number | null;
  sigma: number | null;
  failed: string | null;
  alive: number | null;
  leaders: StudyLeader[] | null;
  /** What was foretold of it, before it was made. */
  foretold: { hypothesis: string; predicted: number; spread: number; risked: boolean }[];
  /** Hypotheses that it refuted, together with those before it: how many, and the simplest of them. */
  refuted: { count: number; examples: Pick<StudyRefutation, 'hypothesis' | 'chiSquare' | 'freedom' | 'p'>[] };
};

export type StudyReport = {
  study: string;
  name: string;
  settings: Study['settings'];
  quantities: Subject['quantities'];
  measures: Subject['measures'];
  hypotheses: number;
  status: 'running' | 'finished';
  ending: string | null;
  startedAt: string;
  finishedAt: string | null;
  experiments: ReportedExperiment[];
  claims: StudyClaim[];
  followUps: StudyFollowUp[];
  /** Of a built-in law: what is true, and whether the first claim says so. */
  truth: { law: string; parameters: number[]; claim: Judged | null } | null;
};

const REFUTED_SHOWN = 5;

/** @throws Error when there is no such study, or none at all */
export async function buildStudyReport(db: Db, id?: string): Promise<StudyReport> {
  const row = id === undefined ? (await listStudies(db, 1))[0] : await findStudy(db, id);
  if (!row)
    throw new Error(
      id === undefined
        ? 'There are no studies yet. Start one with: ratchet discover gravity'
        : `There is no study ${id}.`,
    );
  const subject = subjectOf(row.subject, row.settings);
  const [experiments, predictions, refutations] = await Promise.all([
    experimentsOf(db, row.id),
    predictionsOf(db, row.id),
    refutationsOf(db, row.id),
  ]);
  const foretold = Map.groupBy(predictions, ({ number }) => number);
  const refuted = Map.groupBy(refutations, ({ number }) => number);
  return {
    study: row.id,
    name: row.name,
    settings: row.settings,
    quantities: subject.quantities,
    measures: subject.measures,
    hypotheses: row.hypotheses,
    status: row.finishedAt ? 'finished' : 'running',
    ending: row.ending,
    startedAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    experiments: experiments.map((one) => ({
      ...shownExperiment(one, subject),
      foretold: (foretold.get(one.number) ?? []).map(({ hypothesis, predicted, spread, risked }) => ({
        hypothesis,
        predicted,
        spread,
        risked,
      })),
      refuted: shownRefutations(refuted.get(one.number) ?? []),
    })),
    claims: row.claims ?? [],
    followUps: row.followUps ?? [],
    truth: truthOf(subject, row.claims?.[0]),
  };
}

function shownExperiment(
  one: StudyExperiment,
  { quantities }: Subject,
): Omit<ReportedExperiment, 'foretold' | 'refuted'> {
  const { number, settings, why, expected, told, measured, sigma, failed, alive, leaders } = one;
  const named = Object.fromEntries(quantities.map(({ name }, i) => [name, settings[i]!]));
  return { number, settings: named, why, expected, told, measured, sigma, failed, alive, leaders };
}

function shownRefutations(rows: StudyRefutation[]): ReportedExperiment['refuted'] {
  const simplest = rows
    .toSorted((a, b) => b.freedom - a.freedom || a.chiSquare - b.chiSquare)
    .slice(0, REFUTED_SHOWN);
  return {
    count: rows.length,
    examples: simplest.map(({ hypothesis, chiSquare, freedom, p }) => ({
      hypothesis,
      chiSquare,
      freedom,
      p,
    })),
  };
}

function truthOf({ law, quantities }: Subject, claim: StudyClaim | undefined): StudyReport['truth'] {
  if (!law) return null;
  const fit = claim && { parameters: claim.parameters.map(({ value }) => value), chiSquare: claim.chiSquare };
  return {
    law: law.truth.text,
    parameters: law.parameters,
    claim: claim && fit ? judge(law, { hypothesis: hypothesisOf(claim.hypothesis, quantities), fit }) : null,
  };
}

export type ListedStudy = {
  study: string;
  name: string;
  status: string;
  claim: string | null;
  startedAt: string;
};

export async function listed(db: Db, most: number): Promise<ListedStudy[]> {
  return (await listStudies(db, most)).map((row) => ({
    study: row.id,
    name: row.name,
    status: row.finishedAt ? 'finished' : 'running',
    claim: row.claims?.[0]?.hypothesis ?? null,
    startedAt: row.createdAt.toISOString(),
  }));
}
