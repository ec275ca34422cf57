/** What was trained, and what people chose to serve. */
import { boolean, doublePrecision, index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { datasets } from './examples.ts';
import { runs } from './runs.ts';
import { count, createdAt, id, jsonb, jsonOf, large, ref, to } from './columns.ts';
import { numberList } from './stored.ts';

/** One fine-tuning job per (dataset digest, parent, parameters), whatever is killed. */
export const trainingJobs = pgTable('training_jobs', {
  id: id(),
  /** Digest over dataset digest, parent model and parameters; also the idempotency key sent. */
  key: text('key').notNull().unique(),
  datasetId: to('dataset_id', () => datasets.id),
  parentCheckpointId: to('parent_checkpoint_id', () => checkpoints.id),
  /** Model the job starts from, as the trainer names it. */
  parentModel: text('parent_model').notNull(),
  parameters: jsonb('parameters').$type<Record<string, unknown>>().notNull(),
  remoteId: text('remote_id').notNull(),
  /** As the trainer said last. A job that was cancelled by us does not stand in the way of another. */
  status: text('status')
    .$type<'running' | 'succeeded' | 'failed' | 'cancelled'>()
    .notNull()
    .default('running'),
  trainedTokens: count('trained_tokens'),
  seconds: doublePrecision('seconds'),
  createdAt: createdAt(),
});

export type CheckpointKind = 'base' | 'adapter';

export const checkpoints = pgTable(
  'checkpoints',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** 0 for the base; else the index of the iteration that trained it. */
    iterationIndex: integer('iteration_index').notNull(),
    kind: text('kind').$type<CheckpointKind>().notNull(),
    /** The model id under which the endpoint serves it. */
    model: text('model').notNull(),
    parentId: ref('parent_id'),
    trainingJobId: ref('training_job_id'),
    fingerprint: text('fingerprint'),
    /** Folder of the adapter, where the trainer says. */
    path: text('path'),
    trainedTokens: count('trained_tokens'),
    trainingSeconds: doublePrecision('training_seconds'),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.runId, t.iterationIndex), index().on(t.parentId), index().on(t.trainingJobId)],
);

/** What a checkpoint takes to answer with, measured beside another in turns. Of runs with a teacher. */
export const footprints = pgTable('footprints', {
  checkpointId: ref('checkpoint_id')
    .primaryKey()
    .references(() => checkpoints.id),
  /** Requests that were in flight together. */
  atOnce: integer('at_once').notNull(),
  /** Tokens written per second of each round, the reading of the prompts counted in. */
  rounds: jsonOf('footprints.rounds', numberList).notNull(),
  /** As its server says; null: it does not. */
  parameters: large('parameters'),
  weightBytes: large('weight_bytes'),
  createdAt: createdAt(),
});

export type ServingChoiceKind =
  /** This checkpoint from now on. */
  | 'promote'
  /** Back to the checkpoint before. */
  | 'rollback'
  /** What people chose before no longer counts: the proven promotions do. */
  | 'follow';

/** What people decided about the checkpoint that a task serves. Never changed (a trigger refuses it). */
export const servingChoices = pgTable(
  'serving_choices',
  {
    id: id(),
    task: text('task').notNull(),
    kind: text('kind').$type<ServingChoiceKind>().notNull(),
    /** What is served from now on; null for `follow`. */
    checkpointId: ref('checkpoint_id').references(() => checkpoints.id),
    /** What was served until then; null: nothing was. */
    insteadOfId: ref('instead_of_id').references(() => checkpoints.id),
    /** No proven promotion replaces it until somebody chooses again. */
    pinned: boolean('pinned').notNull(),
    /** Chosen although it never passed its benchmark. */
    forced: boolean('forced').notNull().default(false),
    reason: text('reason').notNull(),
    by: text('by').notNull(),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.task, t.id)],
);
