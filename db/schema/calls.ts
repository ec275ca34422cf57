/** What was asked of models, and paid. */
import { boolean, index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { runs, iterations } from './runs.ts';
import { count, createdAt, id, ref } from './columns.ts';

/** One request to a model, successful or not. Append only; `usage` is what was paid. */
export const modelCalls = pgTable(
  'model_calls',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    iterationId: ref('iteration_id').references(() => iterations.id),
    stage: text('stage').notNull(),
    role: text('role').notNull(),
    model: text('model').notNull(),
    fingerprint: text('fingerprint'),
    requests: integer('requests').notNull().default(1),
    promptTokens: count('prompt_tokens').notNull().default(0),
    completionTokens: count('completion_tokens').notNull().default(0),
    /** The endpoint gave no counts: the tokens are our own estimate, rather too many. */
    estimated: boolean('estimated').notNull().default(false),
    latencyMs: integer('latency_ms').notNull(),
    error: text('error'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.runId, t.iterationId)],
);
