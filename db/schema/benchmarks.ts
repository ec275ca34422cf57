/** Held-out problems, what checkpoints made of them, and what was kept apart from them. */
import type { BenchmarkRole } from '../../loop/words.ts';
import { sql } from 'drizzle-orm';
import {
  boolean,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';
import { modelCalls } from './calls.ts';
import { checkpoints } from './checkpoints.ts';
import { examples } from './examples.ts';
import { gatewayFeedback } from './gateway.ts';
import { runs, iterations } from './runs.ts';
import { sandboxResults } from './samples.ts';
import { at, createdAt, id, ref, to } from './columns.ts';

export const benchmarkItems = pgTable(
  'benchmark_items',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    benchmark: text('benchmark').notNull(),
    role: text('role').$type<BenchmarkRole>().notNull(),
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    answer: text('answer').notNull(),
    group: text('group'),
    /** The correction from production that made it a regression item. */
    feedbackId: ref('feedback_id').references((): AnyPgColumn => gatewayFeedback.id),
  },
  (t) => [
    unique().on(t.runId, t.benchmark, t.position),
    index('benchmark_items_key').on(t.runId, sql`md5(${t.key})`),
  ],
);

/** One checkpoint's answers to one benchmark. Counts are set when the last item is in. */
export const evaluations = pgTable(
  'evaluations',
  {
    id: id(),
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    benchmark: text('benchmark').notNull(),
    /** The iteration that asked for it; null: the run itself (base at the start, final at the end). */
    iterationId: ref('iteration_id').references(() => iterations.id),
    /** Held-out problems to measure; once finished, those that were measured. */
    total: integer('total').notNull(),
    correct: integer('correct'),
    /** No answer could be read; counted as wrong, shown apart. */
    unparsable: integer('unparsable'),
    createdAt: createdAt(),
    finishedAt: at('finished_at'),
  },
  (t) => [unique().on(t.checkpointId, t.benchmark)],
);

export const evaluationItems = pgTable(
  'evaluation_items',
  {
    evaluationId: to('evaluation_id', () => evaluations.id),
    itemId: to('item_id', () => benchmarkItems.id),
    rationale: text('rationale').notNull(),
    answer: text('answer'),
    /**
     * Null: the endpoint refused this problem, so nothing was measured. Beside an answer: the sandbox, which grades the task's answers,
     * has not yet.
     */
    correct: boolean('correct'),
    /** What the sandbox found, where it grades. */
    resultDigest: text('result_digest').references(() => sandboxResults.digest),
    fingerprint: text('fingerprint'),
    callId: to('call_id', () => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.evaluationId, t.itemId] })],
);

/**
 * The starting model's K samples of each target item, over the rewrites and strategies as in the loop: what a
 * majority of them knows is what one answer of a trained model is compared with.
 */
export const majoritySamples = pgTable(
  'majority_samples',
  {
    itemId: to('item_id', () => benchmarkItems.id),
    index: integer('index').notNull(),
    rewrite: text('rewrite').notNull(),
    strategy: text('strategy').notNull(),
    rationale: text('rationale').notNull(),
    /** Answer to the item itself; null where the sample abstains: no answer, out of form, or refused. */
    answer: text('answer'),
    callId: to('call_id', () => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.itemId, t.index] })],
);

/** The vote over an item's samples. A tie has no answer and is not correct. */
export const majorityItems = pgTable('majority_items', {
  itemId: ref('item_id')
    .primaryKey()
    .references(() => benchmarkItems.id),
  samples: integer('samples').notNull(),
  votes: integer('votes').notNull(),
  runnerUpVotes: integer('runner_up_votes').notNull(),
  answer: text('answer'),
  correct: boolean('correct').notNull(),
});

/** A prompt or an example that was a held-out problem, exactly or nearly, and was therefore dropped. */
export const leaks = pgTable(
  'leaks',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    /** `collect`: when it was drawn; `train`: before it was trained on. */
    stage: text('stage').$type<'collect' | 'train'>().notNull(),
    /** Order of discovery; keys may be too long for an index. */
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    exampleId: ref('example_id').references(() => examples.id),
    benchmark: text('benchmark').notNull(),
    /** The held-out problem's key. */
    itemKey: text('item_key').notNull(),
    kind: text('kind').$type<'exact' | 'near'>().notNull(),
    similarity: doublePrecision('similarity').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.iterationId, t.stage, t.position)],
);

/**
 * Where a task's worked examples stand in samples only: what the model that the run starts from answers to each held-out item
 * when it is shown them, greedily. Beside its evaluation of the plain question: the better of the two is what must be beaten.
 */
export const shownAnswers = pgTable('shown_answers', {
  itemId: ref('item_id')
    .primaryKey()
    .references(() => benchmarkItems.id),
  rationale: text('rationale').notNull(),
  answer: text('answer'),
  /** Null: the endpoint refused this problem. */
  correct: boolean('correct'),
  fingerprint: text('fingerprint'),
  callId: to('call_id', () => modelCalls.id),
});
