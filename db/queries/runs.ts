import type { BenchmarkRole, RunStatus } from '../../loop/words.ts';
import { and, asc, desc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { adjustments, benchmarkItems, checkpoints, decisions, iterations, runs } from '../schema.ts';

export type Run = typeof runs.$inferSelect;
export type NewBenchmarkItem = Omit<typeof benchmarkItems.$inferInsert, 'runId'>;

export async function findRun(db: Db, id: string): Promise<Run | undefined> {
  return db.query.runs.findFirst({ where: eq(runs.id, id) });
}

/** The run that was started last; with `unfinished`, the last of those that still run. */
export async function newestRun(db: Db, only?: 'unfinished'): Promise<Run | undefined> {
  const rows = await db
    .select()
    .from(runs)
    .where(only ? eq(runs.status, 'running') : undefined)
    .orderBy(desc(runs.createdAt), desc(runs.id))
    .limit(1);
  return rows[0];
}

export async function allRuns(db: Db): Promise<Run[]> {
  return db.select().from(runs).orderBy(desc(runs.createdAt), desc(runs.id));
}

export async function runsByIds(db: Db, ids: string[]): Promise<Run[]> {
  return ids.length === 0 ? [] : db.select().from(runs).where(inArray(runs.id, ids));
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

/** The adapter that a run trained and that is served under this name; the newest where there are several. */
export async function adapterNamed(db: Db, model: string): Promise<Checkpoint | undefined> {
  return db.query.checkpoints.findFirst({
    where: and(eq(checkpoints.model, model), gt(checkpoints.iterationIndex, 0)),
    orderBy: desc(checkpoints.id),
  });
}

/** Adds a checkpoint, or returns the one that this iteration already made (index 0: where the run starts, TEACHER: who teaches). */
export async function addCheckpoint(db: Db, values: typeof checkpoints.$inferInsert): Promise<Checkpoint> {
  const [inserted] = await db.insert(checkpoints).values(values).onConflictDoNothing().returning();
  return inserted ?? (await findCheckpoint(db, values.runId, values.iterationIndex))!;
}

/**
 * The best checkpoint of each of these runs that has a base: what the newest decision left as best, or what a reset after it went
 * back to; before any, the base. It generates, and candidates must beat it.
 */
export async function bestIds(db: Db, runIds: string[]): Promise<Map<string, number>> {
  if (runIds.length === 0) return new Map();
  // A reset from iteration n on comes after the decision of n − 1 and before that of n.
  const { rows } = await db.execute<{ run: string; id: number }>(sql`
    select base.run_id as run, coalesce(case when reset."from" > coalesce(decided.index, -1) then reset.id else decided.id end,
      base.id)::float8 as id
    from ${checkpoints} base
    left join lateral (select d.best_id as id, i.index from ${decisions} d join ${iterations} i on i.id = d.iteration_id
      where i.run_id = base.run_id order by i.index desc limit 1) decided on true
    left join lateral (select a.checkpoint_id as id, a.from_iteration as "from" from ${adjustments} a
      where a.run_id = base.run_id and a.kind = 'reset' order by a.from_iteration desc, a.id desc limit 1) reset on true
    where base.iteration_index = 0 and ${inArray(sql`base.run_id`, runIds)}`);
  return new Map(rows.map(({ run, id }) => [run, id]));
}

/** Where the run started (the base, or a promoted adapter), and its best. */
export async function baseAndBest(db: Db, runId: string): Promise<{ base: Checkpoint; best: Checkpoint }> {
  const base = await findCheckpoint(db, runId, 0);
  if (!base) throw new Error(`Run ${runId} has no base checkpoint yet.`);
  const bestId = (await bestIds(db, [runId])).get(runId)!;
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
): Promise<{ name: string; role: BenchmarkRole }[]> {
  return db
    .selectDistinct({ name: benchmarkItems.benchmark, role: benchmarkItems.role })
    .from(benchmarkItems)
    .where(eq(benchmarkItems.runId, runId))
    .orderBy(asc(benchmarkItems.benchmark));
}
