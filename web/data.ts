/** What pages show of runs, brought together from cheap queries. */
import type { Db } from '../db/connect.ts';
import {
  evaluationRows,
  stageOverview,
  type EvaluationRow,
  type StageOverview,
} from '../db/queries/overview.ts';
import * as queries from '../db/queries/report.ts';
import type { IterationRow, ResetRow, RunRow } from '../db/queries/report.ts';
import { bestIds } from '../db/queries/runs.ts';
import { trainingOf, usageOf } from '../db/queries/spend.ts';
import { spendOf, type Spend } from '../loop/budget.ts';
import { score, stageScores } from '../app/report/scores.ts';
import type { Progress } from '../app/runs/progress.ts';
import type { IterationStage, RoleScores, Score } from '../app/report/types.ts';
import type { Remember } from './cache.ts';

const roles = ['target', 'guard', 'final'] as const;

/** A checkpoint's scores; several benchmarks of one role are added up. */
export function scoresOf(rows: EvaluationRow[], checkpointId: number | null | undefined): RoleScores {
  const of = (role: (typeof roles)[number]): Score | null => {
    const own = rows.filter((row) => row.checkpointId === checkpointId && row.role === role);
    const total = own.reduce((sum, row) => sum + row.total, 0);
    if (total === 0) return null;
    return score(
      own.reduce((sum, row) => sum + row.correct, 0),
      total,
    );
  };
  return { target: of('target'), guard: of('guard'), final: of('final') };
}

/** What an iteration made, as its stages noted when they were done. */
export type Funnel = {
  prompts: number;
  samples: number;
  resampled: number;
  voted: number;
  trusted: number;
  critiqued: number;
  judged: number;
  accepted: number;
  examples: number;
  trained: number;
};

function funnelOf(stages: StageOverview[]): Funnel {
  const noted = (name: string) =>
    stages.find((stage) => stage.name === name && stage.status === 'done')?.output ?? {};
  const [collect, generate, evaluate] = [noted('collect'), noted('generate'), noted('evaluate')];
  const [filter, adapt] = [noted('filter'), noted('adapt')];
  return {
    prompts: collect.prompts ?? 0,
    samples: (generate.samples ?? 0) + (evaluate.resampled ?? 0),
    resampled: evaluate.resampled ?? 0,
    voted: evaluate.voted ?? 0,
    trusted: evaluate.trusted ?? 0,
    critiqued: evaluate.critiqued ?? 0,
    judged: filter.judged ?? 0,
    accepted: filter.accepted ?? 0,
    examples: filter.examples ?? 0,
    trained: adapt.examples ?? 0,
  };
}

/** Of the iteration under way, what its stages have made so far stands in for what they will note. */
export function withProgress(summary: RunSummary, { iteration, stages }: Progress): RunSummary {
  if (!iteration || iteration.finished) return summary;
  const made = (name: string, noted: number) =>
    noted || (stages.find((stage) => stage.name === name)?.done ?? 0);
  const iterations = summary.iterations.map((one) => {
    if (one.row.id !== iteration.id) return one;
    const { samples, judged } = one.funnel;
    return {
      ...one,
      funnel: { ...one.funnel, samples: made('generate', samples), judged: made('filter', judged) },
    };
  });
  return { ...summary, iterations, funnel: addFunnels(iterations.map((one) => one.funnel)) };
}

function addFunnels(all: Funnel[]): Funnel {
  const sum = (field: keyof Funnel) => all.reduce((total, one) => total + one[field], 0);
  return {
    prompts: sum('prompts'),
    samples: sum('samples'),
    resampled: sum('resampled'),
    voted: sum('voted'),
    trusted: sum('trusted'),
    critiqued: sum('critiqued'),
    judged: sum('judged'),
    accepted: sum('accepted'),
    examples: sum('examples'),
    trained: sum('trained'),
  };
}

/** An iteration with everything that a page says of it in a line. */
export type IterationSummary = {
  row: IterationRow;
  funnel: Funnel;
  stages: StageOverview[];
  /** Target score of the checkpoint to beat, and the candidate's scores. */
  before: Score | null;
  candidate: RoleScores;
  /** Scores of the run's best after the decision. */
  best: RoleScores;
  /** The stage of the curriculum, with its own target's scores; null without one. */
  stage: IterationStage | null;
  seconds: number | null;
};

export type RunSummary = {
  run: RunRow;
  base: RoleScores;
  best: RoleScores;
  bestId: number | null;
  baseId: number | null;
  iterations: IterationSummary[];
  /** With the scores of the checkpoint that each goes back to. */
  resets: (ResetRow & { scores: RoleScores })[];
  funnel: Funnel;
  spend: Spend;
  /** Where the list of runs leaves it open, undefined. */
  priced: boolean;
};

/** Has it ended, so that nothing of it changes any more unless it is started again? */
export const hasEnded = ({ status }: RunRow) =>
  status === 'completed' || status === 'failed' || status === 'stopped';

async function spendOfRun(db: Db, run: RunRow): Promise<Spend> {
  const [usage, training] = await Promise.all([usageOf(db, run.id), trainingOf(db, run.id)]);
  const until = run.finishedAt && hasEnded(run) ? run.finishedAt : new Date();
  const minutes = (until.getTime() - run.createdAt.getTime()) / 60_000;
  return { ...spendOf(run.settings.prices, usage, training), minutes };
}

/** Sums over all calls of a run: those of one that has ended are kept, those of a live one for a few seconds or until it waits. */
const spendRemembered = (db: Db, remember: Remember, run: RunRow) =>
  hasEnded(run)
    ? remember(`spend/${run.id}/${run.finishedAt?.getTime()}`, Infinity, () => spendOfRun(db, run))
    : remember(`spend/${run.id}/${run.status}`, 5_000, () => spendOfRun(db, run));

function summaryOf(
  { settings }: RunRow,
  row: IterationRow,
  measured: EvaluationRow[],
  stages: StageOverview[],
): IterationSummary {
  const own = stages.filter((stage) => stage.iterationId === row.id);
  return {
    row,
    stages: own,
    funnel: funnelOf(own),
    before: scoresOf(measured, row.checkpointId).target,
    candidate: scoresOf(measured, row.candidateId),
    best: scoresOf(measured, row.bestId),
    stage: stageScores(settings, row, measured),
    seconds: row.finishedAt && (row.finishedAt.getTime() - row.startedAt.getTime()) / 1000,
  };
}

export async function summarize(db: Db, remember: Remember, runs: RunRow[]): Promise<RunSummary[]> {
  const ids = runs.map((run) => run.id);
  const [iterations, checkpoints, evaluations, stages, resets, bests, spends] = await Promise.all([
    queries.iterationRows(db, ids),
    queries.checkpointRows(db, ids),
    evaluationRows(db, ids),
    stageOverview(db, ids),
    queries.resetRows(db, ids),
    bestIds(db, ids),
    Promise.all(runs.map((run) => spendRemembered(db, remember, run))),
  ]);
  return runs.map((run, i): RunSummary => {
    const own = iterations.filter((row) => row.runId === run.id);
    const measured = evaluations.filter((row) => row.runId === run.id);
    const base = checkpoints.find((row) => row.runId === run.id && row.iterationIndex === 0);
    const ownResets = resets.filter((row) => row.runId === run.id);
    const bestId = bests.get(run.id) ?? null;
    const summaries = own.map((row) => summaryOf(run, row, measured, stages));
    return {
      run,
      base: scoresOf(measured, base?.id),
      best: scoresOf(measured, bestId),
      baseId: base?.id ?? null,
      bestId,
      iterations: summaries,
      resets: ownResets.map((one) => ({ ...one, scores: scoresOf(measured, one.checkpointId) })),
      funnel: addFunnels(summaries.map((one) => one.funnel)),
      spend: spends[i]!,
      priced: Object.keys(run.settings.prices).length > 0,
    };
  });
}

/** One iteration; what it is measured against may be a checkpoint of an earlier one. */
export async function summarizeIteration(
  db: Db,
  run: RunRow,
  iterationId: number,
): Promise<IterationSummary> {
  const [rows, evaluations, stages] = await Promise.all([
    queries.iterationRows(db, [run.id]),
    evaluationRows(db, [run.id]),
    stageOverview(db, [run.id]),
  ]);
  const row = rows.find(({ id }) => id === iterationId)!;
  return summaryOf(run, row, evaluations, stages);
}
