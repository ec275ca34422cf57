/** Studies: what was experimented on, each experiment with what was foretold and what came, and the hypotheses that it refuted. */
import { boolean, doublePrecision, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { StudyClaim, StudyFollowUp, StudyLeader } from '../../tasks/discovery/report-types.ts';
import type { DiscoverSettings, SubjectSpec } from '../../tasks/discovery/subject.ts';
import { at, createdAt, jsonb } from './columns.ts';

/** `id` is the id of its `discover` workflow. */
export const studies = pgTable('studies', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  subject: jsonb('subject').$type<SubjectSpec>().notNull(),
  settings: jsonb('settings').$type<DiscoverSettings>().notNull(),
  /** How many there were at the start. */
  hypotheses: integer('hypotheses').notNull(),
  /** Why it ended. */
  ending: text('ending'),
  claims: jsonb('claims').$type<StudyClaim[]>(),
  followUps: jsonb('follow_ups').$type<StudyFollowUp[]>(),
  createdAt: createdAt(),
  finishedAt: at('finished_at'),
});

/** One experiment: planned first, then made. `key` names it to the simulator. */
export const studyExperiments = pgTable(
  'study_experiments',
  {
    studyId: text('study_id')
      .notNull()
      .references(() => studies.id),
    number: integer('number').notNull(),
    key: text('key').notNull().unique(),
    option: integer('option').notNull(),
    settings: jsonb('settings').$type<number[]>().notNull(),
    /** How it was chosen. */
    why: text('why').notNull(),
    /** In nats; null: it was not chosen for what it would tell. */
    expected: doublePrecision('expected'),
    plannedAt: createdAt(),
    measured: doublePrecision('measured'),
    sigma: doublePrecision('sigma'),
    /** Why nothing came of it: it counts as an experiment that told nothing. */
    failed: text('failed'),
    observedAt: at('observed_at'),
    /** What it told, in nats: how far it moved the weights of the hypotheses. */
    told: doublePrecision('told'),
    /** The likeliest hypotheses once it was made. */
    leaders: jsonb('leaders').$type<StudyLeader[]>(),
    /** Hypotheses that are left. */
    alive: integer('alive'),
  },
  (t) => [primaryKey({ columns: [t.studyId, t.number] })],
);

/** What a hypothesis foretold of an experiment, written down before it was made. */
export const studyPredictions = pgTable(
  'study_predictions',
  {
    studyId: text('study_id').notNull(),
    number: integer('number').notNull(),
    hypothesis: text('hypothesis').notNull(),
    predicted: doublePrecision('predicted').notNull(),
    /** Standard deviation: of what its parameters leave open and of the measurement together. */
    spread: doublePrecision('spread').notNull(),
    /** Another hypothesis of those foretold an outcome that would have refuted it. */
    risked: boolean('risked').notNull(),
  },
  (t) => [primaryKey({ columns: [t.studyId, t.number, t.hypothesis] })],
);

/** A hypothesis that no parameters reconcile with the experiments up to `number`. */
export const studyRefutations = pgTable(
  'study_refutations',
  {
    studyId: text('study_id').notNull(),
    hypothesis: text('hypothesis').notNull(),
    number: integer('number').notNull(),
    chiSquare: doublePrecision('chi_square').notNull(),
    freedom: integer('freedom').notNull(),
    p: doublePrecision('p').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.studyId, t.hypothesis] }),
    index('study_refutations_experiment').on(t.studyId, t.number),
  ],
);
