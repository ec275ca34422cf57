/** What models answered, and how it was judged. */
import type { CritiqueOutcome, Outcome } from '../../loop/words.ts';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import type { z } from 'zod';
import type { Finding } from '../../sandbox/finding.ts';
import { modelCalls } from './calls.ts';
import { checkpoints } from './checkpoints.ts';
import { prompts } from './prompts.ts';
import { createdAt, id, jsonb, jsonOf, ref, to, workColumns } from './columns.ts';
import { rewriteTallies } from './stored.ts';

/**
 * Who wrote a sample, once and for all (a trigger refuses a change). `model`: it was drawn. `planted`: to audit the gates
 * (`probes`); triggers keep it out of examples, datasets and reviews. `person`: given from outside the run (`given_examples`), or
 * written by somebody as the task tells (`Task.written`).
 */
export type SampleOrigin = 'model' | 'planted' | 'person';

export const samples = pgTable(
  'samples',
  {
    id: id(),
    promptId: to('prompt_id', () => prompts.id),
    origin: text('origin').$type<SampleOrigin>().notNull().default('model'),
    /**
     * 1: the K first samples that vote; 2: rewrites that missed a trusted answer, asked again; 3: what agents of a debate held in its
     * last round; 0: not drawn from the model.
     */
    round: integer('round').notNull(),
    index: integer('index').notNull(),
    checkpointId: to('checkpoint_id', () => checkpoints.id),
    callId: to('call_id', () => modelCalls.id),
    rewrite: text('rewrite').notNull(),
    strategy: text('strategy').notNull(),
    /** The problem as it was put to the model (the rewrite's text). */
    request: text('request').notNull(),
    rationale: text('rationale').notNull(),
    /** Answer to the prompt itself, mapped back from the rewrite; null when unparsable. */
    answer: text('answer'),
    /**
     * What the sandbox found that the answer does, set once: it votes by this where the task's answers are programs (`Task.sandboxed`).
     */
    behaviour: text('behaviour'),
    ...workColumns(),
    fingerprint: text('fingerprint'),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    /** Digest of everything that determines the draw: checkpoint, messages, sampling parameters, index. */
    cacheKey: text('cache_key'),
    /** Taken from an earlier, equal draw instead of being paid for again; `callId` is that of the draw. */
    cached: boolean('cached').notNull().default(false),
    /** Who wrote it, where the task told of it; their `index` is below zero, apart from that of given examples. */
    writtenBy: text('written_by'),
    createdAt: createdAt(),
  },
  (t) => [
    unique().on(t.promptId, t.round, t.origin, t.index),
    check('samples_written', sql`${t.writtenBy} is null or ${t.origin} = 'person'`),
    check('samples_drawn', sql`(${t.origin} = 'model') = (${t.round} > 0)`),
    index().on(t.cacheKey),
    // The few that could not be read are found without reading all others.
    index('samples_unreadable')
      .on(t.promptId)
      .where(sql`${t.answer} is null`),
  ],
);

/** Samples of one rewrite, and how many of them voted for ŷ. */
export type RewriteTally = z.output<typeof rewriteTallies>[number];

export const votes = pgTable('votes', {
  promptId: ref('prompt_id')
    .primaryKey()
    .references(() => prompts.id),
  /** ŷ; null on a tie for the first place or when no sample gave an answer. */
  answer: text('answer'),
  votes: integer('votes').notNull(),
  runnerUpVotes: integer('runner_up_votes').notNull(),
  samples: integer('samples').notNull(),
  agreement: doublePrecision('agreement').notNull(),
  margin: doublePrecision('margin').notNull(),
  /** Samples without a readable answer. */
  unreadable: integer('unreadable').notNull().default(0),
  tallies: jsonOf('votes.tallies', rewriteTallies),
  /**
   * Given a sample that voted for ŷ, the share of other samples of its rewrite (or kind of rewrite) that did, and of those of
   * others; null where there are no such pairs.
   */
  within: doublePrecision('within'),
  across: doublePrecision('across'),
  /** Samples that repeat another of the same request, of an endpoint that does not sample: they do not vote. */
  copies: integer('copies').notNull().default(0),
  /** High within and low across: not trusted. */
  sharedMistake: boolean('shared_mistake').notNull().default(false),
  /** It is the vote of a debate's last round: its samples are the agents. */
  debated: boolean('debated').notNull().default(false),
  trusted: boolean('trusted').notNull(),
  createdAt: createdAt(),
});

export const critiques = pgTable(
  'critiques',
  {
    id: id(),
    sampleId: to('sample_id', () => samples.id),
    critic: text('critic').notNull(),
    outcome: text('outcome').$type<CritiqueOutcome>().notNull(),
    score: doublePrecision('score'),
    reason: text('reason').notNull(),
    reply: text('reply').notNull(),
    callId: to('call_id', () => modelCalls.id),
    /** Digest of the critic's model and of the whole request; an equal request is not paid for again. */
    cacheKey: text('cache_key'),
    cached: boolean('cached').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.sampleId, t.critic), index().on(t.cacheKey)],
);

/**
 * What came of a check in the sandbox, by the digest of all that it depends on: the check, what was checked, the archive. What has
 * been run before, in whatever run, is not run again.
 */
export const sandboxResults = pgTable('sandbox_results', {
  digest: text('digest').primaryKey(),
  ok: boolean('ok'),
  score: doublePrecision('score'),
  reason: text('reason').notNull(),
  /** The reason in one word; null: the check has none for it, or an earlier version stored it. */
  finding: text('finding').$type<Finding>(),
  behaviour: text('behaviour'),
  /** The check's own, for people. */
  details: jsonb('details'),
  createdAt: createdAt(),
});

/** What the task's own verification found; `ok` null: there was nothing that it could verify. */
export const verifications = pgTable('verifications', {
  sampleId: ref('sample_id')
    .primaryKey()
    .references(() => samples.id),
  ok: boolean('ok'),
  score: doublePrecision('score'),
  reason: text('reason').notNull(),
  /** As of its result, or of what refused it before it was run. */
  finding: text('finding').$type<Finding>(),
  /** Of a check in the sandbox that was run: not of one that was refused before, nor of what earlier versions stored. */
  resultDigest: text('result_digest').references(() => sandboxResults.digest),
  createdAt: createdAt(),
});

export const verdicts = pgTable(
  'verdicts',
  {
    sampleId: to('sample_id', () => samples.id),
    gate: text('gate').notNull(),
    outcome: text('outcome').$type<Outcome>().notNull(),
    score: doublePrecision('score'),
    threshold: doublePrecision('threshold'),
    reason: text('reason').notNull(),
    advisory: boolean('advisory').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.sampleId, t.gate] }),
    // A gate's rare outcomes are found without reading the verdicts of every sample. The planner knows by the statistics
    // `verdicts_gate_outcome` (of a migration) which pairs of the two are rare.
    index().on(t.gate, t.outcome, t.sampleId),
  ],
);
