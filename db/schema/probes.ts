/** Bad samples that are planted to audit the gates. */
import type { AuditOutcome, PlantedKind } from '../../loop/words.ts';
import { doublePrecision, index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { iterations } from './runs.ts';
import { samples } from './samples.ts';
import { at, createdAt, id, jsonb, jsonOf, ref, to } from './columns.ts';
import { kindAudits } from './stored.ts';

/**
 * Planted bad samples. Such a sample stands where a real one does: it has that one's prompt, rewrite, strategy, seed and call,
 * and no cache key.
 */
export const probes = pgTable(
  'probes',
  {
    sampleId: ref('sample_id')
      .primaryKey()
      .references(() => samples.id),
    iterationId: to('iteration_id', () => iterations.id),
    kind: text('kind').$type<PlantedKind>().notNull(),
    origin: text('origin').$type<'task' | 'mutation' | 'self-play'>().notNull(),
    /** The real sample in whose place it stands, and which was altered where the origin is a mutation. */
    hostSampleId: to('host_sample_id', () => samples.id),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.iterationId)],
);

/** How many of an iteration's planted samples the gates caught. A judgement that was made again has another audit. */
export const audits = pgTable(
  'audits',
  {
    id: id(),
    iterationId: to('iteration_id', () => iterations.id),
    attempt: integer('attempt').notNull(),
    planted: integer('planted').notNull(),
    caught: integer('caught').notNull(),
    minCatchRate: doublePrecision('min_catch_rate').notNull(),
    outcome: text('outcome').$type<AuditOutcome>().notNull(),
    kinds: jsonOf('audits.kinds', kindAudits).notNull(),
    /** When the judgement was set aside, to be made again. */
    setAsideAt: at('set_aside_at'),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.iterationId, t.attempt)],
);

/** Rows of a judgement that failed its audit, moved here whole when the iteration is judged again. */
export const setAside = pgTable(
  'set_aside',
  {
    id: id(),
    auditId: to('audit_id', () => audits.id),
    /** The table in which it stood. */
    source: text('source').notNull(),
    row: jsonb('row').$type<Record<string, unknown>>().notNull(),
  },
  (t) => [index().on(t.auditId)],
);
