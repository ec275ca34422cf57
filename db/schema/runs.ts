/** Runs, their iterations and stages, what each decided, and what its pages may still spend. */
import type { DecisionKind, RunStatus, StageName, StageStatus } from '../../loop/words.ts';
import { doublePrecision, index, integer, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { ImproveSettings } from '../../loop/input.ts';
import type { TaskSpec } from '../../tasks/index.ts';
import { checkpoints } from './checkpoints.ts';
import { at, createdAt, id, jsonb, ref, to, jsonOf } from './columns.ts';
import type { z } from 'zod';
import { decisionNumbers, iterationPlan, stageOutput } from './stored.ts';

/** A chain of iterations on one task. `id` is the workflow id of its `improve` workflow. */
export const runs = pgTable('runs', {
  id: text('id').primaryKey(),
  task: text('task').notNull(),
  taskSpec: jsonb('task_spec').$type<TaskSpec>().notNull(),
  settings: jsonb('settings').$type<ImproveSettings>().notNull(),
  codeVersion: text('code_version').notNull(),
  status: text('status').$type<RunStatus>().notNull().default('running'),
  statusReason: text('status_reason'),
  /** The Temporal Schedule that started it, and the time it was due, whenever it really began. */
  scheduleId: text('schedule_id'),
  scheduledFor: at('scheduled_for'),
  /** IANA zone of the schedule's calendar, in which its weeks are counted. */
  scheduleTimeZone: text('schedule_time_zone'),
  createdAt: createdAt(),
  finishedAt: at('finished_at'),
});

export type IterationPlan = z.output<typeof iterationPlan>;

export const iterations = pgTable(
  'iterations',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    index: integer('index').notNull(),
    /** The checkpoint that generates: the run's best when the iteration began. */
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    plan: jsonOf('iterations.plan', iterationPlan).notNull(),
    createdAt: createdAt(),
    finishedAt: at('finished_at'),
  },
  (t) => [unique().on(t.runId, t.index), index().on(t.checkpointId)],
);

export const stages = pgTable(
  'stages',
  {
    iterationId: to('iteration_id', () => iterations.id),
    name: text('name').$type<StageName>().notNull(),
    status: text('status').$type<StageStatus>().notNull(),
    attempts: integer('attempts').notNull().default(0),
    /** Units of work (prompts, items, training steps), for progress bars. */
    total: integer('total').notNull().default(0),
    /** What the next stages need of it: counts, ids, digests. */
    output: jsonOf('stages.output', stageOutput),
    error: text('error'),
    startedAt: at('started_at'),
    finishedAt: at('finished_at'),
  },
  (t) => [primaryKey({ columns: [t.iterationId, t.name] })],
);

export type DecisionNumbers = z.output<typeof decisionNumbers>;

export const decisions = pgTable('decisions', {
  id: id(),
  iterationId: ref('iteration_id')
    .notNull()
    .unique()
    .references(() => iterations.id),
  kind: text('kind').$type<DecisionKind>().notNull(),
  candidateId: ref('candidate_id').references(() => checkpoints.id),
  /** The run's best after this decision. */
  bestId: to('best_id', () => checkpoints.id),
  reason: text('reason').notNull(),
  numbers: jsonOf('decisions.numbers', decisionNumbers).notNull(),
  createdAt: createdAt(),
});

/** What pages under way may still spend: held from before the first call until the page is done. */
export const reservations = pgTable(
  'reservations',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** Stage and page, so that a page tried again replaces its own. */
    key: text('key').notNull(),
    iterationId: ref('iteration_id').references(() => iterations.id),
    tokens: doublePrecision('tokens').notNull(),
    cost: doublePrecision('cost').notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.key] })],
);
