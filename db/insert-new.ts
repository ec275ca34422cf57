import type { PgInsertValue, PgTable } from 'drizzle-orm/pg-core';
import type { Tx } from './queries/calls.ts';

/** Rows in one insert: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 1000;

/** Adds what is not there yet: rows whose key is taken stay as they are. Any number of rows, in as many inserts as they take. */
export async function insertNew<T extends PgTable>(
  db: Tx,
  table: T,
  rows: readonly PgInsertValue<T>[],
): Promise<void> {
  for (let i = 0; i < rows.length; i += ROWS_AT_ONCE)
    await db
      .insert(table)
      .values(rows.slice(i, i + ROWS_AT_ONCE))
      .onConflictDoNothing();
}
