/** Checkpoints as a tree, run by run: bounded by a page of runs and by the number of their iterations; what each takes to answer with. */
import { eq, inArray, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { type Made, checkpointsMade } from './lineage.ts';
import { checkpointRows } from './report.ts';
import { checkpoints, datasetExamples, examples, footprints, revocations } from '../schema.ts';

/** All checkpoints of these runs with what made them, parents before their children. */
export async function madeInRuns(db: Db, runIds: string[]): Promise<Made[]> {
  const rows = await checkpointRows(db, runIds);
  return checkpointsMade(
    db,
    rows.map((row) => row.id),
  );
}

export type Child = { id: number; parentId: number; runId: string; iterationIndex: number };

/** What was trained from these checkpoints, in any run, and the runs that began at them (iteration 0). */
export async function childrenOf(db: Db, ids: number[]): Promise<Child[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({
      id: checkpoints.id,
      parentId: checkpoints.parentId,
      runId: checkpoints.runId,
      iterationIndex: checkpoints.iterationIndex,
    })
    .from(checkpoints)
    .where(inArray(checkpoints.parentId, ids))
    .orderBy(checkpoints.id);
  return rows.map((row) => ({ ...row, parentId: row.parentId! }));
}

/** Examples of each of these datasets that have been revoked since; datasets without any are left out. */
export async function revokedCounts(db: Db, datasetIds: number[]): Promise<Map<number, number>> {
  if (datasetIds.length === 0) return new Map();
  const rows = await db
    .select({ datasetId: datasetExamples.datasetId, revoked: sql<number>`count(*)::int` })
    .from(revocations)
    .innerJoin(datasetExamples, eq(datasetExamples.exampleId, revocations.exampleId))
    .where(inArray(datasetExamples.datasetId, datasetIds))
    .groupBy(datasetExamples.datasetId);
  return new Map(rows.map((row) => [row.datasetId, row.revoked]));
}

/** The revoked examples of a dataset, and why; at most `most`. */
export async function revokedExamples(db: Db, datasetId: number, most: number) {
  return db
    .select({
      exampleId: revocations.exampleId,
      sampleId: examples.sampleId,
      reason: revocations.reason,
      by: revocations.by,
      at: revocations.createdAt,
    })
    .from(revocations)
    .innerJoin(datasetExamples, eq(datasetExamples.exampleId, revocations.exampleId))
    .innerJoin(examples, eq(examples.id, revocations.exampleId))
    .where(eq(datasetExamples.datasetId, datasetId))
    .orderBy(revocations.exampleId)
    .limit(most);
}

export type Footprint = typeof footprints.$inferSelect;

export async function hasFootprint(db: Db, checkpointId: number): Promise<boolean> {
  return (await db.$count(footprints, eq(footprints.checkpointId, checkpointId))) > 0;
}

/** Stores them together: one without the other was not measured in turns with it. */
export async function addFootprints(db: Db, rows: (typeof footprints.$inferInsert)[]): Promise<void> {
  await db.insert(footprints).values(rows).onConflictDoNothing();
}

export async function footprintsOf(db: Db, checkpointIds: number[]): Promise<Map<number, Footprint>> {
  if (checkpointIds.length === 0) return new Map();
  const rows = await db.select().from(footprints).where(inArray(footprints.checkpointId, checkpointIds));
  return new Map(rows.map((row) => [row.checkpointId, row]));
}
