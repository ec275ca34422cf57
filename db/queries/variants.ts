/** Easier variants of prompts: what they are made of, what became of them, and which an iteration draws. */
import { and, asc, eq, inArray, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import type { Tx } from './calls.ts';
import type { StoredPrompt } from './prompts.ts';
import { examples, iterations, modelCalls, prompts, variants, votes } from '../schema.ts';

export type Variant = typeof variants.$inferSelect;
export type NewVariant = typeof variants.$inferInsert;

/** An iteration's prompts to learn from whose vote was not trusted and of which nothing was accepted, in order. */
export async function unsettledPrompts(db: Db, iterationId: number): Promise<StoredPrompt[]> {
  const rows = await db
    .select({ prompt: prompts })
    .from(prompts)
    .leftJoin(votes, eq(votes.promptId, prompts.id))
    .where(
      and(
        eq(prompts.iterationId, iterationId),
        eq(prompts.purpose, 'learn'),
        sql`${votes.trusted} is not true`,
        sql`not exists (select 1 from ${examples} where ${examples.promptId} = ${prompts.id})`,
      ),
    )
    .orderBy(asc(prompts.position));
  return rows.map(({ prompt }) => prompt);
}

/** The variants of some prompts, whatever became of them. */
export async function variantsOf(db: Db, promptIds: readonly number[]): Promise<Variant[]> {
  if (promptIds.length === 0) return [];
  return db
    .select()
    .from(variants)
    .where(inArray(variants.promptId, [...promptIds]))
    .orderBy(asc(variants.promptId), asc(variants.number));
}

/** Holds off others who add variants in this iteration until the transaction ends: of two equal ones only the first is usable. */
export async function waitForVariants(tx: Tx, iterationId: number): Promise<void> {
  await tx
    .select({ id: iterations.id })
    .from(iterations)
    .where(eq(iterations.id, iterationId))
    .for('no key update');
}

/** Which of these keys a run has drawn, for whatever purpose, or has as a usable variant. */
export async function keysInRun(tx: Tx, runId: string, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const digests = sql.join(
    keys.map((key) => sql`md5(${key})`),
    sql`, `,
  );
  const drawn = await tx
    .select({ key: prompts.key })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), sql`md5(${prompts.key}) in (${digests})`));
  const made = await tx
    .select({ key: variants.key })
    .from(variants)
    .innerJoin(iterations, eq(iterations.id, variants.iterationId))
    .where(
      and(
        eq(iterations.runId, runId),
        eq(variants.outcome, 'usable'),
        sql`md5(${variants.key}) in (${digests})`,
      ),
    );
  return new Set([...drawn, ...made].flatMap(({ key }) => key ?? []));
}

export async function addVariants(tx: Tx, rows: NewVariant[]): Promise<void> {
  await insertNew(tx, variants, rows);
}

/** Usable variants that earlier iterations of a run made and none has drawn, oldest first, with the stage of the curriculum that each is of. */
export async function undrawnVariants(
  db: Db,
  { runId, index }: { runId: string; index: number },
): Promise<(Pick<Variant, 'id' | 'key' | 'text' | 'level'> & { stage: number | undefined })[]> {
  const rows = await db
    .select({ variant: variants, plan: iterations.plan })
    .from(variants)
    .innerJoin(iterations, eq(iterations.id, variants.iterationId))
    .leftJoin(prompts, eq(prompts.variantId, variants.id))
    .where(
      and(
        eq(iterations.runId, runId),
        lt(iterations.index, index),
        eq(variants.outcome, 'usable'),
        isNull(prompts.id),
      ),
    )
    .orderBy(asc(variants.id));
  return rows.map(({ variant: { id, key, text, level }, plan }) => {
    return { id, key, text, level, stage: plan.stage };
  });
}

/** Variants with the prompts that they were made of, and the models that wrote them. */
export async function variantOrigins(db: Db, ids: readonly number[]) {
  if (ids.length === 0) return [];
  return db
    .select({ variant: variants, parent: prompts, iteration: iterations.index, model: modelCalls.model })
    .from(variants)
    .innerJoin(prompts, eq(prompts.id, variants.promptId))
    .innerJoin(iterations, eq(iterations.id, variants.iterationId))
    .leftJoin(modelCalls, eq(modelCalls.id, variants.callId))
    .where(inArray(variants.id, [...ids]));
}

/** The variants of a prompt, with the prompt that each was drawn as. */
export async function madeVariants(db: Db, promptId: number) {
  return db
    .select({ variant: variants, drawn: prompts.id })
    .from(variants)
    .leftJoin(prompts, eq(prompts.variantId, variants.id))
    .where(eq(variants.promptId, promptId))
    .orderBy(asc(variants.number));
}

/** What became of a run's variants, by the iteration that made them. */
export async function variantCounts(db: Db, runId: string) {
  return db
    .select({
      iteration: iterations.index,
      promptId: variants.promptId,
      by: variants.by,
      outcome: variants.outcome,
    })
    .from(variants)
    .innerJoin(iterations, eq(iterations.id, variants.iterationId))
    .where(eq(iterations.runId, runId))
    .orderBy(asc(variants.id));
}

/** Variants in the pools of a run's iterations, and those among them with an example. */
export async function variantsDrawn(
  db: Db,
  runId: string,
): Promise<{ iteration: number; drawn: number; accepted: number }[]> {
  return db
    .select({
      iteration: iterations.index,
      drawn: sql<number>`count(*)::int`,
      accepted: sql<number>`(count(*) filter (where exists (
        select 1 from ${examples} where ${examples.promptId} = ${prompts.id})))::int`,
    })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), isNotNull(prompts.variantId)))
    .groupBy(iterations.index)
    .orderBy(asc(iterations.index));
}
