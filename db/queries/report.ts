/**
 * Read-only queries behind `report` and `list`: what a run measured and decided. Nothing here interprets;
 * statistics and words are the report's.
 */
import { TEACHER, type BenchmarkRole } from '../../loop/words.ts';
import { and, asc, eq, inArray, ne, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Db } from '../connect.ts';
import {
  adjustments,
  benchmarkItems,
  checkpoints,
  datasets,
  decisions,
  evaluationItems,
  evaluations,
  examples,
  iterations,
  modelCalls,
  prompts,
  runs,
  samples,
  stages,
  verdicts,
  votes,
} from '../schema.ts';
import { drawn } from './samples.ts';

export type RunRow = typeof runs.$inferSelect;
export type CheckpointRow = typeof checkpoints.$inferSelect;

/** Iterations with their decisions and datasets, in order; `decision` is null while the iteration goes on. */
export async function iterationRows(db: Db, runIds: string[]) {
  if (runIds.length === 0) return [];
  return db
    .select({
      runId: iterations.runId,
      id: iterations.id,
      index: iterations.index,
      checkpointId: iterations.checkpointId,
      plan: iterations.plan,
      startedAt: iterations.createdAt,
      finishedAt: iterations.finishedAt,
      decision: decisions.kind,
      reason: decisions.reason,
      numbers: decisions.numbers,
      candidateId: decisions.candidateId,
      bestId: decisions.bestId,
      trainedExamples: datasets.examples,
    })
    .from(iterations)
    .leftJoin(decisions, eq(decisions.iterationId, iterations.id))
    .leftJoin(datasets, eq(datasets.iterationId, iterations.id))
    .where(inArray(iterations.runId, runIds))
    .orderBy(asc(iterations.runId), asc(iterations.index));
}
export type IterationRow = Awaited<ReturnType<typeof iterationRows>>[number];

/** What these runs began with and what they trained. A teacher, which is another model, is none of it. */
export async function checkpointRows(db: Db, runIds: string[]): Promise<CheckpointRow[]> {
  if (runIds.length === 0) return [];
  return db
    .select()
    .from(checkpoints)
    .where(and(inArray(checkpoints.runId, runIds), ne(checkpoints.iterationIndex, TEACHER)))
    .orderBy(asc(checkpoints.runId), asc(checkpoints.iterationIndex));
}

const count = sql<number>`count(*)::int`;

/** Prompts of each iteration by purpose, with the mean agreement of their votes. */
export async function promptCounts(db: Db, runId: string) {
  return db
    .select({
      iterationId: prompts.iterationId,
      purpose: prompts.purpose,
      prompts: count,
      trusted: sql<number>`count(*) filter (where ${votes.trusted})::int`,
      meanAgreement: sql<number | null>`avg(${votes.agreement})::float8`,
    })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .leftJoin(votes, eq(votes.promptId, prompts.id))
    .where(eq(iterations.runId, runId))
    .groupBy(prompts.iterationId, prompts.purpose);
}

/** What spoke against votes on unlabeled prompts beside their number, and their independence. */
export async function voteCounts(db: Db, runId: string) {
  return db
    .select({
      iterationId: prompts.iterationId,
      noAnswer: sql<number>`count(*) filter (where ${votes.unreadable} > ${votes.votes})::int`,
      copies: sql<number>`coalesce(sum(${votes.copies}), 0)::int`,
      sharedMistakes: sql<number>`count(*) filter (where ${votes.sharedMistake})::int`,
      within: sql<number | null>`avg(${votes.within})::float8`,
      across: sql<number | null>`avg(${votes.across}) filter (where ${votes.within} is not null)::float8`,
    })
    .from(votes)
    .innerJoin(prompts, eq(prompts.id, votes.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), eq(prompts.purpose, 'learn')))
    .groupBy(prompts.iterationId);
}

/** The model's samples of each iteration. */
export async function sampleCounts(db: Db, runId: string) {
  return db
    .select({
      iterationId: prompts.iterationId,
      samples: count,
      resampled: sql<number>`count(*) filter (where ${samples.round} = 2)::int`,
      unparsable: sql<number>`count(*) filter (where ${samples.answer} is null)::int`,
      cutOff: sql<number>`count(*) filter (where ${samples.finishReason} = 'length')::int`,
      refused: sql<number>`count(*) filter (where ${samples.finishReason} = 'refused')::int`,
    })
    .from(samples)
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), drawn()))
    .groupBy(prompts.iterationId);
}

/** Accepted examples by kind and purpose; `prompts` counts the distinct prompts they answer. */
export async function exampleCounts(db: Db, runId: string) {
  return db
    .select({
      iterationId: examples.iterationId,
      purpose: prompts.purpose,
      examples: count,
      hard: sql<number>`count(*) filter (where ${examples.kind} = 'hard')::int`,
      prompts: sql<number>`count(distinct ${examples.promptId})::int`,
    })
    .from(examples)
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .where(eq(examples.runId, runId))
    .groupBy(examples.iterationId, prompts.purpose);
}

/** The accepted pseudo-labels: one per prompt of purpose `learn`, however many examples carry it. A reviewer's are none. */
export async function pseudoLabels(db: Db, runId: string) {
  return db
    .selectDistinct({
      iterationId: examples.iterationId,
      promptId: examples.promptId,
      answer: examples.answer,
      key: prompts.key,
      text: prompts.text,
      level: prompts.level,
    })
    .from(examples)
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .where(and(eq(examples.runId, runId), eq(prompts.purpose, 'learn'), ne(examples.kind, 'human')));
}

/** Verdicts on the model's samples of unlabeled prompts: on planted ones they are in the audit, on a person's answer they are his own. */
export async function gateCounts(db: Db, runId: string) {
  return db
    .select({
      iterationId: prompts.iterationId,
      gate: verdicts.gate,
      outcome: verdicts.outcome,
      advisory: verdicts.advisory,
      verdicts: count,
    })
    .from(verdicts)
    .innerJoin(samples, eq(samples.id, verdicts.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), eq(prompts.purpose, 'learn'), drawn()))
    .groupBy(prompts.iterationId, verdicts.gate, verdicts.outcome, verdicts.advisory)
    .orderBy(asc(verdicts.gate));
}

/** Tokens and requests by iteration (null: asked by the run itself) and stage. */
export async function callTotals(db: Db, runId: string) {
  return db
    .select({
      iterationId: modelCalls.iterationId,
      stage: modelCalls.stage,
      requests: sql<number>`coalesce(sum(${modelCalls.requests}), 0)::int`,
      failed: sql<number>`coalesce(sum(${modelCalls.requests}) filter (where ${modelCalls.error} is not null), 0)::int`,
      estimated: sql<number>`coalesce(sum(${modelCalls.requests}) filter (where ${modelCalls.estimated}), 0)::int`,
      promptTokens: sql<number>`coalesce(sum(${modelCalls.promptTokens}), 0)::float8`,
      completionTokens: sql<number>`coalesce(sum(${modelCalls.completionTokens}), 0)::float8`,
    })
    .from(modelCalls)
    .where(eq(modelCalls.runId, runId))
    .groupBy(modelCalls.iterationId, modelCalls.stage);
}

/** Scores of every finished evaluation, by benchmark and group (level). */
export async function scores(db: Db, runIds: string[]) {
  if (runIds.length === 0) return [];
  return db
    .select({
      runId: benchmarkItems.runId,
      checkpointId: evaluations.checkpointId,
      benchmark: evaluations.benchmark,
      role: benchmarkItems.role,
      group: benchmarkItems.group,
      total: sql<number>`count(${evaluationItems.correct})::int`,
      correct: sql<number>`count(*) filter (where ${evaluationItems.correct})::int`,
      unparsable: sql<number>`count(*) filter (where ${evaluationItems.correct} is not null and ${evaluationItems.answer} is null)::int`,
    })
    .from(evaluationItems)
    .innerJoin(evaluations, eq(evaluations.id, evaluationItems.evaluationId))
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, evaluationItems.itemId))
    .where(and(inArray(benchmarkItems.runId, runIds), sql`${evaluations.finishedAt} is not null`))
    .groupBy(
      benchmarkItems.runId,
      evaluations.checkpointId,
      evaluations.benchmark,
      benchmarkItems.role,
      benchmarkItems.group,
    );
}
export type ScoreRow = Awaited<ReturnType<typeof scores>>[number];

/** Items of one role that both checkpoints answered, split by who was right. */
export async function pairedCounts(db: Db, a: number, b: number, role: BenchmarkRole) {
  const itemsOfB = alias(evaluationItems, 'items_of_b');
  const evaluationsOfB = alias(evaluations, 'evaluations_of_b');
  const [row] = await db
    .select({
      pairs: sql<number>`count(*) filter (where ${evaluationItems.correct} is not null and ${itemsOfB.correct} is not null)::int`,
      onlyA: sql<number>`count(*) filter (where ${evaluationItems.correct} and not ${itemsOfB.correct})::int`,
      onlyB: sql<number>`count(*) filter (where ${itemsOfB.correct} and not ${evaluationItems.correct})::int`,
    })
    .from(evaluationItems)
    .innerJoin(evaluations, eq(evaluations.id, evaluationItems.evaluationId))
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, evaluationItems.itemId))
    .innerJoin(itemsOfB, eq(itemsOfB.itemId, evaluationItems.itemId))
    .innerJoin(evaluationsOfB, eq(evaluationsOfB.id, itemsOfB.evaluationId))
    .where(
      and(eq(evaluations.checkpointId, a), eq(evaluationsOfB.checkpointId, b), eq(benchmarkItems.role, role)),
    );
  return row ?? { pairs: 0, onlyA: 0, onlyB: 0 };
}

/** Seconds of each stage that is done. */
export async function stageSeconds(db: Db, runId: string) {
  return db
    .select({
      iterationId: stages.iterationId,
      stage: stages.name,
      seconds: sql<number>`extract(epoch from ${stages.finishedAt} - ${stages.startedAt})::float8`,
    })
    .from(stages)
    .innerJoin(iterations, eq(iterations.id, stages.iterationId))
    .where(
      and(
        eq(iterations.runId, runId),
        sql`${stages.finishedAt} is not null and ${stages.startedAt} is not null`,
      ),
    );
}

/** Why the critic only advised, by iteration, where it did. */
export async function criticDoubts(db: Db, runId: string) {
  return db
    .select({
      iterationId: stages.iterationId,
      doubt: sql<string>`${stages.output}->>'criticAdvises'`,
    })
    .from(stages)
    .innerJoin(iterations, eq(iterations.id, stages.iterationId))
    .where(
      and(
        eq(iterations.runId, runId),
        eq(stages.name, 'filter'),
        sql`${stages.output}->>'criticAdvises' is not null`,
      ),
    );
}

/** Clusters of rationales over the accepted prompts of each iteration that has been filtered since they are counted. */
export async function clusterCounts(db: Db, runId: string) {
  const of = (field: string) => sql<number>`(${stages.output}->'clusters'->>${field})::int`;
  return db
    .select({
      iterationId: stages.iterationId,
      prompts: of('prompts'),
      chosen: of('chosen'),
      passed: of('passed'),
    })
    .from(stages)
    .innerJoin(iterations, eq(iterations.id, stages.iterationId))
    .where(
      and(
        eq(iterations.runId, runId),
        eq(stages.name, 'filter'),
        sql`${stages.output}->'clusters' is not null`,
      ),
    );
}

export type ResetRow = { runId: string; fromIteration: number; checkpointId: number | null };

/** Resets of these runs, oldest first. */
export async function resetRows(db: Db, runIds: string[]): Promise<ResetRow[]> {
  if (runIds.length === 0) return [];
  return db
    .select({
      runId: adjustments.runId,
      fromIteration: adjustments.fromIteration,
      checkpointId: adjustments.checkpointId,
    })
    .from(adjustments)
    .where(and(inArray(adjustments.runId, runIds), eq(adjustments.kind, 'reset')))
    .orderBy(asc(adjustments.fromIteration), asc(adjustments.id));
}
