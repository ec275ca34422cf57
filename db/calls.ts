import type { Db } from './connect.ts';
import { modelCalls } from './schema.ts';

export type NewCall = typeof modelCalls.$inferInsert;
/** A transaction or the database itself. */
export type Tx = Pick<Db, 'insert' | 'select' | 'update'>;

/** Adds calls and returns their ids in the same order. */
export async function addCalls(db: Tx, rows: NewCall[]): Promise<number[]> {
  if (rows.length === 0) return [];
  const inserted = await db.insert(modelCalls).values(rows).returning({ id: modelCalls.id });
  return inserted.map((row) => row.id);
}
