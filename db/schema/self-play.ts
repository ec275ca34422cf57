/** Bad work that an adversary made of good work, to see whether the critics tell. */
import {
  bigint,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import type { CritiqueOutcome, ProbeKind } from '../../loop/words.ts';
import { modelCalls } from './calls.ts';
import { at, createdAt, id, ref, to } from './columns.ts';
import { iterations } from './runs.ts';
import { samples } from './samples.ts';

/**
 * `made`: not judged yet. `found`: known to be bad, and the critics pass it. `caught`: they do not. `harmless`: nothing says that it
 * is bad. `unfit`: it would get no further than the form, or is no work at all. What is judged stays as it is (a trigger).
 */
export type Try = 'made' | 'found' | 'caught' | 'harmless' | 'unfit';

export const selfPlay = pgTable(
  'self_play',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    /** The good work that it was made of. */
    sampleId: to('sample_id', () => samples.id),
    try: integer('try').notNull(),
    by: text('by').$type<'mutation' | 'model'>().notNull(),
    kind: text('kind').$type<ProbeKind>().notNull(),
    /** Of the adversary; null where no model was asked. */
    callId: ref('call_id').references(() => modelCalls.id),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    rationale: text('rationale').notNull(),
    /** Answer to the prompt itself; null when unparsable. */
    answer: text('answer'),
    outcome: text('outcome').$type<Try>().notNull(),
    /** What says that it is bad: the task's verification or the known answer. */
    knownBy: text('known_by').$type<'verification' | 'known answer'>(),
    /** P(the work holds) by the critics together. */
    score: doublePrecision('score'),
    reason: text('reason').notNull(),
    createdAt: createdAt(),
    judgedAt: at('judged_at'),
  },
  (t) => [unique().on(t.sampleId, t.try), index().on(t.iterationId)],
);

/** What each critic said of a try, as it was answered: who was asked is not asked again when the page is. */
export const selfPlayCritiques = pgTable(
  'self_play_critiques',
  {
    tryId: ref('try_id')
      .notNull()
      .references(() => selfPlay.id),
    critic: text('critic').notNull(),
    outcome: text('outcome').$type<CritiqueOutcome>().notNull(),
    score: doublePrecision('score'),
    reason: text('reason').notNull(),
    /** Null where the critic could not be asked. */
    callId: ref('call_id').references(() => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.tryId, t.critic] })],
);
