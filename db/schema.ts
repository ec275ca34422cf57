/**
 * Everything the loop saw or decided. Rows are only ever added; the few columns that change are states
 * of work in progress (run status, stage status, job status). Natural unique keys make every write
 * idempotent: the same page run twice inserts nothing the second time.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';
import type { DriftMeasures } from '../loop/drift.ts';
import type { DriftAlarm, DriftSource } from '../loop/drift-alarms.ts';
import type { ImproveSettings } from '../loop/input.ts';
import type { KindAudit } from '../loop/audit.ts';
import type { TaskSpec } from '../tasks/index.ts';
import type { ProbeKind } from '../tasks/task.ts';

const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
const ref = (name: string) => bigint(name, { mode: 'number' });
const at = (name: string) => timestamp(name, { withTimezone: true });
const createdAt = () => at('created_at').notNull().defaultNow();

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

/**
 * `calibrate`: with a known answer, to measure votes on; never trained on (a trigger refuses it). `given`: a person gave it
 * with its answer, from outside the run; no model is asked about it.
 */
export type PromptPurpose = 'learn' | 'rehearse' | 'calibrate' | 'given';

export const prompts = pgTable(
  'prompts',
  {
    id: id(),
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    position: integer('position').notNull(),
    purpose: text('purpose').$type<PromptPurpose>().notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    /** The stored prompt of the gateway that it is, where the pool was drawn from those. */
    gatewayPromptId: ref('gateway_prompt_id').references((): AnyPgColumn => gatewayPrompts.id),
    /** The correction from production for which it is in the pool. */
    feedbackId: ref('feedback_id').references((): AnyPgColumn => gatewayFeedback.id),
    createdAt: createdAt(),
  },
  (t) => [
    unique().on(t.iterationId, t.position),
    unique().on(t.iterationId, t.key),
    index().on(t.key),
    index().on(t.gatewayPromptId),
    index().on(t.feedbackId),
  ],
);

/** The known answers of prompts of the purpose `calibrate`. */
export const calibrationItems = pgTable('calibration_items', {
  promptId: ref('prompt_id')
    .primaryKey()
    .references(() => prompts.id),
  answer: text('answer').notNull(),
});

/** Right and all votes for ŷ with so many samples behind it. */
export type PrecisionCell = { votes: number; right: number; total: number };

/** How precise the votes of an iteration were measured to be at one level, and what is therefore asked of them. */
export const calibrations = pgTable(
  'calibrations',
  {
    id: id(),
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    /** Null for tasks without levels. */
    level: integer('level'),
    /** K. */
    samples: integer('samples').notNull(),
    /** The precision that was asked for; 0: none. */
    asked: doublePrecision('asked').notNull(),
    /** Least votes and lead, in samples; null: no number of votes reaches the precision, so nothing is trusted. */
    votes: integer('votes'),
    lead: integer('lead'),
    /** Estimated precision there (or, where none reaches it, at the strictest), and the evidence at this level and at all. */
    precision: doublePrecision('precision'),
    right: integer('right').notNull(),
    total: integer('total').notNull(),
    rightAtAll: integer('right_at_all').notNull(),
    totalAtAll: integer('total_at_all').notNull(),
    /** Iterations whose calibration counted. */
    iterations: integer('iterations').notNull(),
    /** By votes, of this iteration and level alone. */
    cells: jsonb('cells').$type<PrecisionCell[]>().notNull(),
    reason: text('reason').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.iterationId, t.level).nullsNotDistinct()],
);

/** One request to a model, successful or not. Append only; `usage` is what was paid. */
export const modelCalls = pgTable(
  'model_calls',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    iterationId: ref('iteration_id').references(() => iterations.id),
    stage: text('stage').notNull(),
    role: text('role').notNull(),
    model: text('model').notNull(),
    fingerprint: text('fingerprint'),
    requests: integer('requests').notNull().default(1),
    promptTokens: integer('prompt_tokens').notNull().default(0),
    completionTokens: integer('completion_tokens').notNull().default(0),
    latencyMs: integer('latency_ms').notNull(),
    error: text('error'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.runId, t.iterationId)],
);

/** What the model made of a prompt in other words. Only what keeps its numbers and names (`ok`) is asked. */
export const paraphrases = pgTable(
  'paraphrases',
  {
    promptId: ref('prompt_id')
      .notNull()
      .references(() => prompts.id),
    index: integer('index').notNull(),
    text: text('text').notNull(),
    ok: boolean('ok').notNull(),
    reason: text('reason').notNull(),
    callId: ref('call_id')
      .notNull()
      .references(() => modelCalls.id),
    /** Digest of the model and of the whole request; an equal request is not paid for again. */
    cacheKey: text('cache_key'),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.promptId, t.index] }), index().on(t.cacheKey)],
);
/** The `round` of planted samples, and of no other: a trigger keeps it so, and keeps them out of examples, datasets and reviews. */
export const PLANTED_ROUND = 0;

/** The `round` of answers that a person gave from outside the run. */
export const GIVEN_ROUND = -1;

export const samples = pgTable(
  'samples',
  {
    id: id(),
    promptId: ref('prompt_id')
      .notNull()
      .references(() => prompts.id),
    /** 1: the K first samples that vote; 2: rewrites that missed a trusted answer, asked again; 0: planted (`probes`). */
    round: integer('round').notNull(),
    index: integer('index').notNull(),
    checkpointId: ref('checkpoint_id')
      .notNull()
      .references(() => checkpoints.id),
    callId: ref('call_id')
      .notNull()
      .references(() => modelCalls.id),
    rewrite: text('rewrite').notNull(),
    strategy: text('strategy').notNull(),
    /** The problem as it was put to the model (the rewrite's text). */
    request: text('request').notNull(),
    rationale: text('rationale').notNull(),
    /** Answer to the prompt itself, mapped back from the rewrite; null when unparsable. */
    answer: text('answer'),
    formatOk: boolean('format_ok').notNull(),
    formatReason: text('format_reason').notNull(),
    coherenceOk: boolean('coherence_ok').notNull(),
    coherenceReason: text('coherence_reason').notNull(),
    finishReason: text('finish_reason').notNull(),
    completionTokens: integer('completion_tokens').notNull(),
    fingerprint: text('fingerprint'),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    /** Digest of everything that determines the draw: checkpoint, messages, sampling parameters, index. */
    cacheKey: text('cache_key'),
    /** Taken from an earlier, equal draw instead of being paid for again; `callId` is that of the draw. */
    cached: boolean('cached').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [
    unique().on(t.promptId, t.round, t.index),
    index().on(t.cacheKey),
    // The few that could not be read are found without reading all others.
    index('samples_unreadable')
      .on(t.promptId)
      .where(sql`${t.answer} is null`),
  ],
);

/** Samples of one rewrite, and how many of them voted for ŷ. */
export type RewriteTally = { rewrite: string; kind: string; samples: number; votes: number };

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
  tallies: jsonb('tallies').$type<RewriteTally[]>(),
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
  trusted: boolean('trusted').notNull(),
  createdAt: createdAt(),
});

export const critiques = pgTable(
  'critiques',
  {
    id: id(),
    sampleId: ref('sample_id')
      .notNull()
      .references(() => samples.id),
    critic: text('critic').notNull(),
    outcome: text('outcome').$type<'holds' | 'fails' | 'unscored'>().notNull(),
    score: doublePrecision('score'),
    reason: text('reason').notNull(),
    reply: text('reply').notNull(),
    callId: ref('call_id')
      .notNull()
      .references(() => modelCalls.id),
    /** Digest of the critic's model and of the whole request; an equal request is not paid for again. */
    cacheKey: text('cache_key'),
    cached: boolean('cached').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.sampleId, t.critic), index().on(t.cacheKey)],
);

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
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    kind: text('kind').$type<ProbeKind>().notNull(),
    origin: text('origin').$type<'task' | 'mutation'>().notNull(),
    /** The real sample in whose place it stands, and which was altered where the origin is a mutation. */
    hostSampleId: ref('host_sample_id')
      .notNull()
      .references(() => samples.id),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.iterationId)],
);

/** `too-few`: fewer were planted than can tell. `advised`: under the rate, but the audit only advises. */
export type AuditOutcome = 'passed' | 'failed' | 'too-few' | 'advised';

/** How many of an iteration's planted samples the gates caught. A judgement that was made again has another audit. */
export const audits = pgTable(
  'audits',
  {
    id: id(),
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    attempt: integer('attempt').notNull(),
    planted: integer('planted').notNull(),
    caught: integer('caught').notNull(),
    minCatchRate: doublePrecision('min_catch_rate').notNull(),
    outcome: text('outcome').$type<AuditOutcome>().notNull(),
    kinds: jsonb('kinds').$type<KindAudit[]>().notNull(),
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
    auditId: ref('audit_id')
      .notNull()
      .references(() => audits.id),
    /** The table in which it stood. */
    source: text('source').notNull(),
    row: jsonb('row').$type<Record<string, unknown>>().notNull(),
  },
  (t) => [index().on(t.auditId)],
);

/** What the task's own verification found; `ok` null: there was nothing that it could verify. */
export const verifications = pgTable('verifications', {
  sampleId: ref('sample_id')
    .primaryKey()
    .references(() => samples.id),
  ok: boolean('ok'),
  score: doublePrecision('score'),
  reason: text('reason').notNull(),
  createdAt: createdAt(),
});

export const verdicts = pgTable(
  'verdicts',
  {
    sampleId: ref('sample_id')
      .notNull()
      .references(() => samples.id),
    gate: text('gate').notNull(),
    outcome: text('outcome').$type<'pass' | 'fail' | 'unscored'>().notNull(),
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

/** From where something came that no run made: a file that was imported, or what was asked and corrected in production. */
export type OutsideSource = 'import' | 'gateway';

/** Unlabeled prompts from outside any run, for later runs of the task to draw. */
export const storedPrompts = pgTable(
  'stored_prompts',
  {
    id: id(),
    task: text('task').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    source: text('source').$type<OutsideSource>().notNull(),
    /** Where exactly: the file and its line, or the request's id. */
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
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    promptId: ref('prompt_id')
      .notNull()
      .references(() => prompts.id),
    sampleId: ref('sample_id')
      .notNull()
      .references(() => samples.id),
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

/** `feedback`: a correction from production, decided before anybody was asked. */
export type ReviewReason = 'first-iterations' | 'audit' | 'disagreement' | 'feedback';
export type ReviewDecision = 'accept' | 'reject' | 'correct';

/** What a person is asked about a sample, and says. */
export const reviews = pgTable(
  'reviews',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    sampleId: ref('sample_id')
      .notNull()
      .unique()
      .references(() => samples.id),
    reason: text('reason').$type<ReviewReason>().notNull(),
    /** Drawn at random among the accepted pseudo-labels, so that it counts in the estimate of their precision. */
    audit: boolean('audit').notNull(),
    decision: text('decision').$type<ReviewDecision>(),
    /** Decided unseen, with all that were left: counts in no statistic. */
    bulk: boolean('bulk').notNull().default(false),
    correctedAnswer: text('corrected_answer'),
    /** The reviewer's own rationale for the corrected answer. */
    correctedRationale: text('corrected_rationale'),
    note: text('note'),
    reviewer: text('reviewer'),
    decidedAt: at('decided_at'),
    /** One reviewer's session looks at it; the claim expires. */
    claimedBy: text('claimed_by'),
    claimedAt: at('claimed_at'),
    /** The correction from production that it carries out. */
    feedbackId: ref('feedback_id').references((): AnyPgColumn => gatewayFeedback.id),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.runId, t.iterationId), index().on(t.feedbackId)],
);

/** Decisions that their reviewers took back, as they stood. No row is ever changed or deleted (a trigger refuses it). */
export const undoneReviews = pgTable(
  'undone_reviews',
  {
    id: id(),
    reviewId: ref('review_id')
      .notNull()
      .references(() => reviews.id),
    decision: text('decision').$type<ReviewDecision>().notNull(),
    correctedAnswer: text('corrected_answer'),
    correctedRationale: text('corrected_rationale'),
    note: text('note'),
    bulk: boolean('bulk').notNull(),
    reviewer: text('reviewer').notNull(),
    decidedAt: at('decided_at').notNull(),
    undoneAt: createdAt(),
  },
  (t) => [index().on(t.reviewId)],
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
    datasetId: ref('dataset_id')
      .notNull()
      .references(() => datasets.id),
    position: integer('position').notNull(),
    exampleId: ref('example_id')
      .notNull()
      .references(() => examples.id),
    replayed: boolean('replayed').notNull(),
  },
  (t) => [primaryKey({ columns: [t.datasetId, t.position] }), index().on(t.exampleId)],
);

/** One fine-tuning job per (dataset digest, parent, parameters), whatever is killed. */
export const trainingJobs = pgTable('training_jobs', {
  id: id(),
  /** Digest over dataset digest, parent model and parameters; also the idempotency key sent. */
  key: text('key').notNull().unique(),
  datasetId: ref('dataset_id')
    .notNull()
    .references(() => datasets.id),
  parentCheckpointId: ref('parent_checkpoint_id')
    .notNull()
    .references(() => checkpoints.id),
  /** Model the job starts from, as the trainer names it. */
  parentModel: text('parent_model').notNull(),
  parameters: jsonb('parameters').$type<Record<string, unknown>>().notNull(),
  remoteId: text('remote_id').notNull(),
  /** As the trainer said last. A job that was cancelled by us does not stand in the way of another. */
  status: text('status')
    .$type<'running' | 'succeeded' | 'failed' | 'cancelled'>()
    .notNull()
    .default('running'),
  trainedTokens: integer('trained_tokens'),
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
    trainedTokens: integer('trained_tokens'),
    trainingSeconds: doublePrecision('training_seconds'),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.runId, t.iterationIndex), index().on(t.parentId), index().on(t.trainingJobId)],
);

export const benchmarkItems = pgTable(
  'benchmark_items',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    benchmark: text('benchmark').notNull(),
    role: text('role').$type<'target' | 'guard' | 'final'>().notNull(),
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    answer: text('answer').notNull(),
    group: text('group'),
    /** The correction from production that made it a regression item. */
    feedbackId: ref('feedback_id').references((): AnyPgColumn => gatewayFeedback.id),
  },
  (t) => [unique().on(t.runId, t.benchmark, t.position), index().on(t.runId, t.key)],
);

/** One checkpoint's answers to one benchmark. Counts are set when the last item is in. */
export const evaluations = pgTable(
  'evaluations',
  {
    id: id(),
    checkpointId: ref('checkpoint_id')
      .notNull()
      .references(() => checkpoints.id),
    benchmark: text('benchmark').notNull(),
    /** The iteration that asked for it; null: the run itself (base at the start, final at the end). */
    iterationId: ref('iteration_id').references(() => iterations.id),
    total: integer('total').notNull(),
    correct: integer('correct'),
    /** No answer could be read; counted as wrong, shown apart. */
    unparsable: integer('unparsable'),
    createdAt: createdAt(),
    finishedAt: at('finished_at'),
  },
  (t) => [unique().on(t.checkpointId, t.benchmark)],
);

export const evaluationItems = pgTable(
  'evaluation_items',
  {
    evaluationId: ref('evaluation_id')
      .notNull()
      .references(() => evaluations.id),
    itemId: ref('item_id')
      .notNull()
      .references(() => benchmarkItems.id),
    rationale: text('rationale').notNull(),
    answer: text('answer'),
    correct: boolean('correct').notNull(),
    fingerprint: text('fingerprint'),
    callId: ref('call_id')
      .notNull()
      .references(() => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.evaluationId, t.itemId] })],
);

/**
 * The starting model's K samples of each target item, over the rewrites and strategies as in the loop: what a
 * majority of them knows is what one answer of a trained model is compared with.
 */
export const majoritySamples = pgTable(
  'majority_samples',
  {
    itemId: ref('item_id')
      .notNull()
      .references(() => benchmarkItems.id),
    index: integer('index').notNull(),
    rewrite: text('rewrite').notNull(),
    strategy: text('strategy').notNull(),
    rationale: text('rationale').notNull(),
    /** Answer to the item itself; null where the sample abstains: no answer, out of form, or refused. */
    answer: text('answer'),
    callId: ref('call_id')
      .notNull()
      .references(() => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.itemId, t.index] })],
);

/** The vote over an item's samples. A tie has no answer and is not correct. */
export const majorityItems = pgTable('majority_items', {
  itemId: ref('item_id')
    .primaryKey()
    .references(() => benchmarkItems.id),
  samples: integer('samples').notNull(),
  votes: integer('votes').notNull(),
  runnerUpVotes: integer('runner_up_votes').notNull(),
  answer: text('answer'),
  correct: boolean('correct').notNull(),
});

/** A prompt or an example that was a held-out problem, exactly or nearly, and was therefore dropped. */
export const leaks = pgTable(
  'leaks',
  {
    id: id(),
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    /** `collect`: when it was drawn; `train`: before it was trained on. */
    stage: text('stage').$type<'collect' | 'train'>().notNull(),
    /** Order of discovery; keys may be too long for an index. */
    position: integer('position').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    exampleId: ref('example_id').references(() => examples.id),
    benchmark: text('benchmark').notNull(),
    /** The held-out problem's key. */
    itemKey: text('item_key').notNull(),
    kind: text('kind').$type<'exact' | 'near'>().notNull(),
    similarity: doublePrecision('similarity').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.iterationId, t.stage, t.position)],
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

/** A message that a run was sent: by an operator (signal or update) or by the loop itself. */
export const messages = pgTable(
  'messages',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** Unique in the run: a message that is delivered twice is recorded, and obeyed, once. */
    messageId: text('message_id').notNull(),
    name: text('name').notNull(),
    args: jsonb('args').$type<Record<string, unknown>>().notNull(),
    origin: text('origin').$type<'signal' | 'update' | 'loop'>().notNull(),
    accepted: boolean('accepted').notNull(),
    /** What it does, or why it was refused. */
    answer: text('answer').notNull(),
    /** The iteration that was running. */
    iterationIndex: integer('iteration_index').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.runId, t.messageId)],
);

export type AdjustmentKind =
  /** The run goes on from `checkpointId`. */
  | 'reset'
  /** More diverse samples: temperature, ways of asking. */
  | 'diversity'
  /** A temperature that falls back. */
  | 'temperature'
  /** Rare and unlike examples are preferred. */
  | 'selection'
  /** Prompts are asked in further ways, or with harmless noise. */
  | 'noise'
  /** A harder or easier pool. */
  | 'pool'
  /** One iteration trains the base on all accepted examples. */
  | 'retrain'
  /** A lighter strategy, to stay within the budget. */
  | 'lighter'
  | 'budget'
  | 'halt';

/** `settings`: the run's own, such as `training.resetEvery`. */
export type AdjustmentCause = 'operator' | 'stagnation' | 'budget' | 'roi' | 'drift' | 'settings';

/**
 * Changes of course, each a stored decision: what an operator, the stagnation policy or the budget changed
 * and why. The settings of an iteration are the run's own with the overrides in force laid over them.
 */
export const adjustments = pgTable(
  'adjustments',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** Unique in the run, so that a retried activity adjusts once. */
    key: text('key').notNull(),
    kind: text('kind').$type<AdjustmentKind>().notNull(),
    cause: text('cause').$type<AdjustmentCause>().notNull(),
    reason: text('reason').notNull(),
    /** First iteration in which it is in force, and the last (null: until a reset). */
    fromIteration: integer('from_iteration').notNull(),
    untilIteration: integer('until_iteration'),
    /** Part of the run's settings, laid over them. */
    overrides: jsonb('overrides').$type<Record<string, unknown>>().notNull(),
    checkpointId: ref('checkpoint_id').references(() => checkpoints.id),
    numbers: jsonb('numbers').$type<Record<string, unknown>>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.runId, t.key)],
);

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
    checkpointId: ref('checkpoint_id')
      .notNull()
      .references(() => checkpoints.id),
    promptId: ref('prompt_id')
      .notNull()
      .references(() => driftPrompts.id),
    rationale: text('rationale').notNull(),
    /** As read from it; null where none could be read, or the endpoint refused. */
    answer: text('answer'),
    completionTokens: integer('completion_tokens').notNull(),
    callId: ref('call_id')
      .notNull()
      .references(() => modelCalls.id),
  },
  (t) => [primaryKey({ columns: [t.checkpointId, t.promptId] }), index().on(t.promptId)],
);

/** How far an iteration has moved from the reference iteration: `loop/drift.ts` says what is measured. */
export const drift = pgTable(
  'drift',
  {
    iterationId: ref('iteration_id')
      .notNull()
      .references(() => iterations.id),
    source: text('source').$type<DriftSource>().notNull(),
    /** Index of the first iteration with enough rationales; null: it is this one, or there is none yet. */
    referenceIteration: integer('reference_iteration'),
    measures: jsonb('measures').$type<DriftMeasures>().notNull(),
    alarms: jsonb('alarms').$type<DriftAlarm[]>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.iterationId, t.source] })],
);

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

/**
 * Prompts that came through the gateway, redacted, where storing them is asked for: the unlabeled pool of runs that
 * draw from it. Each problem once; how often it came is counted in the completions.
 */
export const gatewayPrompts = pgTable(
  'gateway_prompts',
  {
    id: id(),
    task: text('task').notNull(),
    /** SHA-256 of the problem's key, which may be too long for an index. */
    keyDigest: text('key_digest').notNull(),
    key: text('key').notNull(),
    text: text('text').notNull(),
    level: integer('level'),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.task, t.keyDigest), index().on(t.task, t.id)],
);

/** One answer of the gateway. Texts only where storing them is asked for, and redacted. */
export const gatewayCompletions = pgTable(
  'gateway_completions',
  {
    /** As the client was told. */
    id: text('id').primaryKey(),
    task: text('task').notNull(),
    /** What answered. */
    checkpointId: ref('checkpoint_id')
      .notNull()
      .references(() => checkpoints.id),
    /** Why it was not the checkpoint that the task serves. */
    fallback: text('fallback'),
    /** Id and fingerprint as the endpoint gave them. */
    upstreamId: text('upstream_id'),
    fingerprint: text('fingerprint'),
    streamed: boolean('streamed').notNull(),
    /** `aborted`: the client went away, or the endpoint broke off. */
    outcome: text('outcome').$type<'completed' | 'aborted'>().notNull(),
    promptTokens: integer('prompt_tokens'),
    completionTokens: integer('completion_tokens'),
    latencyMs: integer('latency_ms').notNull(),
    promptId: ref('prompt_id').references(() => gatewayPrompts.id),
    /** Why its prompt is not in the pool. */
    notPooled: text('not_pooled'),
    messages: jsonb('messages').$type<unknown[]>(),
    /** Text of each choice. */
    replies: jsonb('replies').$type<string[]>(),
    /** How often each kind of text was taken out. */
    redacted: jsonb('redacted').$type<Record<string, number>>(),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.task, t.createdAt), index().on(t.promptId), index().on(t.checkpointId)],
);

/** `example`: trains the next iterations of the task; `regression`: a held-out problem of later runs. */
export type FeedbackUse = 'example' | 'regression';

/** What people said of answers of the gateway. Rows are only ever added. */
export const gatewayFeedback = pgTable(
  'gateway_feedback',
  {
    id: id(),
    completionId: text('completion_id')
      .notNull()
      .references(() => gatewayCompletions.id),
    task: text('task').notNull(),
    choice: integer('choice').notNull(),
    rating: text('rating').$type<'up' | 'down'>(),
    /** The problem, and what is right: set together. */
    promptId: ref('prompt_id').references(() => gatewayPrompts.id),
    correction: text('correction'),
    /** As the task reads it out of the correction. */
    answer: text('answer'),
    /** The correction, where it is a whole rationale in the task's form. */
    rationale: text('rationale'),
    use: text('use').$type<FeedbackUse>(),
    by: text('by').notNull(),
    note: text('note'),
    /** SHA-256 of all of it: what is sent twice is stored once. */
    digest: text('digest').notNull().unique(),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.task, t.id), index().on(t.completionId)],
);
