/** Where a run stands, as numbers: what `watch` draws. */
import { STAGES, type StageName, type StageStatus } from '../../loop/words.ts';
import type { Db } from '../../db/connect.ts';
import * as queries from '../../db/queries/iterations.ts';
import type { Stage, StoredCounts } from '../../db/queries/iterations.ts';
import { majorityCounts } from '../../db/queries/majority.ts';
import type { RunRow } from '../../db/queries/report.ts';
import { findRun } from '../../db/queries/runs.ts';
import { reviewCounts } from '../../db/queries/reviews.ts';
import { type IterationPlan } from '../../db/schema.ts';
import { asksForReview } from '../../loop/review.ts';

const units: Record<StageName, string> = {
  collect: 'prompts',
  generate: 'samples',
  evaluate: 'calls',
  filter: 'samples',
  adapt: 'steps',
  benchmark: 'items',
  decide: '',
};

export type StageProgress = {
  name: StageName;
  status: StageStatus;
  done: number;
  /** 0: not known. */
  total: number;
  unit: string;
  /** In place of the count, where several kinds of work are counted together. */
  detail?: string;
  attempts: number;
  error: string | null;
  startedAt: Date | null;
  finishedAt: Date | null;
};

export type Progress = {
  run: RunRow;
  iteration: { id: number; index: number; plan: IterationPlan; finished: boolean } | undefined;
  stages: StageProgress[];
  /** The run's own measurements: the base at the start, base and best at the end. */
  measuring: { done: number; total: number } | undefined;
  finished: number[];
  /** Decisions of reviewers for which the iteration waits. */
  reviewsWaiting?: number;
};

function evaluated({ resampled, critiques, votes }: StoredCounts): string {
  if (resampled + critiques === 0) return votes > 0 ? `${votes.toLocaleString('en-US')} votes` : '';
  return `${resampled.toLocaleString('en-US')} sampled again, ${critiques.toLocaleString('en-US')} critiques`;
}

function stageProgress(
  name: StageName,
  row: Stage | undefined,
  counts: StoredCounts,
  items: { done: number; total: number },
  samplesPerPrompt: number,
): StageProgress {
  // Training steps are no rows of their own: the stage notes them in its output while it runs.
  const noted = row?.output?.done ?? row?.output?.step;
  const stored: Record<StageName, number> = {
    collect: counts.prompts,
    generate: counts.samples,
    evaluate: counts.resampled + counts.critiques,
    filter: counts.judged,
    adapt: noted ?? 0,
    benchmark: items.done,
    decide: 0,
  };
  let total = row?.total || row?.output?.total || (name === 'benchmark' ? items.total : 0);
  if (name === 'generate' && total === 0) {
    stored.generate = counts.learnSamples;
    total = counts.learnPrompts * samplesPerPrompt;
  }
  if (name === 'filter' && total === 0) total = counts.samples + counts.resampled;
  const done = row?.status === 'done' && total > 0 ? total : (noted ?? stored[name]);
  return {
    name,
    status: row?.status ?? 'pending',
    done,
    total,
    unit: units[name],
    detail: name === 'evaluate' && total === 0 ? evaluated(counts) : undefined,
    attempts: row?.attempts ?? 0,
    error: row?.error ?? null,
    startedAt: row?.startedAt ?? null,
    finishedAt: row?.finishedAt ?? null,
  };
}

/** Between the measurement of the base and the first iteration: how far its majority of K is. */
async function majorityProgress(db: Db, run: RunRow, measured: number): Promise<Progress['measuring']> {
  if (!run.settings.benchmark.majority || measured === 0) return undefined;
  const { items, voted, samples } = await majorityCounts(db, run.id);
  if (voted === items) return undefined;
  return { done: Math.floor(samples / run.settings.sampling.samples), total: items };
}

/** How far each stage of an iteration is. */
export async function readIteration(db: Db, run: RunRow, iterationId: number): Promise<StageProgress[]> {
  const [rows, counts, items] = await Promise.all([
    queries.listStages(db, iterationId),
    queries.storedCounts(db, iterationId),
    queries.benchmarkProgress(db, run.id, iterationId),
  ]);
  return STAGES.map((name) =>
    stageProgress(
      name,
      rows.find((row) => row.name === name),
      counts,
      items,
      run.settings.sampling.samples,
    ),
  );
}

/** Reads where a run stands; undefined while its first activity has not stored it yet. */
export async function readProgress(db: Db, runId: string): Promise<Progress | undefined> {
  const run = await findRun(db, runId);
  if (!run) return undefined;
  const [iteration, own, finished] = await Promise.all([
    queries.newestIteration(db, runId),
    queries.benchmarkProgress(db, runId, null),
    queries.finishedIterations(db, runId),
  ]);
  const measuring =
    own.unfinished > 0 ? own : iteration ? undefined : await majorityProgress(db, run, own.total);
  if (!iteration) return { run, iteration: undefined, stages: [], measuring, finished };
  const { id, index, plan } = iteration;
  const { review } = run.settings;
  const reviewsWaiting =
    asksForReview(review) && review.required && iteration.finishedAt === null
      ? (await reviewCounts(db, iteration.id)).waiting
      : undefined;
  return {
    run,
    iteration: { id, index, plan, finished: iteration.finishedAt !== null },
    stages: await readIteration(db, run, id),
    measuring,
    finished,
    reviewsWaiting,
  };
}
