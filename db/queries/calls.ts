/** The ledger of model calls, and rows that the key of a call's cache names. */
import { and, desc, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { modelCalls } from '../schema.ts';

export type NewCall = typeof modelCalls.$inferInsert;
/** A transaction or the database itself. */
export type Tx = Pick<Db, 'insert' | 'select' | 'update'>;

/** Adds calls and returns their ids in the same order. */
export async function addCalls(db: Tx, rows: NewCall[]): Promise<number[]> {
  if (rows.length === 0) return [];
  const inserted = await db.insert(modelCalls).values(rows).returning({ id: modelCalls.id });
  return inserted.map((row) => row.id);
}

/** What stands in the ledger for work that a person wrote: no model was asked. @returns its id */
export async function addPersonCall(
  db: Tx,
  of: Pick<NewCall, 'runId' | 'iterationId' | 'stage'>,
): Promise<number> {
  const nobody = { role: 'person', model: 'none', requests: 0, latencyMs: 0 };
  const [id] = await addCalls(db, [{ ...of, ...nobody }]);
  return id!;
}

/** Calls of a run that failed after its newest answer, with what the newest met; undefined: none. */
export async function failedSinceAnswer(
  db: Db,
  runId: string,
): Promise<{ count: number; error: string; stage: string; role: string } | undefined> {
  const own = eq(modelCalls.runId, runId);
  const answered = db
    .select({ id: sql<number>`coalesce(max(${modelCalls.id}), 0)` })
    .from(modelCalls)
    .where(and(own, isNull(modelCalls.error)));
  const [newest] = await db
    .select({
      count: sql<number>`(count(*) over ())::int`,
      error: sql<string>`${modelCalls.error}`,
      stage: modelCalls.stage,
      role: modelCalls.role,
    })
    .from(modelCalls)
    .where(
      and(
        own,
        isNotNull(modelCalls.error),
        gt(modelCalls.requests, 0),
        gt(modelCalls.id, sql`(${answered})`),
      ),
    )
    .orderBy(desc(modelCalls.id))
    .limit(1);
  return newest;
}

/** Rows that a cache key names. */
const KEYS_AT_ONCE = 1000;

/** Rows by their cache key, of any run: of several with one key the first that `find` gives. */
export async function byCacheKey<Row extends { cacheKey: string | null }>(
  keys: string[],
  find: (keys: string[]) => Promise<Row[]>,
): Promise<Map<string, Row>> {
  const found = new Map<string, Row>();
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    for (const row of await find(keys.slice(i, i + KEYS_AT_ONCE))) {
      if (!found.has(row.cacheKey!)) found.set(row.cacheKey!, row);
    }
  }
  return found;
}
