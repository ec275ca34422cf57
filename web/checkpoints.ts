/** What pages show of checkpoints and of what tasks serve, brought together from cheap queries. */
import { childrenOf, madeInRuns, revokedCounts, type Child } from '../db/queries/checkpoints.ts';
import { outcomeCounts, type Counts, type GroupCounts, type Measured } from '../db/queries/comparisons.ts';
import type { Db } from '../db/connect.ts';
import type { Made } from '../db/queries/lineage.ts';
import { evaluationRows } from '../db/queries/overview.ts';
import type { RunRow } from '../db/queries/report.ts';
import { bestIds, type Checkpoint } from '../db/queries/runs.ts';
import { servingOfTask, type TaskServing } from '../engine/serving.ts';
import type { RoleScores } from '../app/report/types.ts';
import { mcnemar } from '../loop/mcnemar.ts';
import type { Remember } from './cache.ts';
import { scoresOf } from './data.ts';
import { TEACHER } from '../loop/words.ts';

export const taskPath = (task: string) => `/tasks/${encodeURIComponent(task)}`;
export const checkpointPath = (id: number) => `/checkpoints/${id}`;
export const comparePath = (a: number, b: number) => `/compare?a=${a}&b=${b}`;

/** A checkpoint in the tree of its run. */
export type TreeNode = {
  made: Made;
  scores: RoleScores;
  /** Examples of its training set that have been revoked since. */
  revoked: number;
  best: boolean;
  /** Served by its task: it, or the adapter that its run began at. */
  serves: boolean;
  /** Runs that began at it. */
  continuedBy: Child[];
  /** The checkpoint of another run at which this one began. */
  continues: Checkpoint | undefined;
};
export type RunTree = { run: RunRow; nodes: TreeNode[] };

/** The same adapter stands under an id of its own in a run that began at it. */
export const originOf = (one: Checkpoint): number =>
  one.kind === 'adapter' && one.iterationIndex === 0 && one.parentId !== null ? one.parentId : one.id;

export async function treesOf(db: Db, runs: RunRow[], serving: TaskServing): Promise<RunTree[]> {
  const ids = runs.map((run) => run.id);
  const made = await madeInRuns(db, ids);
  const outside = new Set(
    made.flatMap(({ checkpoint: { iterationIndex, parentId } }) =>
      iterationIndex === 0 && parentId !== null ? [parentId] : [],
    ),
  );
  const datasets = made.flatMap(({ dataset }) => dataset?.id ?? []);
  const [evaluations, revoked, children, bests, origins] = await Promise.all([
    evaluationRows(db, ids),
    revokedCounts(db, datasets),
    childrenOf(
      db,
      made.map(({ checkpoint }) => checkpoint.id),
    ),
    bestIds(db, ids),
    outside.size === 0
      ? []
      : db.query.checkpoints.findMany({ where: (row, { inArray }) => inArray(row.id, [...outside]) }),
  ]);
  const served = serving.checkpoint && originOf(serving.checkpoint);
  return runs.map((run) => ({
    run,
    nodes: made
      .filter(({ checkpoint }) => checkpoint.runId === run.id)
      .map((one): TreeNode => ({
        made: one,
        scores: scoresOf(evaluations, one.checkpoint.id),
        revoked: (one.dataset && revoked.get(one.dataset.id)) ?? 0,
        best: one.checkpoint.id === bests.get(run.id),
        serves: served !== undefined && originOf(one.checkpoint) === served,
        continuedBy: children.filter(
          (child) =>
            child.parentId === one.checkpoint.id &&
            child.runId !== run.id &&
            child.iterationIndex !== TEACHER,
        ),
        continues: origins.find((origin) => origin.id === one.checkpoint.parentId && origin.runId !== run.id),
      })),
  }));
}

/** Several checkpoints' scores, of whatever runs. */
export async function scoresOfSome(db: Db, some: Checkpoint[]): Promise<Map<number, RoleScores>> {
  const rows = await evaluationRows(db, [...new Set(some.map((one) => one.runId))]);
  return new Map(some.map((one) => [one.id, scoresOf(rows, one.id)]));
}

export type Standing = { task: string; serving: TaskServing; scores: RoleScores | undefined };

/** What tasks serve, with the scores of it. */
export async function standingsOf(db: Db, tasks: string[]): Promise<Standing[]> {
  const servings: TaskServing[] = [];
  for (const task of tasks) servings.push(await servingOfTask(db, task));
  const scores = await scoresOfSome(
    db,
    servings.flatMap(({ checkpoint }) => checkpoint ?? []),
  );
  return tasks.map((task, i) => {
    const serving = servings[i]!;
    return { task, serving, scores: serving.checkpoint && scores.get(serving.checkpoint.id) };
  });
}

export type Compared = Measured & Counts & { groups: GroupCounts[]; pairs: number; pValue: number };

/** The 2×2 table of two checkpoints on one benchmark. Finished measurements never change, so it is kept. */
export function compared(db: Db, remember: Remember, measured: Measured): Promise<Compared> {
  return remember(`compare/${measured.a}/${measured.b}`, Infinity, async () => {
    const groups = await outcomeCounts(db, measured);
    const sum = (field: keyof Counts) => groups.reduce((total, one) => total + one[field], 0);
    const counts = {
      fixed: sum('fixed'),
      broken: sum('broken'),
      wrong: sum('wrong'),
      right: sum('right'),
    };
    return {
      ...measured,
      ...counts,
      groups,
      pairs: counts.fixed + counts.broken + counts.wrong + counts.right,
      pValue: mcnemar(counts.fixed, counts.broken),
    };
  });
}
