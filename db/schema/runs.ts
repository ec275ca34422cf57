/** Runs, their iterations and stages, what each decided, and what its pages may still spend. */
import { doublePrecision, index, integer, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { ImproveSettings } from '../../loop/input.ts';
import type { TaskSpec } from '../../tasks/index.ts';
import { checkpoints } from './checkpoints.ts';
import { at, createdAt, id, ref, jsonb } from './columns.ts';

/** `paused` waits for an operator's resume, `parked` for an operator to mend what failed. */
export type RunStatus = 'running' | 'paused' | 'parked' | 'completed' | 'failed' | 'stopped';

/** In their order. */
export const STAGES = ['collect', 'generate', 'evaluate', 'filter', 'adapt', 'benchmark', 'decide'] as const;

export type StageName = (typeof STAGES)[number];

export type StageStatus = 'pending' | 'running' | 'done' | 'failed' | 'cancelled';

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

export type IterationPlan = {
  levels?: number[];
  seed: number;
};

export const iterations = pgTable(
  'iterations',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    index: integer('index').notNull(),
    /** The checkpoint that generates: the run's best when the iteration began. */
    checkpointId: ref('checkpoint_id')
      .notNull()
      .references(() => checkpoints.id),
    plan: jsonb('plan').$type<IterationPlan>().notNull(),
    createdAt: createdAt(),
    finishedAt: at('finished_at'),
  },
  (t) => [unique().on(t.runId, t.index), index().on(t.checkpointId)],
);

export const stages = pgTable(
  'stages',
  {
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    name: text('name').$type<StageName>().notNull(),
    status: text('status').$type<StageStatus>().notNull(),
    attempts: integer('attempts').notNull().default(0),
    /** Units of work (prompts, items, training steps), for progress bars. */
    total: integer('total').notNull().default(0),
    /** What the next stages need of it: counts, ids, digests. */
    output: jsonb('output').$type<Record<string, unknown>>(),
    error: text('error'),
    startedAt: at('started_at'),
    finishedAt: at('finished_at'),
  },
  (t) => [primaryKey({ columns: [t.iterationId, t.name] })],
);

/** `skip`: the iteration was given up before it was decided, by an operator or by a reset. */
export type DecisionKind = 'promote' | 'discard' | 'nothing-to-train' | 'skip';

export const decisions = pgTable('decisions', {
  id: id(),
  iterationId: ref('iteration_id')
    .notNull()
    .unique()
    .references(() => iterations.id),
  kind: text('kind').$type<DecisionKind>().notNull(),
  candidateId: ref('candidate_id').references(() => checkpoints.id),
  /** The run's best after this decision. */
  bestId: ref('best_id')
    .notNull()
    .references(() => checkpoints.id),
  reason: text('reason').notNull(),
  numbers: jsonb('numbers').$type<Record<string, unknown>>().notNull(),
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
