import type { StageName } from '../../loop/words.ts';
import { and, eq, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { iterations, stages, type IterationPlan } from '../schema.ts';

export type Iteration = typeof iterations.$inferSelect;
export type Stage = typeof stages.$inferSelect;
export type StageOutput = NonNullable<Stage['output']>;

/** @throws Error when there is no such iteration. */
export async function getIteration(db: Db, id: number): Promise<Iteration> {
  const iteration = await db.query.iterations.findFirst({ where: eq(iterations.id, id) });
  if (!iteration) throw new Error(`There is no iteration ${id}.`);
  return iteration;
}

export async function findIteration(db: Db, runId: string, index: number): Promise<Iteration | undefined> {
  return db.query.iterations.findFirst({
    where: and(eq(iterations.runId, runId), eq(iterations.index, index)),
  });
}

/** Adds an iteration; one that exists keeps the plan that it was begun with. */
export async function addIteration(
  db: Db,
  values: { runId: string; index: number; checkpointId: number; plan: IterationPlan },
): Promise<Iteration> {
  const [inserted] = await db.insert(iterations).values(values).onConflictDoNothing().returning();
  return inserted ?? (await findIteration(db, values.runId, values.index))!;
}

export async function finishIteration(db: Db, id: number): Promise<void> {
  await db
    .update(iterations)
    .set({ finishedAt: sql`coalesce(${iterations.finishedAt}, now())` })
    .where(eq(iterations.id, id));
}

/** Marks a stage as running, unless it is done: a stage that is done is never redone. Returns its row. */
export async function openStage(db: Db, iterationId: number, name: StageName): Promise<Stage> {
  const values = { iterationId, name, status: 'running' as const, attempts: 1, startedAt: new Date() };
  const [opened] = await db
    .insert(stages)
    .values(values)
    .onConflictDoUpdate({
      target: [stages.iterationId, stages.name],
      set: { status: 'running', attempts: sql`${stages.attempts} + 1`, error: null },
      setWhere: sql`${stages.status} <> 'done'`,
    })
    .returning();
  return opened ?? (await findStage(db, iterationId, name))!;
}

export async function findStage(db: Db, iterationId: number, name: StageName): Promise<Stage | undefined> {
  return db.query.stages.findFirst({
    where: and(eq(stages.iterationId, iterationId), eq(stages.name, name)),
  });
}

export async function listStages(db: Db, iterationId: number): Promise<Stage[]> {
  return db.query.stages.findMany({ where: eq(stages.iterationId, iterationId) });
}

/** Changes a stage's row; with `only` just while the stage runs. */
async function changeStage(
  db: Db,
  iterationId: number,
  name: StageName,
  set: Partial<Omit<Stage, 'iterationId' | 'name'>>,
  only?: 'running',
): Promise<void> {
  const its = and(eq(stages.iterationId, iterationId), eq(stages.name, name));
  await db
    .update(stages)
    .set(set)
    .where(only ? and(its, eq(stages.status, only)) : its);
}

export const setStageTotal = (db: Db, iterationId: number, name: StageName, total: number) =>
  changeStage(db, iterationId, name, { total });

/** Notes a running stage's progress, for those who watch (training steps are not rows of their own). */
export const setStageProgress = (db: Db, iterationId: number, name: StageName, output: StageOutput) =>
  changeStage(db, iterationId, name, { output }, 'running');

export const closeStage = (db: Db, iterationId: number, name: StageName, output: StageOutput) =>
  changeStage(db, iterationId, name, { status: 'done', output, error: null, finishedAt: new Date() });

export const failStage = (
  db: Db,
  iterationId: number,
  name: StageName,
  status: 'failed' | 'cancelled',
  error: string,
) => changeStage(db, iterationId, name, { status, error }, 'running');
