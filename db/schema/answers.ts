/** Answers that were asked for one by one, what the model adapted to for them, and what became of those adapters. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  doublePrecision,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import type { AnswerSettings } from '../../loop/answer-input.ts';
import { checkpoints } from './checkpoints.ts';
import { at, count, createdAt, jsonb, ref, to } from './columns.ts';
import { examples } from './examples.ts';

/** `none`: nothing was trained. `held`: an adapter, or the job that makes one, may be there. `freed`: it is gone. */
export type AdapterState = 'none' | 'held' | 'freed';

/** One request for an answer. `id` is the id of its `answer` workflow. */
export const answers = pgTable(
  'answers',
  {
    id: text('id').primaryKey(),
    task: text('task').notNull(),
    prompt: text('prompt').notNull(),
    /** SHA-256 of the prompt's key: keys have any length, and what is indexed has not. */
    promptDigest: text('prompt_digest').notNull(),
    settings: jsonb('settings').$type<AnswerSettings>().notNull(),
    /** What answers, and is adapted. It never changes itself. */
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    /** Before adapting: the vote, the share of samples for it, and of the demonstrations that were solved. */
    firstAnswer: text('first_answer'),
    firstAgreement: doublePrecision('first_agreement'),
    firstSolved: doublePrecision('first_solved'),
    firstRationale: text('first_rationale'),
    /** Why it adapted, or why not, or why the adapter was not followed. */
    reason: text('reason'),
    adapterState: text('adapter_state').$type<AdapterState>().notNull().default('none'),
    jobId: text('job_id'),
    adapter: text('adapter'),
    trainingSeconds: doublePrecision('training_seconds'),
    /** Milliseconds to the first token by the adapter, once it is trained. */
    switchMs: doublePrecision('switch_ms'),
    answer: text('answer'),
    agreement: doublePrecision('agreement'),
    rationale: text('rationale'),
    /** The answer is the adapter's. */
    adapted: boolean('adapted').notNull().default(false),
    promptTokens: count('prompt_tokens').notNull().default(0),
    completionTokens: count('completion_tokens').notNull().default(0),
    createdAt: createdAt(),
    finishedAt: at('finished_at'),
  },
  (t) => [
    unique('answers_id_digest').on(t.id, t.promptDigest),
    index('answers_held')
      .on(t.createdAt)
      .where(sql`${t.adapterState} = 'held'`),
  ],
);

/** What an adapter of an answer is trained on. Never the query itself: the database refuses it. */
export const answerDemonstrations = pgTable(
  'answer_demonstrations',
  {
    answerId: text('answer_id').notNull(),
    queryDigest: text('query_digest').notNull(),
    position: integer('position').notNull(),
    promptDigest: text('prompt_digest').notNull(),
    request: text('request').notNull(),
    rationale: text('rationale').notNull(),
    /** The accepted example that it is; null: it was given with the request. */
    exampleId: ref('example_id').references(() => examples.id),
  },
  (t) => [
    primaryKey({ columns: [t.answerId, t.position] }),
    foreignKey({
      name: 'answer_demonstrations_query',
      columns: [t.answerId, t.queryDigest],
      foreignColumns: [answers.id, answers.promptDigest],
    }),
    check('never_the_query', sql`${t.promptDigest} <> ${t.queryDigest}`),
    index('answer_demonstrations_example').on(t.exampleId),
  ],
);
