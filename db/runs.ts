import { and, asc, desc, eq } from 'drizzle-orm';
import type { Db } from './connect.ts';
import {
  adjustments,
  benchmarkItems,
  checkpoints,
  decisions,
  iterations,
  runs,
  type RunStatus,
} from './schema.ts';

export type Run = typeof runs.$inferSelect;
export type NewBenchmarkItem = Omit<typeof benchmarkItems.$inferInsert, 'runId'>;

export async function findRun(db: Db, id: string): Promise<Run | undefined> {
  return db.query.runs.findFirst({ where: eq(runs.id, id) });
}

/** @throws Error when there is no such run. */
export async function getRun(db: Db, id: string): Promise<Run> {
  const run = await findRun(db, id);
  if (!run) throw new Error(`There is no run ${id}.`);
  return run;
}

/** Stores a run with its held-out problems, all or nothing; does nothing when the run exists. */
export async function createRun(
  db: Db,
  run: typeof runs.$inferInsert,
  items: NewBenchmarkItem[],
): Promise<void> {
  await db.transaction(async (tx) => {
    const inserted = await tx.insert(runs).values(run).onConflictDoNothing().returning({ id: runs.id });
    if (inserted.length === 0) return;
    for (let i = 0; i < items.length; i += 1000) {
      await tx
        .insert(benchmarkItems)
        .values(items.slice(i, i + 1000).map((item) => ({ ...item, runId: run.id })));
    }
  });
}

export async function setRunStatus(db: Db, id: string, status: RunStatus, reason?: string): Promise<void> {
  const finishedAt = status === 'running' ? null : new Date();
  await db
    .update(runs)
    .set({ status, statusReason: reason ?? null, finishedAt })
    .where(eq(runs.id, id));
}

export type Checkpoint = typeof checkpoints.$inferSelect;

/** @throws Error when there is no such checkpoint. */
export async function getCheckpoint(db: Db, id: number): Promise<Checkpoint> {
  const checkpoint = await db.query.checkpoints.findFirst({ where: eq(checkpoints.id, id) });
  if (!checkpoint) throw new Error(`There is no checkpoint ${id}.`);
  return checkpoint;
}

export async function findCheckpoint(
  db: Db,
  runId: string,
  iterationIndex: number,
): Promise<Checkpoint | undefined> {
  return db.query.checkpoints.findFirst({
    where: and(eq(checkpoints.runId, runId), eq(checkpoints.iterationIndex, iterationIndex)),
  });
}

/** Adds a checkpoint, or returns the one that this iteration already made (index 0: where the run starts). */
export async function addCheckpoint(db: Db, values: typeof checkpoints.$inferInsert): Promise<Checkpoint> {
  const [inserted] = await db.insert(checkpoints).values(values).onConflictDoNothing().returning();
  return inserted ?? (await findCheckpoint(db, values.runId, values.iterationIndex))!;
}

/**
 * Where the run started (the base, or a promoted adapter), and the best: what the newest decision left as best, or what a
 * reset after it went back to. The best generates, and candidates must beat it.
 */
export async function baseAndBest(db: Db, runId: string): Promise<{ base: Checkpoint; best: Checkpoint }> {
  const base = await findCheckpoint(db, runId, 0);
  if (!base) throw new Error(`Run ${runId} has no base checkpoint yet.`);
  const [decided] = await db
    .select({ bestId: decisions.bestId, index: iterations.index })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .where(eq(iterations.runId, runId))
    .orderBy(desc(iterations.index))
    .limit(1);
  const [reset] = await db
    .select({ checkpointId: adjustments.checkpointId, from: adjustments.fromIteration })
    .from(adjustments)
    .where(and(eq(adjustments.runId, runId), eq(adjustments.kind, 'reset')))
    .orderBy(desc(adjustments.fromIteration), desc(adjustments.id))
    .limit(1);
  // A reset from iteration n on comes after the decision of n − 1 and before that of n.
  const resetIsNewer = reset && (!decided || reset.from > decided.index);
  const bestId = (resetIsNewer ? reset.checkpointId : decided?.bestId) ?? base.id;
  return { base, best: bestId === base.id ? base : await getCheckpoint(db, bestId) };
}

/** The base under an adapter, whichever run trained it: lineage crosses runs. */
export async function rootOf(db: Db, checkpoint: Checkpoint): Promise<Checkpoint> {
  let at = checkpoint;
  while (at.kind !== 'base') {
    if (at.parentId === null) throw new Error(`The adapter ${at.model} (checkpoint ${at.id}) has no parent.`);
    at = await getCheckpoint(db, at.parentId);
  }
  return at;
}

export async function listBenchmarks(
  db: Db,
  runId: string,
): Promise<{ name: string; role: 'target' | 'guard' | 'final' }[]> {
  return db
    .selectDistinct({ name: benchmarkItems.benchmark, role: benchmarkItems.role })
    .from(benchmarkItems)
    .where(eq(benchmarkItems.runId, runId))
    .orderBy(asc(benchmarkItems.benchmark));
}
