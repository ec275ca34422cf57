/** Trees of parts: nodes and the work on them. */
import { and, asc, eq, gt, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { type Tx, byCacheKey } from './calls.ts';
import { benchmarkItems, evaluations, ladderNodes, ladderSamples, prompts, samples } from '../schema.ts';

export type LadderNode = typeof ladderNodes.$inferSelect;
export type NewLadderNode = typeof ladderNodes.$inferInsert;
export type LadderSample = typeof ladderSamples.$inferSelect;
export type NewLadderSample = typeof ladderSamples.$inferInsert;

/** Rows in one insert: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 1000;

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
  for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
    await db
      .insert(ladderNodes)
      .values(rows.slice(i, i + ROWS_AT_ONCE))
      .onConflictDoNothing();
  }
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
    for (let i = 0; i < wholes.length; i += ROWS_AT_ONCE) {
      await tx
        .insert(samples)
        .values(wholes.slice(i, i + ROWS_AT_ONCE))
        .onConflictDoNothing();
    }
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
  for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
    await db
      .insert(ladderSamples)
      .values(rows.slice(i, i + ROWS_AT_ONCE))
      .onConflictDoNothing();
  }
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
