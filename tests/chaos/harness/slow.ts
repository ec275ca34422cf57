import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';

/** Where the stages that make no calls write their results. */
const WRITTEN = ['prompts', 'verdicts', 'decisions'];

/**
 * Collect, filter and decide take milliseconds on a small pool. Their writes are held up by a trigger, in this
 * database alone, so that a kill can land inside, before and after the write. So is the row of a training job: for
 * a while the trainer has a job that the database does not know.
 */
export async function slowWrites(db: Db, ms: number): Promise<void> {
  const trigger = (table: string, when: 'before' | 'after') =>
    db.execute(
      sql.raw(
        `create trigger chaos_wait_${when} ${when} insert on ${table} for each statement execute function chaos_wait()`,
      ),
    );
  await db.execute(
    sql.raw(`create function chaos_wait() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${ms / 1000}); return null; end $$`),
  );
  for (const table of WRITTEN) {
    await trigger(table, 'before');
    await trigger(table, 'after');
  }
  await trigger('training_jobs', 'before');
}
