import { and, asc, eq, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import { benchmarkItems, iterations, leaks, prompts } from '../schema.ts';

export type NewLeak = typeof leaks.$inferInsert;

/** All held-out problems of a run, as they are asked, with their answers, the same order every time. */
export async function heldOutProblems(
  db: Db,
  runId: string,
): Promise<Pick<typeof benchmarkItems.$inferSelect, 'key' | 'text' | 'answer' | 'benchmark' | 'role'>[]> {
  return db.query.benchmarkItems.findMany({
    columns: { key: true, text: true, answer: true, benchmark: true, role: true },
    where: eq(benchmarkItems.runId, runId),
    orderBy: [asc(benchmarkItems.benchmark), asc(benchmarkItems.position)],
  });
}

/** Under this name a calibration set stands among what is held out. */
export const CALIBRATION = 'calibration';

/** The problems on which a run has measured its votes so far. */
export async function calibrationProblems(
  db: Db,
  runId: string,
): Promise<{ key: string; text: string; benchmark: string }[]> {
  const rows = await db
    .selectDistinct({ key: prompts.key, text: prompts.text })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), eq(prompts.purpose, 'calibrate')));
  return rows.map((row) => ({ ...row, benchmark: CALIBRATION }));
}

export async function addLeaks(db: Db, rows: NewLeak[]): Promise<void> {
  await insertNew(db, leaks, rows);
}

/** What was dropped in an iteration's stage. */
export async function countLeaks(db: Db, iterationId: number, stage: 'collect' | 'train'): Promise<number> {
  return db.$count(leaks, sql`${leaks.iterationId} = ${iterationId} and ${leaks.stage} = ${stage}`);
}

/** What was dropped in a run, by iteration, stage and kind. */
export async function leakCounts(db: Db, runId: string) {
  return db
    .select({
      iterationId: leaks.iterationId,
      stage: leaks.stage,
      kind: leaks.kind,
      n: sql<number>`count(*)::int`,
    })
    .from(leaks)
    .innerJoin(iterations, eq(iterations.id, leaks.iterationId))
    .where(eq(iterations.runId, runId))
    .groupBy(leaks.iterationId, leaks.stage, leaks.kind);
}
