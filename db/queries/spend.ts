/** What was spent, read from the ledger of model calls and from the fine-tuning jobs. */
import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import type { Training, Usage } from '../../loop/budget.ts';
import type { Db } from '../connect.ts';
import { datasets, iterations, modelCalls, reservations, trainingJobs } from '../schema.ts';

/** A transaction or the database itself. */
type Reader = Pick<Db, 'select'>;

/** Iterations of a run: one by its id, or those of a stage of its curriculum. */
type Which = number | { stage: number };

const ofIterations = (column: AnyPgColumn, runId: string, which: Which | undefined): SQL | undefined => {
  if (which === undefined || typeof which === 'number')
    return which === undefined ? undefined : eq(column, which);
  return sql`${column} in (select i.id from iterations i where i.run_id = ${runId} and (i.plan->>'stage')::int = ${which.stage})`;
};

/** Tokens by model: of a run, or of some of its iterations. */
export async function usageOf(db: Reader, runId: string, which?: Which): Promise<Usage[]> {
  return db
    .select({
      model: modelCalls.model,
      promptTokens: sql<number>`coalesce(sum(${modelCalls.promptTokens}), 0)::float8`,
      completionTokens: sql<number>`coalesce(sum(${modelCalls.completionTokens}), 0)::float8`,
    })
    .from(modelCalls)
    .where(and(eq(modelCalls.runId, runId), ofIterations(modelCalls.iterationId, runId, which)))
    .groupBy(modelCalls.model);
}

/** Fine-tuning jobs that have ended, by the model they started from. */
export async function trainingOf(db: Reader, runId: string, which?: Which): Promise<Training[]> {
  return db
    .select({
      model: trainingJobs.parentModel,
      tokens: sql<number>`coalesce(sum(${trainingJobs.trainedTokens}), 0)::float8`,
      seconds: sql<number>`coalesce(sum(${trainingJobs.seconds}), 0)::float8`,
    })
    .from(trainingJobs)
    .innerJoin(datasets, eq(datasets.id, trainingJobs.datasetId))
    .innerJoin(iterations, eq(iterations.id, datasets.iterationId))
    .where(and(eq(iterations.runId, runId), ofIterations(iterations.id, runId, which)))
    .groupBy(trainingJobs.parentModel);
}

/** Held by pages under way, except the page `but`. */
export async function heldBy(
  db: Reader,
  runId: string,
  but: string | undefined,
  which?: Which,
): Promise<{ tokens: number; cost: number }> {
  const [row] = await db
    .select({
      tokens: sql<number>`coalesce(sum(${reservations.tokens}), 0)::float8`,
      cost: sql<number>`coalesce(sum(${reservations.cost}), 0)::float8`,
    })
    .from(reservations)
    .where(
      and(
        eq(reservations.runId, runId),
        but === undefined ? undefined : sql`${reservations.key} <> ${but}`,
        ofIterations(reservations.iterationId, runId, which),
      ),
    );
  return row!;
}

/** Holds an amount for a page; the page tried again replaces its own. */
export async function hold(db: Pick<Db, 'insert'>, values: typeof reservations.$inferInsert): Promise<void> {
  await db
    .insert(reservations)
    .values(values)
    .onConflictDoUpdate({
      target: [reservations.runId, reservations.key],
      set: { tokens: values.tokens, cost: values.cost },
    });
}

export async function release(db: Db, runId: string, key: string): Promise<void> {
  await db.delete(reservations).where(and(eq(reservations.runId, runId), eq(reservations.key, key)));
}

/** Pages of stages that are over, or that were given up, hold nothing any more. */
export async function releaseIteration(db: Db, iterationId: number): Promise<void> {
  await db.delete(reservations).where(eq(reservations.iterationId, iterationId));
}

export type StageTokens = { stage: string; promptTokens: number; completionTokens: number };

/** Tokens of successful calls by stage, over all iterations of a run. */
export async function tokensByStage(db: Db, runId: string): Promise<StageTokens[]> {
  return db
    .select({
      stage: modelCalls.stage,
      promptTokens: sql<number>`sum(${modelCalls.promptTokens})::float8`,
      completionTokens: sql<number>`sum(${modelCalls.completionTokens})::float8`,
    })
    .from(modelCalls)
    .where(and(eq(modelCalls.runId, runId), sql`${modelCalls.error} is null`))
    .groupBy(modelCalls.stage);
}

/**
 * What the run has made so far of what costs tokens: paid samples of the first round, without those that were put together of parts, and
 * benchmark answers.
 */
export async function unitsMade(db: Db, runId: string): Promise<{ samples: number; items: number }> {
  const { rows } = await db.execute<{ samples: number; items: number }>(sql`
    select (select count(*) from samples s join prompts p on p.id = s.prompt_id
        join iterations i on i.id = p.iteration_id
        where i.run_id = ${runId} and s.round = 1 and not s.cached
          and not exists (select from ladder_nodes n where n.prompt_id = p.id))::int as samples,
      (select count(*) from evaluation_items e join evaluations v on v.id = e.evaluation_id
        join checkpoints c on c.id = v.checkpoint_id where c.run_id = ${runId})::int
      + (select count(*) from shown_answers s join benchmark_items b on b.id = s.item_id
        where b.run_id = ${runId})::int as items`);
  return rows[0]!;
}
