import { and, asc, desc, eq, isNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import {
  benchmarkItems,
  checkpoints,
  decisions,
  evaluationItems,
  evaluations,
  iterations,
  modelCalls,
} from '../schema.ts';

export type Evaluation = typeof evaluations.$inferSelect;
export type BenchmarkItemRow = typeof benchmarkItems.$inferSelect;

export async function getEvaluation(db: Db, id: number): Promise<Evaluation> {
  const evaluation = await db.query.evaluations.findFirst({ where: eq(evaluations.id, id) });
  if (!evaluation) throw new Error(`There is no evaluation ${id}.`);
  return evaluation;
}

export async function findEvaluation(
  db: Db,
  checkpointId: number,
  benchmark: string,
): Promise<Evaluation | undefined> {
  return db.query.evaluations.findFirst({
    where: and(eq(evaluations.checkpointId, checkpointId), eq(evaluations.benchmark, benchmark)),
  });
}

/** Adds an evaluation, or returns the one that measured this checkpoint on this benchmark before. */
export async function addEvaluation(db: Db, values: typeof evaluations.$inferInsert): Promise<Evaluation> {
  const [inserted] = await db.insert(evaluations).values(values).onConflictDoNothing().returning();
  return inserted ?? (await findEvaluation(db, values.checkpointId, values.benchmark))!;
}

export async function benchmarkPage(
  db: Db,
  runId: string,
  benchmark: string,
  first: number,
  count: number,
): Promise<BenchmarkItemRow[]> {
  return db.query.benchmarkItems.findMany({
    where: and(eq(benchmarkItems.runId, runId), eq(benchmarkItems.benchmark, benchmark)),
    orderBy: asc(benchmarkItems.position),
    offset: first,
    limit: count,
  });
}

export async function countItems(db: Db, runId: string, benchmark: string): Promise<number> {
  return db.$count(
    benchmarkItems,
    and(eq(benchmarkItems.runId, runId), eq(benchmarkItems.benchmark, benchmark)),
  );
}

/** Ids of the items that an evaluation has answers to. */
export async function answeredItems(db: Db, evaluationId: number): Promise<Set<number>> {
  const rows = await db
    .select({ itemId: evaluationItems.itemId })
    .from(evaluationItems)
    .where(eq(evaluationItems.evaluationId, evaluationId));
  return new Set(rows.map((row) => row.itemId));
}

/** How many items of an evaluation are in, and how many of them could not be measured. */
export async function countAnswered(
  db: Db,
  evaluationId: number,
): Promise<{ answered: number; unmeasured: number; correct: number; unparsable: number }> {
  const measured = sql`${evaluationItems.correct} is not null`;
  const [counts] = await db
    .select({
      answered: sql<number>`count(*)::int`,
      unmeasured: sql<number>`count(*) filter (where not (${measured}))::int`,
      correct: sql<number>`count(*) filter (where ${evaluationItems.correct})::int`,
      unparsable: sql<number>`count(*) filter (where ${measured} and ${evaluationItems.answer} is null)::int`,
    })
    .from(evaluationItems)
    .where(eq(evaluationItems.evaluationId, evaluationId));
  return counts!;
}

/**
 * Counts an evaluation whose items are all in: `total` becomes the number that was measured.
 *
 * @throws Error when some are missing
 */
export async function closeEvaluation(db: Db, id: number): Promise<{ correct: number; total: number }> {
  const evaluation = await getEvaluation(db, id);
  if (evaluation.finishedAt !== null) return { correct: evaluation.correct!, total: evaluation.total };
  const { answered, unmeasured, correct, unparsable } = await countAnswered(db, id);
  if (answered !== evaluation.total)
    throw new Error(`Evaluation ${id} has ${answered} of ${evaluation.total} items.`);
  const total = answered - unmeasured;
  await db
    .update(evaluations)
    .set({ correct, unparsable, total, finishedAt: new Date() })
    .where(eq(evaluations.id, id));
  return { correct, total };
}

/** Takes out what could not be measured, so that it is asked again. Answers why the first of it could not. */
export async function forgetUnmeasured(db: Db, evaluationId: number): Promise<string | undefined> {
  const removed = await db
    .delete(evaluationItems)
    .where(and(eq(evaluationItems.evaluationId, evaluationId), isNull(evaluationItems.correct)))
    .returning({ callId: evaluationItems.callId });
  const first = Math.min(...removed.map(({ callId }) => callId));
  if (removed.length === 0) return undefined;
  const [call] = await db
    .select({ error: modelCalls.error })
    .from(modelCalls)
    .where(eq(modelCalls.id, first));
  return call?.error ?? undefined;
}

/** Right or wrong, item by item in the benchmark's order; null where it could not be measured. */
export async function correctness(db: Db, evaluationId: number): Promise<(boolean | null)[]> {
  const rows = await db
    .select({ correct: evaluationItems.correct })
    .from(evaluationItems)
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, evaluationItems.itemId))
    .where(eq(evaluationItems.evaluationId, evaluationId))
    .orderBy(asc(benchmarkItems.position));
  return rows.map((row) => row.correct);
}

/** The checkpoints of a run among which one is looked for: those of a stage of its curriculum, by the stage's own target. */
export type ScoredIn = { target: string; since: number; startId: number };

/**
 * Of the checkpoints that were a run's base or were promoted in it, the one with the most target items right; of
 * equals the newest. Undefined before the base is measured.
 *
 * @param stage only what a stage of a curriculum began at or promoted: what came before would give up finished targets
 */
export async function bestScored(
  db: Db,
  runId: string,
  stage?: ScoredIn,
): Promise<{ checkpointId: number; correct: number } | undefined> {
  const first = stage ? eq(checkpoints.id, stage.startId) : eq(checkpoints.iterationIndex, 0);
  const [row] = await db
    .select({ checkpointId: checkpoints.id, correct: sql<number>`sum(${evaluations.correct})::int` })
    .from(evaluations)
    .innerJoin(checkpoints, eq(checkpoints.id, evaluations.checkpointId))
    .where(
      and(
        eq(checkpoints.runId, runId),
        sql`${evaluations.finishedAt} is not null`,
        sql`exists (select 1 from ${benchmarkItems} b where b.run_id = ${runId}
          and b.benchmark = ${evaluations.benchmark} and b.role = 'target')`,
        stage ? eq(evaluations.benchmark, stage.target) : undefined,
        sql`(${first} or exists (select 1 from ${decisions} d
          join ${iterations} i on i.id = d.iteration_id
          where i.run_id = ${runId} and d.kind = 'promote' and d.candidate_id = ${checkpoints.id}
            and i.index >= ${stage?.since ?? 0}))`,
      ),
    )
    .groupBy(checkpoints.id)
    .orderBy(desc(sql`sum(${evaluations.correct})`), desc(checkpoints.id))
    .limit(1);
  return row;
}
