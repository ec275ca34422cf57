/** What is asked in an iteration, and how precise its votes are. */
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
  uniqueIndex,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';
import type { z } from 'zod';
import { promptSource } from '../../tasks/documents/source.ts';
import { modelCalls } from './calls.ts';
import { gatewayFeedback } from './gateway.ts';
import { storedPrompts } from './outside.ts';
import { iterations } from './runs.ts';
import { variants } from './variants.ts';
import { createdAt, id, jsonOf, ref, to } from './columns.ts';
import { precisionCells } from './stored.ts';

/**
 * `calibrate`: with a known answer, to measure votes on; never trained on (a trigger refuses it). `given`: a person gave it
 * with its answer, from outside the run; no model is asked about it. `planted`: bad work on it, found in an earlier iteration, is planted.
 */
export type PromptPurpose = 'learn' | 'rehearse' | 'calibrate' | 'given' | 'planted';

export const prompts = pgTable(
  'prompts',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    position: integer('position').notNull(),
    purpose: text('purpose').$type<PromptPurpose>().notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    /** The passage of a document that it was written about. */
    source: jsonOf('prompts.source', promptSource),
    /** The stored prompt that it is, where it came from outside the run. */
    storedPromptId: ref('stored_prompt_id').references((): AnyPgColumn => storedPrompts.id),
    /** The correction from production for which it is in the pool. */
    feedbackId: ref('feedback_id').references((): AnyPgColumn => gatewayFeedback.id),
    /** The easier variant of an earlier prompt of the run that it is. */
    variantId: ref('variant_id').references((): AnyPgColumn => variants.id),
    createdAt: createdAt(),
  },
  (t) => [
    unique().on(t.iterationId, t.position),
    // By digest: a key is as long as its prompt, and an index row takes 2,700 bytes.
    uniqueIndex('prompts_problem').on(t.iterationId, sql`md5(${t.key})`),
    index('prompts_key').on(sql`md5(${t.key})`),
    index().on(t.storedPromptId),
    index().on(t.feedbackId),
    index().on(t.variantId),
  ],
);

/** The known answers of prompts of the purpose `calibrate`. */
export const calibrationItems = pgTable('calibration_items', {
  promptId: ref('prompt_id')
    .primaryKey()
    .references(() => prompts.id),
  answer: text('answer').notNull(),
});

/** Right and all votes for ŷ with so many samples behind it. */
export type PrecisionCell = z.output<typeof precisionCells>[number];

/** How precise the votes of an iteration were measured to be at one level, and what is therefore asked of them. */
export const calibrations = pgTable(
  'calibrations',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    /** Null for tasks without levels. */
    level: integer('level'),
    /** K. */
    samples: integer('samples').notNull(),
    /** Of votes of debates, which say something else than as many samples do. */
    debated: boolean('debated').notNull().default(false),
    /** The precision that was asked for; 0: none. */
    asked: doublePrecision('asked').notNull(),
    /** Least votes and lead, in samples; null: no number of votes reaches the precision, so nothing is trusted. */
    votes: integer('votes'),
    lead: integer('lead'),
    /** Estimated precision there (or, where none reaches it, at the strictest), and the evidence at this level and at all. */
    precision: doublePrecision('precision'),
    right: integer('right').notNull(),
    total: integer('total').notNull(),
    rightAtAll: integer('right_at_all').notNull(),
    totalAtAll: integer('total_at_all').notNull(),
    /** Iterations whose calibration counted. */
    iterations: integer('iterations').notNull(),
    /** By votes, of this iteration and level alone. */
    cells: jsonOf('calibrations.cells', precisionCells).notNull(),
    reason: text('reason').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.iterationId, t.level, t.debated).nullsNotDistinct()],
);

/** What the model made of a prompt in other words. Only what keeps its numbers and names (`ok`) is asked. */
export const paraphrases = pgTable(
  'paraphrases',
  {
    promptId: to('prompt_id', () => prompts.id),
    index: integer('index').notNull(),
    text: text('text').notNull(),
    ok: boolean('ok').notNull(),
    reason: text('reason').notNull(),
    callId: to('call_id', () => modelCalls.id),
    /** Digest of the model and of the whole request; an equal request is not paid for again. */
    cacheKey: text('cache_key'),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.promptId, t.index] }), index().on(t.cacheKey)],
);
