/** The fixed sample of a run, what each generating checkpoint answers to it, and how far iterations have drifted. */
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { DriftMeasures, DriftText } from '../../loop/drift.ts';
import type { DriftAlarm, DriftSource } from '../../loop/drift-alarms.ts';
import type { Db } from '../connect.ts';
import { drift, driftAnswers, driftPrompts, examples, iterations, prompts, samples } from '../schema.ts';

export type FixedPrompt = typeof driftPrompts.$inferSelect;

/** The run's fixed prompts, in order. */
export async function fixedPrompts(db: Db, runId: string): Promise<FixedPrompt[]> {
  return db.query.driftPrompts.findMany({
    where: eq(driftPrompts.runId, runId),
    orderBy: asc(driftPrompts.position),
  });
}

/** Keys of everything that a run has drawn. */
export async function drawnKeys(db: Db, runId: string): Promise<Set<string>> {
  const rows = await db
    .selectDistinct({ key: prompts.key })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(eq(iterations.runId, runId));
  return new Set(rows.map(({ key }) => key));
}

export async function addFixedPrompts(db: Db, rows: (typeof driftPrompts.$inferInsert)[]): Promise<void> {
  await insertNew(db, driftPrompts, rows);
}

/** Fixed prompts that a checkpoint has not answered yet. */
export async function unansweredPrompts(db: Db, runId: string, checkpointId: number): Promise<FixedPrompt[]> {
  const rows = await db
    .select({ prompt: driftPrompts })
    .from(driftPrompts)
    .leftJoin(
      driftAnswers,
      and(eq(driftAnswers.promptId, driftPrompts.id), eq(driftAnswers.checkpointId, checkpointId)),
    )
    .where(and(eq(driftPrompts.runId, runId), isNull(driftAnswers.promptId)))
    .orderBy(asc(driftPrompts.position));
  return rows.map(({ prompt }) => prompt);
}

/** A checkpoint's answers to the fixed sample, in order. */
export async function fixedTexts(db: Db, checkpointId: number): Promise<DriftText[]> {
  return db
    .select({
      text: driftAnswers.rationale,
      tokens: driftAnswers.completionTokens,
      answer: driftAnswers.answer,
    })
    .from(driftAnswers)
    .innerJoin(driftPrompts, eq(driftPrompts.id, driftAnswers.promptId))
    .where(eq(driftAnswers.checkpointId, checkpointId))
    .orderBy(asc(driftPrompts.position));
}

/** More would take long and tell no more. */
const MOST_TEXTS = 1000;

/**
 * What the gates accepted in an iteration, in an order that mixes prompts: the examples of one prompt are like each
 * other, whatever the model does.
 */
export async function acceptedTexts(db: Db, iterationId: number): Promise<DriftText[]> {
  return db
    .select({ text: samples.rationale, tokens: samples.completionTokens, answer: examples.answer })
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .where(and(eq(examples.iterationId, iterationId), inArray(examples.kind, ['vote', 'hard'])))
    .orderBy(sql`md5(${samples.id}::text)`)
    .limit(MOST_TEXTS);
}

export type DriftRow = {
  iterationId: number;
  index: number;
  /** The checkpoint that generated. */
  checkpointId: number;
  levels?: number[];
  /** Of the run's curriculum of targets, where it has one. */
  stage?: number;
  source: DriftSource;
  /** Null: it is the reference itself. */
  referenceIteration: number | null;
  measures: DriftMeasures;
  alarms: DriftAlarm[];
};

/** The drift of a run's iterations, oldest first; of those with these ids only, where they are given. */
export async function driftRows(db: Db, runId: string, iterationIds?: number[]): Promise<DriftRow[]> {
  const rows = await db
    .select({
      iterationId: drift.iterationId,
      index: iterations.index,
      checkpointId: iterations.checkpointId,
      plan: iterations.plan,
      source: drift.source,
      referenceIteration: drift.referenceIteration,
      measures: drift.measures,
      alarms: drift.alarms,
    })
    .from(drift)
    .innerJoin(iterations, eq(iterations.id, drift.iterationId))
    .where(
      and(eq(iterations.runId, runId), iterationIds ? inArray(drift.iterationId, iterationIds) : undefined),
    )
    .orderBy(asc(iterations.index), asc(drift.source));
  return rows.map(({ plan, ...row }) => ({ ...row, levels: plan.levels, stage: plan.stage }));
}

export async function addDrift(db: Db, row: typeof drift.$inferInsert): Promise<void> {
  await db.insert(drift).values(row).onConflictDoNothing();
}
