/** How far a run has moved from where it began. */
import { index, integer, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { DriftSource } from '../../loop/drift-alarms.ts';
import { modelCalls } from './calls.ts';
import { checkpoints } from './checkpoints.ts';
import { runs, iterations } from './runs.ts';
import { count, createdAt, id, jsonOf, to } from './columns.ts';
import { driftAlarms, driftMeasures } from './stored.ts';

/** A few prompts that every generating checkpoint of a run answers, so that its answers can be compared. Never trained on. */
export const driftPrompts = pgTable(
  'drift_prompts',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
  },
  (t) => [unique().on(t.runId, t.position)],
);

export const driftAnswers = pgTable(
  'drift_answers',
  {
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    promptId: to('prompt_id', () => driftPrompts.id),
    rationale: text('rationale').notNull(),
    /** As read from it; null where none could be read, or the endpoint refused. */
    answer: text('answer'),
    completionTokens: count('completion_tokens').notNull(),
    callId: to('call_id', () => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.checkpointId, t.promptId] }), index().on(t.promptId)],
);

/** How far an iteration has moved from the reference iteration: `loop/drift.ts` says what is measured. */
export const drift = pgTable(
  'drift',
  {
    iterationId: to('iteration_id', () => iterations.id),
    source: text('source').$type<DriftSource>().notNull(),
    /** Index of the first iteration with enough rationales; null: it is this one, or there is none yet. */
    referenceIteration: integer('reference_iteration'),
    measures: jsonOf('drift.measures', driftMeasures).notNull(),
    alarms: jsonOf('drift.alarms', driftAlarms).notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.iterationId, t.source] })],
);
