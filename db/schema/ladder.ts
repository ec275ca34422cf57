/** Prompts that were split into parts: a node per problem, and what models wrote for it. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { modelCalls } from './calls.ts';
import { checkpoints } from './checkpoints.ts';
import { at, count, createdAt, id, ref, to } from './columns.ts';
import { prompts } from './prompts.ts';

/** `open` may become `solved` or `failed`; neither ever changes again. */
export type NodeStatus = 'open' | 'solved' | 'failed';

export const ladderNodes = pgTable(
  'ladder_nodes',
  {
    id: id(),
    promptId: to('prompt_id', () => prompts.id),
    /** Empty for the prompt itself, `2` for its second part, `2.1` for that one's first. */
    path: text('path').notNull(),
    depth: integer('depth').notNull(),
    /** One of the task's kinds of parts; null: a prompt of the task. */
    kind: text('kind'),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    status: text('status').$type<NodeStatus>().notNull().default('open'),
    answer: text('answer'),
    /** Of a part that was asked, its own vote; of one that was split, that of its weakest part. */
    votes: integer('votes'),
    runnerUpVotes: integer('runner_up_votes'),
    samples: integer('samples'),
    /** Who solves it. */
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    /** How it was solved, or why not. */
    reason: text('reason'),
    createdAt: createdAt(),
    closedAt: at('closed_at'),
  },
  (t) => [
    unique().on(t.promptId, t.path),
    index('ladder_nodes_open')
      .on(t.promptId)
      .where(sql`${t.status} = 'open'`),
  ],
);

/** Work on a node: what a model wrote, or what was put together of its parts' work (no `callId`). */
export const ladderSamples = pgTable(
  'ladder_samples',
  {
    id: id(),
    nodeId: to('node_id', () => ladderNodes.id),
    index: integer('index').notNull(),
    callId: ref('call_id').references(() => modelCalls.id),
    rewrite: text('rewrite').notNull(),
    strategy: text('strategy').notNull(),
    /** The problem as it was put to the model (the rewrite's text). */
    request: text('request').notNull(),
    rationale: text('rationale').notNull(),
    /** Answer to the node's own text; null when unparsable. */
    answer: text('answer'),
    /** In form, with steps that hang together, and, where it was put together, without a doubt. */
    ok: boolean('ok').notNull(),
    reason: text('reason').notNull(),
    finishReason: text('finish_reason').notNull(),
    completionTokens: count('completion_tokens').notNull(),
    fingerprint: text('fingerprint'),
    seed: bigint('seed', { mode: 'number' }),
    /** Digest of everything that determines the draw. */
    cacheKey: text('cache_key'),
    /** Taken from an earlier, equal draw instead of being paid for again; `callId` is that of the draw. */
    cached: boolean('cached').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.nodeId, t.index), index().on(t.cacheKey)],
);
