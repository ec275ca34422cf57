/** The shape of a report, as `report --json` and `demo --json` write it. */
import type { LearnerReport } from '../tutor/learners.ts';
import type { CorrectionReport } from './corrections.ts';
import type { FixReport } from './fixes.ts';
import type { AuditOutcome, BenchmarkRole, DecisionKind, RunStatus } from '../../loop/words.ts';
import type { AdjustmentKind } from '../../db/schema.ts';
import type { GateAudit, KindAudit } from '../../loop/audit.ts';
import type { MemoryLook } from '../../db/queries/memory-tests.ts';
import type { DebateReport, SelfPlayReport } from './debate-types.ts';
import type { VariantReport } from './variants.ts';
import type { TreeRow } from './trees.ts';
import type { Form } from '../../loop/best-form.ts';
import type { DriftMeasures } from '../../loop/drift.ts';
import type { DriftAlarm, DriftSource } from '../../loop/drift-alarms.ts';

/** `low` and `high`: 95 % Wilson interval of the rate. */
export type Score = { correct: number; total: number; rate: number; low: number; high: number };
export type RoleScores = Record<BenchmarkRole, Score | null>;

export type CheckpointReport = RoleScores & {
  id: number;
  /** 0: where the run started. */
  iteration: number;
  model: string;
  /** Folder of the adapter, where the trainer told it. */
  path: string | null;
  fingerprint: string | null;
};

export type Comparison = {
  role: BenchmarkRole;
  base: Score;
  best: Score;
  /** Exact one-sided McNemar test over the items that both answered: is best better than base? */
  pValue: number | null;
  onlyBase: number;
  onlyBest: number;
  groups: { group: string; base: Score; best: Score }[];
};

/**
 * Where the task's worked examples stand in samples only: the starting model on each role in both forms. `better` was chosen on
 * target; everything else that the report says of the base is of that form.
 */
export type BaseForms = {
  better: Form;
  scores: { role: BenchmarkRole; plain: Score; examples: Score }[];
};

/** One of teacher and student. Numbers are null where nothing was measured, or the server does not say. */
export type Distilled = {
  who: 'teacher' | 'student before' | 'student after';
  model: string;
  target: Score | null;
  final: Score | null;
  /** Median of `rounds`. */
  tokensPerSecond: number | null;
  rounds: number[];
  parameters: number | null;
  weightBytes: number | null;
};

/** Teacher first. The ratios are those of the student as it is in the end to the teacher. */
export type DistillationReport = {
  rows: Distilled[];
  /** Requests in flight together while both were timed. */
  atOnce: number | null;
  /** What `kept` is measured on. */
  on: 'target' | 'final';
  kept: number | null;
  faster: number | null;
  size: number | null;
};

/**
 * The starting model's majority of `samples` answers to each target item: what it knew already. `pass` (pass@K): items that one of
 * the samples at least has right; null where the task was not asked.
 */
export type MajorityReport = { samples: number; score: Score; pass: Score | null };

/** Prompts and examples that were held-out problems, exactly or nearly, and were dropped. */
export type LeakReport = { collected: number; trained: number; exact: number; near: number };

/** How far a guard's accuracy fell against the best: as measured, and at most with 95 % confidence. */
export type GuardReport = { guard: string; fall: number; fallAtMost: number | null; margin: number };

export type GateReport = { gate: string; advisory: boolean; pass: number; fail: number; unscored: number };

/** How many of the planted bad samples the gates caught, by kind and by gate. */
export type AuditReport = {
  planted: number;
  caught: number;
  minCatchRate: number;
  outcome: AuditOutcome;
  /** Judgements so far: more than one where it was made again. */
  attempts: number;
  kinds: KindAudit[];
  gates: GateAudit[];
};

/** What reviewers were asked and said. */
export type ReviewReport = {
  items: number;
  waiting: number;
  accepted: number;
  rejected: number;
  corrected: number;
  /** Decided with all that were left: they count in no statistic. */
  unseen: number;
  /** Share of the audited pseudo-labels that reviewers accepted; null without any. */
  precision: Score | null;
};

/** How an iteration's rationales are written, and what moved too far from the reference iteration. */
export type DriftReport = Omit<DriftMeasures, 'distance'> & {
  source: DriftSource;
  /** Index of the iteration compared with; null: this is the first. */
  reference: number | null;
  distance: number | null;
  alarms: DriftAlarm[];
};

/** How often votes were right, as measured on problems with known answers, and what was therefore asked of them. */
export type CalibrationReport = {
  /** The precision asked for; 0: none. */
  asked: number;
  /** K. */
  samples: number;
  /** Of this iteration's calibration votes with a ŷ, most votes first. */
  byVotes: { votes: number; right: number; total: number }[];
  /** By level (null: the task has none): least votes and lead in samples; null: none reaches the precision. */
  levels: {
    level: number | null;
    votes: number | null;
    lead: number | null;
    precision: number | null;
    reason: string;
  }[];
};

/** Votes over unlabeled prompts that were not trusted for another reason than their number, and how independent they were. */
export type VoteReport = {
  /** More samples without a readable answer than for ŷ. */
  noAnswer: number;
  sharedMistakes: number;
  /** Samples that repeat another of the same request, of an endpoint that does not sample. */
  copies: number;
  /** Means over the votes for which they could be measured; null: none. */
  within: number | null;
  across: number | null;
};

export type IterationStage = { number: number; target: string; before: Score | null; after: Score | null };

export type IterationReport = RoleScores & {
  iteration: number;
  finished: boolean;
  levels: number[] | null;
  /**
   * The stage of the run's curriculum of targets, with the scores of its own target: of the checkpoint to beat and of the candidate.
   * `target` and `before` are of all targets together. Null without a curriculum.
   */
  stage: IterationStage | null;
  /** Unlabeled prompts; `rehearsal` prompts come on top. */
  prompts: number;
  rehearsal: number;
  samples: number;
  resampled: number;
  unparsable: number;
  /** Samples that ended by their limit of tokens, and that the endpoint or its model refused: neither counts as an answer. */
  cutOff?: number;
  refused?: number;
  /** Mean share of an unlabeled prompt's samples that gave its majority answer. */
  agreement: number | null;
  /** Unlabeled prompts whose answer was accepted, and the examples made of them (`hard`: sampled again). */
  accepted: number;
  examples: number;
  hardExamples: number;
  rehearsalExamples: number;
  /** Null where they were not counted. */
  clusters: ClusterReport | null;
  /** Size of the training set, with replayed examples. */
  trainedExamples: number;
  gates: GateReport[];
  /** The newest test of the gates on planted samples; null where none was made. */
  audit: AuditReport | null;
  /** Why the critic, which nobody asked for, only advised in this iteration. */
  criticAdvises: string | null;
  votes: VoteReport;
  /** Null where agreement is uncalibrated. */
  calibration: CalibrationReport | null;
  /** Null where nothing was put to reviewers. */
  review: ReviewReport | null;
  /** Share of accepted answers that were right; null where the task cannot know. Never seen by the loop. */
  pseudoLabelPrecision: number | null;
  pseudoLabels: { correct: number; total: number } | null;
  decision: DecisionKind | null;
  reason: string | null;
  pValue: number | null;
  /** Which look at the target items this was, and the level that was left for it. */
  look: { number: number; level: number } | null;
  guards: GuardReport[];
  /** Held-out problems that were dropped from the pool and from the training set. */
  leaks: LeakReport;
  /** Of what was accepted, and of the fixed sample; empty where nothing was measured. */
  drift: DriftReport[];
  /** Target score of the checkpoint to beat. */
  before: Score | null;
  candidate: string | null;
  seconds: number | null;
  stageSeconds: Record<string, number>;
  tokens: number;
  promptTokens: number;
  completionTokens: number;
  trainedTokens: number;
  /** Points of target accuracy per unit of cost (`costUnit`), the waiting counted in. */
  roi: number | null;
  cost: number | null;
  costUnit: string | null;
};

/**
 * Clusters of rationales (loop/clusters.ts) over the accepted prompts: of what trains, and of all that passed every required gate.
 */
export type ClusterReport = { prompts: number; chosen: number; passed: number };

/** A change of course: by an operator, the stagnation policy, the budget or the return on investment. */
export type CourseReport = {
  iteration: number;
  kind: AdjustmentKind;
  cause: string;
  reason: string;
  at: string;
};

/** A benchmark in a stage: `later` is the target of a stage to come. Null: not measured. */
export type CurriculumScore = { benchmark: string; role: BenchmarkRole | 'later'; score: Score | null };

/** The stages of a curriculum that have begun, each with what the best checkpoint scored at its end, or scores now. */
export type CurriculumReport = {
  base: CurriculumScore[];
  stages: {
    stage: number;
    target: string;
    /** Share of the target that ends the stage; null: only its iterations do. */
    reach: number | null;
    alpha: number;
    /**
     * Its first and its last iteration (null: it is not over; before the first: its target was reached as it was),
     * and how many it could have.
     */
    from: number;
    until: number | null;
    iterations: number;
    /** Id of the checkpoint that is measured. */
    checkpoint: number;
    scores: CurriculumScore[];
  }[];
  /** Stages that the run was asked for. */
  planned: number;
};

export type MessageReport = {
  iteration: number;
  name: string;
  from: string;
  accepted: boolean;
  answer: string;
  at: string;
};

/** The schedule that started a run, the time for which it was due (ISO), and the ISO week of that here. */
export type ScheduledAs = { id: string; scheduledFor: string; week: string };

/** The adapter of an earlier run from which a run started. */
export type Origin = { checkpoint: number; run: string; iteration: number; model: string };

export type OtherArm = { run: string; experiment: string; base: Score | null; best: Score | null };

export type Report = {
  run: string;
  task: string;
  experiment: 'none' | 'ungated' | 'control';
  status: RunStatus;
  statusReason: string | null;
  startedAt: string;
  finishedAt: string | null;
  schedule: ScheduledAs | null;
  /** Null where the run started from the base; else `base` below is this adapter. */
  startedFrom: Origin | null;
  base: CheckpointReport | null;
  best: CheckpointReport | null;
  baseForms: BaseForms | null;
  comparison: Comparison[];
  /** Null where it was not measured to the end. */
  majority: MajorityReport | null;
  /** Null where no teacher wrote the samples. */
  distillation: DistillationReport | null;
  /** Null where no prompt was split into parts. */
  trees: TreeRow[] | null;
  /** Null without debates. */
  debates: DebateReport | null;
  /** Null without an adversary. */
  selfPlay: SelfPlayReport | null;
  /** Null where no easier variants were made. */
  variants: VariantReport | null;
  /** Null for a task that changes no code. */
  fixes: FixReport | null;
  /** Null for a task that does not tutor. */
  learners: LearnerReport | null;
  /** Null for a task that learns from no corrections. */
  corrections: CorrectionReport | null;
  /** Tests of memory entries, in order. */
  memory: MemoryLook[];
  iterations: IterationReport[];
  /** Over all iterations; null where nothing was put to reviewers. */
  review: ReviewReport | null;
  course: CourseReport[];
  /** Null without one. */
  curriculum: CurriculumReport | null;
  messages: MessageReport[];
  totals: {
    seconds: number;
    tokens: number;
    promptTokens: number;
    completionTokens: number;
    trainedTokens: number;
    requests: number;
    prompts: number;
    samples: number;
    cutOff?: number;
    refused?: number;
    /** Requests whose tokens are our own estimate, rather too many: the endpoint counted none. */
    estimated?: number;
    accepted: number;
    examples: number;
    promotions: number;
    leaks: LeakReport;
    pseudoLabelPrecision: number | null;
  };
  /** Finished runs of the same task and seed under another experiment, for contrast. */
  otherArms: OtherArm[];
};
