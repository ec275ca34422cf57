/** What the votes of a run were measured to be worth. */
import { and, asc, eq, gt, lt } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
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
  await insertNew(db, calibrations, rows);
}

/** What was measured in an iteration, by level: of votes over samples, or of those of debates. */
export async function calibrationsOf(
  db: Db,
  iterationId: number,
  { debated }: { debated: boolean } = { debated: false },
): Promise<Map<number | null, Calibration>> {
  const rows = await db
    .select()
    .from(calibrations)
    .where(and(eq(calibrations.iterationId, iterationId), eq(calibrations.debated, debated)));
  return new Map(rows.map((row) => [row.level, row]));
}

/** All that was measured in a run of votes over samples. */
export async function runCalibrations(db: Db, runId: string): Promise<Calibration[]> {
  const rows = await db
    .select({ calibration: calibrations })
    .from(calibrations)
    .innerJoin(iterations, eq(iterations.id, calibrations.iterationId))
    .where(and(eq(iterations.runId, runId), eq(calibrations.debated, false)))
    .orderBy(asc(calibrations.iterationId), asc(calibrations.level));
  return rows.map((row) => row.calibration);
}
