/** Debates about prompts: what each agent said in each round, what critics pointed to, and the vote beside each. */
import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import { modelCalls } from './calls.ts';
import { checkpoints } from './checkpoints.ts';
import { at, count, createdAt, id, ref, to, workColumns } from './columns.ts';
import { prompts } from './prompts.ts';

/** `argued`: its outcome stands, and the vote beside it is being drawn; then `closed`. Neither outcome ever changes (triggers refuse it). */
export type DebateStatus = 'open' | 'argued' | 'closed';

export const debates = pgTable('debates', {
  promptId: ref('prompt_id')
    .primaryKey()
    .references(() => prompts.id),
  status: text('status').$type<DebateStatus>().notNull().default('open'),
  /** The vote of the last round, over all agents; null on a tie or where none gave an answer. */
  answer: text('answer'),
  votes: integer('votes'),
  runnerUpVotes: integer('runner_up_votes'),
  /** Agents whose last work has no readable answer. */
  unreadable: integer('unreadable'),
  agents: integer('agents').notNull(),
  rounds: integer('rounds'),
  /** Tokens read and written by agents and critics, those of taken-over draws as well. */
  tokens: bigint('tokens', { mode: 'number' }),
  /** Why it ended. */
  reason: text('reason'),
  /** The vote over samples that took as many tokens, or all that it may have. */
  besideAnswer: text('beside_answer'),
  besideVotes: integer('beside_votes'),
  besideRunnerUpVotes: integer('beside_runner_up_votes'),
  besideSamples: integer('beside_samples'),
  besideTokens: bigint('beside_tokens', { mode: 'number' }),
  createdAt: createdAt(),
  arguedAt: at('argued_at'),
  closedAt: at('closed_at'),
});

/** `keep`: the agent stands by its work, asked or, where it had no reason to be, unasked. */
export type TurnAction = 'answer' | 'keep' | 'revise';

/** What an agent held in a round; in round 0 a sample of the vote beside the debate. */
export const debateTurns = pgTable(
  'debate_turns',
  {
    id: id(),
    promptId: to('prompt_id', () => debates.promptId),
    /** From 1; 0: of the vote beside. */
    round: integer('round').notNull(),
    /** Number of the agent, or of the sample. */
    agent: integer('agent').notNull(),
    action: text('action').$type<TurnAction>().notNull(),
    /** Null where nobody was asked. */
    callId: ref('call_id').references(() => modelCalls.id),
    /** Null: another model, which is no checkpoint of the run. */
    checkpointId: ref('checkpoint_id').references(() => checkpoints.id),
    rewrite: text('rewrite').notNull(),
    strategy: text('strategy').notNull(),
    /** The problem as it was put to the agent (the rewrite's text). */
    request: text('request').notNull(),
    /** What the model said. */
    reply: text('reply').notNull(),
    /** The whole work that the agent holds after it. */
    rationale: text('rationale').notNull(),
    /** Lines of the work before that were kept, where it was gone on from there. */
    keptLines: integer('kept_lines').notNull().default(0),
    /** Answer to the prompt itself; null when unparsable. */
    answer: text('answer'),
    ...workColumns(),
    /** Of the whole work, about. */
    workTokens: count('work_tokens').notNull(),
    fingerprint: text('fingerprint'),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    /** Digest of everything that determines the draw. */
    cacheKey: text('cache_key'),
    /** Taken from an earlier, equal draw instead of being paid for again; `callId` is that of the draw. */
    cached: boolean('cached').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.promptId, t.round, t.agent), index().on(t.cacheKey)],
);

/** Where a critic sees the first bad line of an agent's work. */
export const debatePoints = pgTable(
  'debate_points',
  {
    turnId: to('turn_id', () => debateTurns.id),
    critic: text('critic').notNull(),
    outcome: text('outcome').notNull(),
    score: doublePrecision('score'),
    /** From 1; null where it names none. */
    line: integer('line'),
    reason: text('reason').notNull(),
    reply: text('reply').notNull(),
    callId: to('call_id', () => modelCalls.id),
    cacheKey: text('cache_key'),
    cached: boolean('cached').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.turnId, t.critic] }), index().on(t.cacheKey)],
);
