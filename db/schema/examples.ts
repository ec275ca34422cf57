/** What was accepted, and the datasets made of it. */
import { sql } from 'drizzle-orm';
import { boolean, index, integer, pgTable, primaryKey, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import { givenExamples } from './outside.ts';
import { prompts } from './prompts.ts';
import { runs, iterations } from './runs.ts';
import { samples } from './samples.ts';
import { createdAt, id, ref, to } from './columns.ts';

/** `human`: a reviewer vouches for it, whatever the gates said. */
export type ExampleKind = 'vote' | 'hard' | 'rehearsal' | 'human';

/** A trusted triple: every required gate passed, or a reviewer made it so. */
export const examples = pgTable(
  'examples',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    iterationId: to('iteration_id', () => iterations.id),
    promptId: to('prompt_id', () => prompts.id),
    sampleId: to('sample_id', () => samples.id),
    kind: text('kind').$type<ExampleKind>().notNull(),
    answer: text('answer').notNull(),
    /** A reviewer's own words in place of the sample's rationale. */
    rationale: text('rationale'),
    /** What it was taken over from, where it came from outside the run. */
    givenId: ref('given_id').references(() => givenExamples.id),
    createdAt: createdAt(),
  },
  // A sample that a reviewer rewrites stands twice: as the gates took it (and it is left out), and as rewritten.
  (t) => [
    uniqueIndex('examples_sample_human').on(t.sampleId, sql`(${t.kind} = 'human')`),
    index().on(t.runId, t.iterationId),
    index().on(t.promptId),
    unique().on(t.runId, t.givenId),
  ],
);

/** Examples found wrong after they were accepted: none is in a dataset built later (a trigger refuses it). */
export const revocations = pgTable('revocations', {
  exampleId: ref('example_id')
    .primaryKey()
    .references(() => examples.id),
  reason: text('reason').notNull(),
  /** Who revoked it. */
  by: text('by').notNull(),
  createdAt: createdAt(),
});

/** What one adapter was trained on: OpenAI chat JSONL, by digest. */
export const datasets = pgTable('datasets', {
  id: id(),
  iterationId: ref('iteration_id')
    .notNull()
    .unique()
    .references(() => iterations.id),
  digest: text('digest').notNull(),
  examples: integer('examples').notNull(),
  bytes: integer('bytes').notNull(),
  createdAt: createdAt(),
});

export const datasetExamples = pgTable(
  'dataset_examples',
  {
    datasetId: to('dataset_id', () => datasets.id),
    position: integer('position').notNull(),
    exampleId: to('example_id', () => examples.id),
    replayed: boolean('replayed').notNull(),
  },
  (t) => [primaryKey({ columns: [t.datasetId, t.position] }), index().on(t.exampleId)],
);
