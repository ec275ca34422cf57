/** What is kept across iterations to be shown before questions: entries, where they come from, and the tests that admitted them. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { modelCalls } from './calls.ts';
import { checkpoints } from './checkpoints.ts';
import { at, count, createdAt, id, jsonOf, ref, to } from './columns.ts';
import { examples } from './examples.ts';
import { iterations } from './runs.ts';
import { samples } from './samples.ts';
import { memoryClasses } from './stored.ts';

/** `pattern`: a problem with its whole solution. `heuristic`: a short text that holds for all problems of the task. */
export type MemoryKind = 'pattern' | 'heuristic';

/**
 * `unverified`: not tested yet. `stale`: admitted for other weights than those that generate now. Only `admitted` is shown;
 * `revoked` is for good and for all weights.
 */
export type MemoryState = 'unverified' | 'admitted' | 'rejected' | 'stale' | 'revoked';

/** An entry never changes (a trigger refuses it): what becomes of it are its states. */
export const memoryEntries = pgTable(
  'memory_entries',
  {
    id: id(),
    /** Name of the task. */
    task: text('task').notNull(),
    kind: text('kind').$type<MemoryKind>().notNull(),
    /** Of a pattern the problem as it is put to the model. */
    request: text('request'),
    /** Its rationale, or the heuristic. */
    text: text('text').notNull(),
    /** Of request and text, as we estimate them: what it takes of a prompt. */
    tokens: count('tokens').notNull(),
    /** Who it is from: a person, or the model that wrote it. */
    by: text('by').notNull(),
    /** The iteration that proposed it; null: a person gave it. */
    iterationId: ref('iteration_id').references(() => iterations.id),
    /** Of a heuristic that a model wrote, the call. */
    callId: ref('call_id').references(() => modelCalls.id),
    createdAt: createdAt(),
  },
  (t) => [
    check('memory_request', sql`(${t.kind} = 'pattern') = (${t.request} is not null)`),
    uniqueIndex('memory_entries_text').on(t.task, sql`md5(coalesce(${t.request}, ''))`, sql`md5(${t.text})`),
  ],
);

/** The problems that an entry was made of: none of them is ever asked beside it. */
export const memorySources = pgTable(
  'memory_sources',
  {
    entryId: to('entry_id', () => memoryEntries.id),
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    exampleId: ref('example_id').references(() => examples.id),
  },
  (t) => [
    primaryKey({ columns: [t.entryId, t.position] }),
    index('memory_sources_key').on(sql`md5(${t.key})`),
    index('memory_sources_example').on(t.exampleId),
  ],
);

/** Problems with known answers on which an iteration tests entries: no benchmark's, and none that was ever in a pool. */
export const memoryProblems = pgTable(
  'memory_problems',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    answer: text('answer').notNull(),
  },
  (t) => [unique().on(t.iterationId, t.position)],
);

/** One look: a batch of entries beside what is admitted already, against that alone, on the same problems. */
export const memoryTests = pgTable(
  'memory_tests',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    number: integer('number').notNull(),
    /** What answers, and the digest of its weights (or its id where none is known). */
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    weights: text('weights').notNull(),
    /** Problems there are; those beside which the batch is shown are the test's trials. */
    problems: integer('problems').notNull(),
    /** Of the run's alpha, what this look may spend. */
    level: doublePrecision('level').notNull(),
    /** Null while it goes on. */
    admitted: boolean('admitted'),
    measured: integer('measured'),
    rightWithout: integer('right_without'),
    rightWith: integer('right_with'),
    fixed: integer('fixed'),
    broken: integer('broken'),
    pValue: doublePrecision('p_value'),
    /** By level. */
    classes: jsonOf('memory_tests.classes', memoryClasses),
    reason: text('reason'),
    createdAt: createdAt(),
    finishedAt: at('finished_at'),
  },
  (t) => [unique().on(t.iterationId, t.number)],
);

/** The batch of a test. */
export const memoryTestEntries = pgTable(
  'memory_test_entries',
  {
    testId: to('test_id', () => memoryTests.id),
    entryId: to('entry_id', () => memoryEntries.id),
  },
  (t) => [primaryKey({ columns: [t.testId, t.entryId] }), index().on(t.entryId)],
);

/** A problem in both forms: what is shown before it without the batch and with it, as ids of entries in their order. */
export const memoryTrials = pgTable(
  'memory_trials',
  {
    testId: to('test_id', () => memoryTests.id),
    position: integer('position').notNull(),
    problemId: to('problem_id', () => memoryProblems.id),
    shownWithout: text('shown_without').notNull(),
    shownWith: text('shown_with').notNull(),
  },
  (t) => [primaryKey({ columns: [t.testId, t.position] })],
);

/** A greedy answer to a problem behind certain entries: asked once, whatever tests need it. */
export const memoryAnswers = pgTable(
  'memory_answers',
  {
    id: id(),
    problemId: to('problem_id', () => memoryProblems.id),
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    shown: text('shown').notNull(),
    rationale: text('rationale').notNull(),
    answer: text('answer'),
    /** Null: the endpoint refused it, so nothing was measured. */
    correct: boolean('correct'),
    fingerprint: text('fingerprint'),
    callId: to('call_id', () => modelCalls.id),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.problemId, t.checkpointId, t.shown)],
);

/** What became of an entry, newest last; rows are only added (a trigger refuses all else). */
export const memoryStates = pgTable(
  'memory_states',
  {
    id: id(),
    entryId: to('entry_id', () => memoryEntries.id),
    state: text('state').$type<MemoryState>().notNull(),
    /** For which weights; null: for all. */
    weights: text('weights'),
    testId: ref('test_id').references(() => memoryTests.id),
    reason: text('reason').notNull(),
    by: text('by').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index().on(t.entryId, t.id),
    unique().on(t.entryId, t.testId),
    uniqueIndex('memory_states_revoked')
      .on(t.entryId)
      .where(sql`${t.state} = 'revoked'`),
    uniqueIndex('memory_states_stale')
      .on(t.entryId, t.weights)
      .where(sql`${t.state} = 'stale'`),
  ],
);

/** The entries that a sample saw, in their order. */
export const memoryShown = pgTable(
  'memory_shown',
  {
    sampleId: to('sample_id', () => samples.id),
    position: integer('position').notNull(),
    entryId: to('entry_id', () => memoryEntries.id),
  },
  (t) => [primaryKey({ columns: [t.sampleId, t.position] }), index().on(t.entryId)],
);
