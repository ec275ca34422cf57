/** What the model that a run starts from answers when it is shown the task's worked examples: its other form. */
import type { BenchmarkRole } from '../../loop/words.ts';
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import type { ScoreRow } from './report.ts';
import { benchmarkItems, checkpoints, evaluationItems, evaluations, shownAnswers } from '../schema.ts';

/** Those of the items that are answered. */
export async function shownItems(db: Db, itemIds: number[]): Promise<Set<number>> {
  if (itemIds.length === 0) return new Set();
  const rows = await db
    .select({ itemId: shownAnswers.itemId })
    .from(shownAnswers)
    .where(inArray(shownAnswers.itemId, itemIds));
  return new Set(rows.map(({ itemId }) => itemId));
}

/** Right or wrong, item by item in the benchmark's order; null where it could not be measured. */
export async function shownCorrectness(
  db: Db,
  runId: string,
  benchmark: string,
): Promise<(boolean | null)[]> {
  const rows = await db
    .select({ correct: shownAnswers.correct })
    .from(shownAnswers)
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, shownAnswers.itemId))
    .where(and(eq(benchmarkItems.runId, runId), eq(benchmarkItems.benchmark, benchmark)))
    .orderBy(asc(benchmarkItems.position));
  return rows.map((row) => row.correct);
}

/** Takes out what could not be measured of a benchmark, so that it is asked again. */
export async function forgetUnshown(db: Db, runId: string, benchmark: string): Promise<void> {
  const items = db
    .select({ id: benchmarkItems.id })
    .from(benchmarkItems)
    .where(and(eq(benchmarkItems.runId, runId), eq(benchmarkItems.benchmark, benchmark)));
  await db.delete(shownAnswers).where(and(isNull(shownAnswers.correct), inArray(shownAnswers.itemId, items)));
}

/** Its scores by benchmark and group, under the checkpoint that each run starts from, as `scores` gives those of the plain form. */
export async function shownScores(db: Db, runIds: string[]): Promise<ScoreRow[]> {
  if (runIds.length === 0) return [];
  return db
    .select({
      runId: benchmarkItems.runId,
      checkpointId: checkpoints.id,
      benchmark: benchmarkItems.benchmark,
      role: benchmarkItems.role,
      group: benchmarkItems.group,
      total: sql<number>`count(${shownAnswers.correct})::int`,
      correct: sql<number>`count(*) filter (where ${shownAnswers.correct})::int`,
      unparsable: sql<number>`count(*) filter (where ${shownAnswers.correct} is not null and ${shownAnswers.answer} is null)::int`,
    })
    .from(shownAnswers)
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, shownAnswers.itemId))
    .innerJoin(
      checkpoints,
      and(eq(checkpoints.runId, benchmarkItems.runId), eq(checkpoints.iterationIndex, 0)),
    )
    .where(inArray(benchmarkItems.runId, runIds))
    .groupBy(
      benchmarkItems.runId,
      checkpoints.id,
      benchmarkItems.benchmark,
      benchmarkItems.role,
      benchmarkItems.group,
    );
}

/** Items of one role that it and another checkpoint answered, split by who was right. */
export async function shownPairs(db: Db, runId: string, other: number, role: BenchmarkRole) {
  const [row] = await db
    .select({
      pairs: sql<number>`count(*) filter (where ${shownAnswers.correct} is not null and ${evaluationItems.correct} is not null)::int`,
      onlyA: sql<number>`count(*) filter (where ${shownAnswers.correct} and not ${evaluationItems.correct})::int`,
      onlyB: sql<number>`count(*) filter (where ${evaluationItems.correct} and not ${shownAnswers.correct})::int`,
    })
    .from(shownAnswers)
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, shownAnswers.itemId))
    .innerJoin(evaluationItems, eq(evaluationItems.itemId, shownAnswers.itemId))
    .innerJoin(evaluations, eq(evaluations.id, evaluationItems.evaluationId))
    .where(
      and(
        eq(benchmarkItems.runId, runId),
        eq(benchmarkItems.role, role),
        eq(evaluations.checkpointId, other),
      ),
    );
  return row!;
}
