/** What the votes of a run were measured to be worth. */
import { and, asc, eq, gt, lt } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { calibrationItems, calibrations, iterations, prompts, votes } from '../schema.ts';

export type Calibration = typeof calibrations.$inferSelect;

/** Known answers of an iteration's calibration problems, by prompt. */
export async function calibrationAnswers(db: Db, iterationId: number): Promise<Map<number, string>> {
  const rows = await db
    .select({ promptId: calibrationItems.promptId, answer: calibrationItems.answer })
    .from(calibrationItems)
    .innerJoin(prompts, eq(prompts.id, calibrationItems.promptId))
    .where(eq(prompts.iterationId, iterationId));
  return new Map(rows.map(({ promptId, answer }) => [promptId, answer]));
}

/** Calibration votes of a run's iterations after `after` and before `before`, with the known answers. */
export async function earlierCalibrationVotes(
  db: Db,
  runId: string,
  { after, before }: { after: number; before: number },
) {
  return db
    .select({
      iteration: iterations.index,
      level: prompts.level,
      truth: calibrationItems.answer,
      vote: votes,
    })
    .from(calibrationItems)
    .innerJoin(prompts, eq(prompts.id, calibrationItems.promptId))
    .innerJoin(votes, eq(votes.promptId, prompts.id))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), gt(iterations.index, after), lt(iterations.index, before)))
    .orderBy(asc(prompts.id));
}

export async function addCalibrations(db: Db, rows: (typeof calibrations.$inferInsert)[]): Promise<void> {
  if (rows.length > 0) await db.insert(calibrations).values(rows).onConflictDoNothing();
}

/** What was measured in an iteration, by level. */
export async function calibrationsOf(db: Db, iterationId: number): Promise<Map<number | null, Calibration>> {
  const rows = await db.select().from(calibrations).where(eq(calibrations.iterationId, iterationId));
  return new Map(rows.map((row) => [row.level, row]));
}

/** All that was measured in a run. */
export async function runCalibrations(db: Db, runId: string): Promise<Calibration[]> {
  const rows = await db
    .select({ calibration: calibrations })
    .from(calibrations)
    .innerJoin(iterations, eq(iterations.id, calibrations.iterationId))
    .where(eq(iterations.runId, runId))
    .orderBy(asc(calibrations.iterationId), asc(calibrations.level));
  return rows.map((row) => row.calibration);
}
