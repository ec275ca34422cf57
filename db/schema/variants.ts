/** Easier variants of prompts that a run could not settle (LADDER, Simonds and Yoshiyama 2025, arXiv 2503.00735). */
import { index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import type { VariantOutcome } from '../../loop/words.ts';
import { modelCalls } from './calls.ts';
import { createdAt, id, ref, to } from './columns.ts';
import { prompts } from './prompts.ts';
import { iterations } from './runs.ts';

/** One row per variant that was asked for, whatever came of it. None ever changes (a trigger). */
export const variants = pgTable(
  'variants',
  {
    id: id(),
    /** Where it was made. */
    iterationId: to('iteration_id', () => iterations.id),
    /** The prompt that it is easier than. */
    promptId: to('prompt_id', () => prompts.id),
    number: integer('number').notNull(),
    by: text('by').$type<'task' | 'model'>().notNull(),
    /** Null where no model was asked. */
    callId: ref('call_id').references(() => modelCalls.id),
    /** Null where it is no problem of the task. */
    key: text('key'),
    text: text('text').notNull(),
    level: integer('level'),
    outcome: text('outcome').$type<VariantOutcome>().notNull(),
    reason: text('reason').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.promptId, t.number), index().on(t.iterationId)],
);
