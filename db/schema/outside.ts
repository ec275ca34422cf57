/** What comes from outside any run. */
import { sql } from 'drizzle-orm';
import { integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { createdAt, id } from './columns.ts';

/** From where something came that no run made: a file that was imported, or what was asked and corrected in production. */
export type OutsideSource = 'import' | 'gateway';

/**
 * Unlabeled prompts from outside any run, for later runs of the task to draw: from files, or what was asked in production, redacted.
 * Each problem of a task once, under the source that it came from first.
 */
export const storedPrompts = pgTable(
  'stored_prompts',
  {
    id: id(),
    task: text('task').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    source: text('source').$type<OutsideSource>().notNull(),
    /** Where exactly: the file and its line, or the id of the gateway's answer. */
    origin: text('origin').notNull(),
    createdAt: createdAt(),
  },
  // A key may be too long for an index.
  (t) => [uniqueIndex('stored_prompts_problem').on(t.task, sql`md5(${t.key})`)],
);

/** Worked answers from outside any run that a person vouches for. Later runs of the task take each in as an example. */
export const givenExamples = pgTable(
  'given_examples',
  {
    id: id(),
    task: text('task').notNull(),
    key: text('key').notNull(),
    /** The problem as the model will be asked it. */
    text: text('text').notNull(),
    level: integer('level'),
    rationale: text('rationale').notNull(),
    answer: text('answer').notNull(),
    source: text('source').$type<OutsideSource>().notNull(),
    origin: text('origin').notNull(),
    /** Who vouches for it. */
    by: text('by').notNull(),
    note: text('note'),
    createdAt: createdAt(),
  },
  (t) => [uniqueIndex('given_examples_same').on(t.task, sql`md5(${t.text})`, sql`md5(${t.rationale})`)],
);
