/** A study as its activities need it: what is stored of it, put together once more. */
import type { Db } from '../db/connect.ts';
import {
  experimentsOf,
  findStudy,
  refutationsOf,
  storeConclusions,
  type Study,
  type StudyExperiment,
} from '../db/queries/discovery.ts';
import { populationOf, weigh, type Alive, type Evidence } from '../tasks/discovery/evidence.ts';
import type { Hypothesis } from '../tasks/discovery/grammar.ts';
import type { StudyLeader } from '../tasks/discovery/report-types.ts';
import { isOpening, measuredIn, type Experiment, type Plan } from '../tasks/discovery/study.ts';
import { subjectOf, type Subject } from '../tasks/discovery/subject.ts';

export type StudyContext = {
  row: Study;
  subject: Subject;
  plan: Plan;
  rows: StudyExperiment[];
  /** Those with a result. */
  experiments: Experiment[];
  /** Planned, without a result yet. */
  pending: StudyExperiment | undefined;
  /** Hypotheses that are not refuted. */
  open: Hypothesis[];
  population: ReadonlyMap<number, number>;
};

/** Subjects by study: what is stored of one never changes, and its hypotheses take a while to make. */
const subjects = new Map<string, Subject>();
const SUBJECTS_KEPT = 16;

function keptSubject({ id, subject, settings }: Study): Subject {
  const known = subjects.get(id);
  if (known) return known;
  const made = subjectOf(subject, settings);
  if (subjects.size >= SUBJECTS_KEPT) subjects.delete(subjects.keys().next().value!);
  subjects.set(id, made);
  return made;
}

/** @throws Error when there is no such study */
export async function readStudy(db: Db, id: string): Promise<StudyContext> {
  const row = await findStudy(db, id);
  if (!row) throw new Error(`There is no study ${id}.`);
  const subject = keptSubject(row);
  const { options, repeats, noise, hypotheses } = subject;
  const { policy, seed } = row.settings;
  const rows = await experimentsOf(db, id);
  const refuted = new Set((await refutationsOf(db, id)).map(({ hypothesis }) => hypothesis));
  return {
    row,
    subject,
    plan: { options, repeats, noise, policy, seed },
    rows,
    experiments: rows.flatMap(experimentOf),
    pending: rows.find(({ observedAt }) => observedAt === null),
    open: hypotheses.filter(({ text }) => !refuted.has(text)),
    population: populationOf(hypotheses),
  };
}

function experimentOf({ number, option, settings, measured, sigma, failed }: StudyExperiment): Experiment[] {
  if (failed !== null) return [{ number, option, settings, observed: { failed } }];
  if (measured === null || sigma === null) return [];
  return [{ number, option, settings, observed: { measured, sigma } }];
}

/** Leaders that are kept of each experiment. */
const LEADERS = 24;
/** What a hypothesis that was not among the leaders is taken to have weighed. */
const LEAST_WEIGHT = 1e-6;

/** Other work of the process goes on between fits. */
const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * What all experiments so far say; undefined while there are too few. Writes what is refuted, and the leaders of the last experiment.
 */
export async function assess(db: Db, study: StudyContext): Promise<Evidence | undefined> {
  const { row, plan, rows, experiments, open, population } = study;
  const last = experiments.at(-1);
  if (!last || isOpening(plan, experiments)) return undefined;
  const evidence = await weigh(open, measuredIn(experiments), population, pause);
  const before = rows.findLast(({ number, leaders }) => number < last.number && leaders !== null);
  const failed = 'failed' in last.observed;
  await storeConclusions(
    db,
    row.id,
    last.number,
    {
      leaders: evidence.alive.slice(0, LEADERS).map(leaderOf),
      alive: evidence.alive.length,
      // What failed told nothing, which is as little as there can be.
      told: failed ? 0 : before?.leaders ? movedBy(before.leaders, evidence.alive) : null,
    },
    evidence.refuted.map(({ hypothesis, fit, freedom, p }) => ({
      studyId: row.id,
      hypothesis: hypothesis.text,
      number: last.number,
      // A hypothesis that has no value somewhere is off by more than any number.
      chiSquare: Math.min(fit.chiSquare, 1e300),
      freedom,
      p,
    })),
  );
  return evidence;
}

const leaderOf = ({ hypothesis, weight, fit }: Alive): StudyLeader => ({
  hypothesis: hypothesis.text,
  weight,
  parameters: fit.parameters,
  chiSquare: fit.chiSquare,
});

/** How far weights moved, in nats (Kullback & Leibler 1951). */
function movedBy(before: readonly StudyLeader[], after: readonly Alive[]): number {
  const known = new Map(before.map(({ hypothesis, weight }) => [hypothesis, weight]));
  const moved = after.reduce((sum, { hypothesis, weight }) => {
    const was = Math.max(known.get(hypothesis.text) ?? 0, LEAST_WEIGHT);
    return weight > 0 ? sum + weight * Math.log(weight / was) : sum;
  }, 0);
  return Math.max(0, moved);
}
