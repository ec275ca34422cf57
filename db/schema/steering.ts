/** What runs were told, and what was changed for it. */
import { boolean, integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { checkpoints } from './checkpoints.ts';
import { runs } from './runs.ts';
import { createdAt, id, ref, jsonb, jsonOf } from './columns.ts';
import { adjustmentNumbers } from './stored.ts';

/** A message that a run was sent: by an operator (signal or update) or by the loop itself. */
export const messages = pgTable(
  'messages',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** Unique in the run: a message that is delivered twice is recorded, and obeyed, once. */
    messageId: text('message_id').notNull(),
    name: text('name').notNull(),
    args: jsonb('args').$type<Record<string, unknown>>().notNull(),
    origin: text('origin').$type<'signal' | 'update' | 'loop'>().notNull(),
    accepted: boolean('accepted').notNull(),
    /** What it does, or why it was refused. */
    answer: text('answer').notNull(),
    /** The iteration that was running. */
    iterationIndex: integer('iteration_index').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.runId, t.messageId)],
);

export type AdjustmentKind =
  /** The run goes on from `checkpointId`. */
  | 'reset'
  /** More diverse samples: temperature, ways of asking. */
  | 'diversity'
  /** A temperature that falls back. */
  | 'temperature'
  /** Rare and unlike examples are preferred. */
  | 'selection'
  /** Prompts are asked in further ways, or with harmless noise. */
  | 'noise'
  /** A harder or easier pool. */
  | 'pool'
  /** One iteration trains the base on all accepted examples. */
  | 'retrain'
  /** A lighter strategy, to stay within the budget. */
  | 'lighter'
  | 'budget'
  /** A stage of a curriculum of targets begins; `checkpointId` was best when the one before it ended. */
  | 'stage'
  | 'halt';

/** `settings`: the run's own, such as `training.resetEvery`. */
export type AdjustmentCause = 'operator' | 'stagnation' | 'budget' | 'roi' | 'drift' | 'settings';

/**
 * Changes of course, each a stored decision: what an operator, the stagnation policy or the budget changed
 * and why. The settings of an iteration are the run's own with the overrides in force laid over them.
 */
export const adjustments = pgTable(
  'adjustments',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** Unique in the run, so that a retried activity adjusts once. */
    key: text('key').notNull(),
    kind: text('kind').$type<AdjustmentKind>().notNull(),
    cause: text('cause').$type<AdjustmentCause>().notNull(),
    reason: text('reason').notNull(),
    /** First iteration in which it is in force, and the last (null: until a reset). */
    fromIteration: integer('from_iteration').notNull(),
    untilIteration: integer('until_iteration'),
    /** Part of the run's settings, laid over them. */
    overrides: jsonb('overrides').$type<Record<string, unknown>>().notNull(),
    checkpointId: ref('checkpoint_id').references(() => checkpoints.id),
    numbers: jsonOf('adjustments.numbers', adjustmentNumbers).notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.runId, t.key)],
);
