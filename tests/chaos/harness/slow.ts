import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';

/** Where the stages that make no calls write their results. */
const WRITTEN = { collect: 'prompts', filter: 'verdicts', decide: 'decisions' };

/**
 * Collect, filter and decide take milliseconds on a small pool. Their writes are held up by a trigger, in this
 * database alone, so that a kill can land inside, before and after the write.
 */
export async function slowShortStages(db: Db, ms: number): Promise<void> {
  await db.execute(
    sql.raw(`create function chaos_wait() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${ms / 1000}); return null; end $$`),
  );
  for (const table of Object.values(WRITTEN)) {
    for (const when of ['before', 'after']) {
      await db.execute(
        sql.raw(
          `create trigger chaos_wait_${when} ${when} insert on ${table} for each statement execute function chaos_wait()`,
        ),
      );
    }
  }
}
