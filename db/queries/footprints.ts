/** What checkpoints take to answer with: pace and size. */
import { eq, inArray } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { footprints } from '../schema.ts';

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
