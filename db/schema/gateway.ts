/** What was asked in production, and what people said of the answers. */
import { boolean, index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { checkpoints } from './checkpoints.ts';
import { count, createdAt, id, jsonb, jsonOf, ref, to } from './columns.ts';
import { counts, textList } from './stored.ts';
import { storedPrompts } from './outside.ts';

/** One answer of the gateway. Texts only where storing them is asked for, and redacted. */
export const gatewayCompletions = pgTable(
  'gateway_completions',
  {
    /** As the client was told. */
    id: text('id').primaryKey(),
    task: text('task').notNull(),
    /** What answered. */
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    /** Why it was not the checkpoint that the task serves. */
    fallback: text('fallback'),
    /** Id and fingerprint as the endpoint gave them. */
    upstreamId: text('upstream_id'),
    fingerprint: text('fingerprint'),
    streamed: boolean('streamed').notNull(),
    /** `aborted`: the client went away, or the endpoint broke off. */
    outcome: text('outcome').$type<'completed' | 'aborted'>().notNull(),
    promptTokens: count('prompt_tokens'),
    completionTokens: count('completion_tokens'),
    latencyMs: integer('latency_ms').notNull(),
    /** Its problem, where it is stored. How often a problem came is counted here. */
    storedPromptId: ref('stored_prompt_id').references(() => storedPrompts.id),
    /** Why its prompt is not in the pool. */
    notPooled: text('not_pooled'),
    messages: jsonb('messages').$type<unknown[]>(),
    /** Text of each choice. */
    replies: jsonOf('gateway_completions.replies', textList),
    /** How often each kind of text was taken out. */
    redacted: jsonOf('gateway_completions.redacted', counts),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.task, t.createdAt), index().on(t.storedPromptId), index().on(t.checkpointId)],
);

/** `example`: trains the next iterations of the task; `regression`: a held-out problem of later runs. */
export type FeedbackUse = 'example' | 'regression';

/** What people said of answers of the gateway. Rows are only ever added. */
export const gatewayFeedback = pgTable(
  'gateway_feedback',
  {
    id: id(),
    completionId: text('completion_id')
      .notNull()
      .references(() => gatewayCompletions.id),
    task: text('task').notNull(),
    choice: integer('choice').notNull(),
    rating: text('rating').$type<'up' | 'down'>(),
    /** The problem, and what is right: set together. */
    storedPromptId: ref('stored_prompt_id').references(() => storedPrompts.id),
    correction: text('correction'),
    /** As the task reads it out of the correction. */
    answer: text('answer'),
    /** The correction, where it is a whole rationale in the task's form. */
    rationale: text('rationale'),
    use: text('use').$type<FeedbackUse>(),
    by: text('by').notNull(),
    note: text('note'),
    /** SHA-256 of all of it: what is sent twice is stored once. */
    digest: text('digest').notNull().unique(),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.task, t.id), index().on(t.completionId)],
);
