/** Trees of parts: nodes and the work on them. */
import { and, asc, eq, gt, inArray, isNotNull, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import { type Tx, byCacheKey } from './calls.ts';
import {
  benchmarkItems,
  evaluations,
  iterations,
  ladderNodes,
  ladderSamples,
  prompts,
  samples,
} from '../schema.ts';

export type LadderNode = typeof ladderNodes.$inferSelect;
export type NewLadderNode = typeof ladderNodes.$inferInsert;
export type LadderSample = typeof ladderSamples.$inferSelect;
export type NewLadderSample = typeof ladderSamples.$inferInsert;

/** The kind of a node that holds what the model proposed for parts. */
export const PROPOSED_PARTS = 'proposal';

/** Nodes of these prompts, each after the one it is a part of. */
export async function nodesOf(db: Db, promptIds: number[]): Promise<LadderNode[]> {
  if (promptIds.length === 0) return [];
  return db
    .select()
    .from(ladderNodes)
    .where(inArray(ladderNodes.promptId, promptIds))
    .orderBy(asc(ladderNodes.promptId), asc(ladderNodes.depth), asc(ladderNodes.id));
}

export async function addNodes(db: Tx, rows: NewLadderNode[]): Promise<void> {
  await insertNew(db, ladderNodes, rows);
}

/** How a node ended. */
export type Closed = Pick<LadderNode, 'id' | 'status' | 'reason'> &
  Partial<Pick<LadderNode, 'answer' | 'votes' | 'runnerUpVotes' | 'samples'>>;

/** Closes nodes with the work that was put together for them, all or nothing; what is closed already stays as it is. */
export async function closeNodes(
  db: Db,
  closed: readonly Closed[],
  works: NewLadderSample[],
  wholes: (typeof samples.$inferInsert)[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { id, ...row } of closed) {
      await tx
        .update(ladderNodes)
        .set({ ...row, closedAt: new Date() })
        .where(and(eq(ladderNodes.id, id), eq(ladderNodes.status, 'open')));
    }
    await addWork(tx, works);
    await insertNew(tx, samples, wholes);
  });
}

/** Work on these nodes in order of node and index. */
export async function workOn(db: Db, nodeIds: number[]): Promise<LadderSample[]> {
  if (nodeIds.length === 0) return [];
  return db
    .select()
    .from(ladderSamples)
    .where(inArray(ladderSamples.nodeId, nodeIds))
    .orderBy(asc(ladderSamples.nodeId), asc(ladderSamples.index));
}

export async function addWork(db: Tx, rows: NewLadderSample[]): Promise<void> {
  await insertNew(db, ladderSamples, rows);
}

/** Stored work by cache key, of any run; the oldest where there are several. */
export async function storedWork(db: Db, keys: string[]): Promise<Map<string, LadderSample>> {
  return byCacheKey(keys, (some) =>
    db
      .select()
      .from(ladderSamples)
      .where(inArray(ladderSamples.cacheKey, some))
      .orderBy(asc(ladderSamples.id)),
  );
}

/** The roots of an iteration's trees, by prompt. */
export async function rootsOf(db: Db, iterationId: number): Promise<Map<number, LadderNode>> {
  const rows = await db
    .select({ node: ladderNodes })
    .from(ladderNodes)
    .innerJoin(prompts, eq(prompts.id, ladderNodes.promptId))
    .where(and(eq(prompts.iterationId, iterationId), eq(ladderNodes.depth, 0)));
  return new Map(rows.map(({ node }) => [node.promptId, node]));
}

/** Share of guard problems that each of these checkpoints answered rightly, as far as they were measured. */
export async function guardShares(db: Db, runId: string, checkpointIds: number[]) {
  const guards = db
    .selectDistinct({ name: benchmarkItems.benchmark })
    .from(benchmarkItems)
    .where(and(eq(benchmarkItems.runId, runId), eq(benchmarkItems.role, 'guard')));
  const rows = await db
    .select({
      id: evaluations.checkpointId,
      share: sql<number>`sum(${evaluations.correct})::float8 / sum(${evaluations.total})`,
    })
    .from(evaluations)
    .where(
      and(
        inArray(evaluations.checkpointId, checkpointIds),
        inArray(evaluations.benchmark, guards),
        isNotNull(evaluations.finishedAt),
        gt(evaluations.total, 0),
      ),
    )
    .groupBy(evaluations.checkpointId);
  return new Map(rows.map(({ id, share }) => [id, share]));
}

/** Counts of a run's trees, by iteration: parts without the prompts themselves, samples as far as a model was asked. */
export async function treeCounts(
  db: Db,
  runId: string,
): Promise<{ iteration: number; trees: number; solved: number; parts: number; samples: number }[]> {
  const root = sql`${ladderNodes.path} = ''`;
  const nodes = await db
    .select({
      iteration: iterations.index,
      trees: sql<number>`(count(*) filter (where ${root}))::int`,
      solved: sql<number>`(count(*) filter (where ${root} and ${ladderNodes.status} = 'solved'))::int`,
      parts: sql<number>`(count(*) filter (where not ${root}))::int`,
    })
    .from(ladderNodes)
    .innerJoin(prompts, eq(prompts.id, ladderNodes.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(eq(iterations.runId, runId))
    .groupBy(iterations.index)
    .orderBy(asc(iterations.index));
  const drawn = await db
    .select({ iteration: iterations.index, samples: sql<number>`count(*)::int` })
    .from(ladderSamples)
    .innerJoin(ladderNodes, eq(ladderNodes.id, ladderSamples.nodeId))
    .innerJoin(prompts, eq(prompts.id, ladderNodes.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), isNotNull(ladderSamples.callId)))
    .groupBy(iterations.index);
  const samplesIn = new Map(drawn.map(({ iteration, samples: count }) => [iteration, count]));
  return nodes.map((row) => ({ ...row, samples: samplesIn.get(row.iteration) ?? 0 }));
}

/** What a model proposed for parts, whether it can be used or not; null: nothing came of it. */
export async function proposalsOf(
  db: Db,
  runId: string,
): Promise<{ iteration: number; answer: string | null }[]> {
  return db
    .select({ iteration: iterations.index, answer: ladderSamples.answer })
    .from(ladderSamples)
    .innerJoin(ladderNodes, eq(ladderNodes.id, ladderSamples.nodeId))
    .innerJoin(prompts, eq(prompts.id, ladderNodes.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), eq(ladderNodes.kind, PROPOSED_PARTS)))
    .orderBy(asc(ladderSamples.id));
}
