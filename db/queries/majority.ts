/** What the starting model's majority of K samples gets right on target. */
import { and, asc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import type { BenchmarkItemRow } from './evaluations.ts';
import { benchmarkItems, majorityItems, majoritySamples } from '../schema.ts';

export type NewMajoritySample = typeof majoritySamples.$inferInsert;

const ofTarget = (runId: string) => and(eq(benchmarkItems.runId, runId), eq(benchmarkItems.role, 'target'));

/** One page of a run's target items, over all its target benchmarks. */
export async function targetPage(
  db: Db,
  runId: string,
  first: number,
  count: number,
): Promise<BenchmarkItemRow[]> {
  return db.query.benchmarkItems.findMany({
    where: ofTarget(runId),
    orderBy: [asc(benchmarkItems.benchmark), asc(benchmarkItems.position)],
    offset: first,
    limit: count,
  });
}

export async function majorityAnswers(
  db: Db,
  itemIds: number[],
): Promise<{ itemId: number; index: number; answer: string | null }[]> {
  if (itemIds.length === 0) return [];
  return db
    .select({
      itemId: majoritySamples.itemId,
      index: majoritySamples.index,
      answer: majoritySamples.answer,
    })
    .from(majoritySamples)
    .where(inArray(majoritySamples.itemId, itemIds))
    .orderBy(asc(majoritySamples.itemId), asc(majoritySamples.index));
}

/** Those of the items whose vote is stored. */
export async function votedItems(db: Db, itemIds: number[]): Promise<Set<number>> {
  if (itemIds.length === 0) return new Set();
  const rows = await db
    .select({ itemId: majorityItems.itemId })
    .from(majorityItems)
    .where(inArray(majorityItems.itemId, itemIds));
  return new Set(rows.map(({ itemId }) => itemId));
}

export async function addMajorityItems(db: Db, rows: (typeof majorityItems.$inferInsert)[]): Promise<void> {
  await insertNew(db, majorityItems, rows);
}

/** Different answers to each target item that were sampled, with the right one. */
export async function majorityTruths(
  db: Db,
  runId: string,
): Promise<{ itemId: number; truth: string; answer: string }[]> {
  return db
    .selectDistinct({
      itemId: benchmarkItems.id,
      truth: benchmarkItems.answer,
      // Null is not joined.
      answer: sql<string>`${majoritySamples.answer}`,
    })
    .from(benchmarkItems)
    .innerJoin(
      majoritySamples,
      and(eq(majoritySamples.itemId, benchmarkItems.id), isNotNull(majoritySamples.answer)),
    )
    .where(ofTarget(runId));
}

/** How far maj@K is measured: items in the run's target, those voted on, those right, and samples drawn. */
export async function majorityCounts(
  db: Db,
  runId: string,
): Promise<{ items: number; voted: number; correct: number; samples: number; k: number | null }> {
  const [row] = await db
    .select({
      items: sql<number>`count(*)::int`,
      voted: sql<number>`count(${majorityItems.itemId})::int`,
      correct: sql<number>`count(*) filter (where ${majorityItems.correct})::int`,
      samples: sql<number>`coalesce(sum((select count(*) from ${majoritySamples} s
        where s.item_id = ${benchmarkItems.id})), 0)::int`,
      k: sql<number | null>`max(${majorityItems.samples})`,
    })
    .from(benchmarkItems)
    .leftJoin(majorityItems, eq(majorityItems.itemId, benchmarkItems.id))
    .where(ofTarget(runId));
  return row!;
}
