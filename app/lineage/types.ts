/** The shapes of the answers to `ratchet why`, as `--json` writes them. */
import type { CritiqueOutcome, DecisionKind, Outcome, PlantedKind, RunStatus } from '../../loop/words.ts';
import type { ExampleCount } from '../../db/queries/lineage.ts';
import type { MemoryEntry } from '../../db/queries/memory.ts';
import type {
  AdjustmentKind,
  CheckpointKind,
  DecisionNumbers,
  ExampleKind,
  OutsideSource,
  PromptPurpose,
  ReviewDecision,
  ReviewReason,
  RewriteTally,
  SampleOrigin,
} from '../../db/schema.ts';
import type { CompletionWhy, FeedbackWhy, StoredOrigin } from './production-types.ts';
import type { DebateWhy } from './debate.ts';
import type { SandboxWhy } from './sandboxed.ts';
import type { TreeNode } from './tree.ts';
import type { VariantMade, VariantOrigin } from './variant.ts';
import type { PromptSource } from '../../tasks/documents/source.ts';
import type { ChatMessage } from '../../tasks/task.ts';

export type CheckpointName = {
  id: number;
  run: string;
  /** The iteration that trained it; 0: where the run started. */
  iteration: number;
  kind: CheckpointKind;
  model: string;
  fingerprint: string | null;
};

/** A run as far as it tells how something came about. */
export type RunOrigin = {
  id: string;
  task: string;
  status: RunStatus;
  experiment: string;
  /** Version of the code that started it, and of the code that answers now. */
  codeVersion: string;
  codeNow: string;
  /** SHA-256 of the stored settings. */
  settingsDigest: string;
  startedAt: string;
};

type Decision = { kind: DecisionKind; reason: string; numbers: DecisionNumbers };

type ChainLink = CheckpointName & {
  decision: DecisionKind | null;
  job: string | null;
  /** Size of its training set; null where nothing was trained. */
  examples: number | null;
  datasetDigest: string | null;
};

export type Training = {
  /** The checkpoint that the job made: another one than asked for where a run took over an earlier run's adapter. */
  checkpoint: number;
  run: RunOrigin;
  job: string;
  status: string;
  parentModel: string;
  parameters: Record<string, unknown>;
  seed: number | null;
  trainedTokens: number | null;
  seconds: number | null;
  dataset: {
    id: number;
    digest: string;
    examples: number;
    bytes: number;
    /** Was the digest computed anew from the rows, and is it the stored one? `large`: only with --verify; `skipped`: not asked for. */
    check: 'verified' | 'differs' | 'large' | 'skipped';
    /** Examples that were revoked after it was built. */
    revoked: number[];
  };
};

type Verdict = {
  gate: string;
  outcome: Outcome;
  score: number | null;
  threshold: number | null;
  reason: string;
  advisory: boolean;
};

type CritiqueWhy = {
  critic: string;
  outcome: CritiqueOutcome;
  score: number | null;
  reason: string;
  model: string;
  fingerprint: string | null;
  /** Digest of the critic's request with empty places for problem and work; null for a critic that is no longer known. */
  promptVersion: string | null;
  cached: boolean;
};

/** What a person decided about a sample of the prompt, this one or another. */
export type ReviewWhy = {
  /** Number of the review item. */
  item: number;
  sample: number;
  /** Why it was put to reviewers, and whether it was drawn for the estimate of precision. */
  askedFor: ReviewReason;
  audit: boolean;
  decision: ReviewDecision;
  /** Decided unseen, with all that were left. */
  unseen: boolean;
  answer: string | null;
  correctedAnswer: string | null;
  reviewer: string | null;
  note: string | null;
  /** The correction from production that it carries out. */
  feedback: number | null;
  at: string | null;
};

/** How the model was asked, rendered anew from the task as it is stored with the run. */
export type Asked = {
  /** Digest of the messages with an empty place for the problem. */
  promptVersion: string;
  messages: ChatMessage[];
  temperature: number;
  topP: number;
  maxTokens: number;
  /**
   * Does all of this give the digest that was stored with the draw? `unknown`: none was stored, since other weights
   * than the checkpoint's answered or the answer was refused.
   */
  draw: 'matches' | 'differs' | 'unknown';
};

export type SampleWhy = {
  prompt: {
    id: number;
    key: string;
    text: string;
    level: number | null;
    purpose: PromptPurpose;
    run: string;
    iteration: number;
    /** Null: the task's own source gave it. */
    stored: StoredOrigin | null;
    /** The passage of a document that it was written about; null where none is known. */
    source: PromptSource | null;
    /** What it is an easier variant of; left out where it is none. */
    variant?: VariantOrigin;
  };
  vote: {
    answer: string | null;
    votes: number;
    runnerUpVotes: number;
    samples: number;
    agreement: number;
    margin: number;
    trusted: boolean;
    /** What its samples answered, as each wrote it; null: nothing could be read. Most frequent first, with the ids of the samples. */
    answers: { answer: string | null; samples: number[] }[];
    unreadable: number;
    /** Samples that repeat another and did not vote. */
    copies: number;
    /** By rewrite: how many samples, and how many of them voted for the answer. */
    tallies: RewriteTally[];
    /** Agreement among samples of one rewrite and across rewrites; null where there are no pairs. */
    within: number | null;
    across: number | null;
    sharedMistake: boolean;
    /** What the calibration asked of a vote at this level; null: the iteration has none. */
    required: {
      votes: number | null;
      lead: number | null;
      asked: number;
      precision: number | null;
      reason: string;
    } | null;
  } | null;
  sample: {
    id: number;
    /** What kind of bad sample it is, where it was planted; null: a model wrote it. */
    planted: PlantedKind | null;
    /** The sample in whose place it stands, or, where an adversary found it, of which it was made. */
    host: number | null;
    origin: SampleOrigin;
    /** Who wrote it, where the task told of it. */
    writtenBy: string | null;
    /** 0: not drawn from the model. */
    round: number;
    index: number;
    rewrite: string;
    /** What wrote the rewrite, where it is a paraphrase. */
    paraphrasedBy: { model: string; fingerprint: string | null; promptVersion: string } | null;
    strategy: string;
    rationale: string;
    answer: string | null;
    finishReason: string;
    completionTokens: number;
    seed: number;
    /** Taken from an equal draw of this run or an earlier one. */
    cached: boolean;
    at: string;
  };
  generator: CheckpointName & { answeredAs: string; answeredBy: string | null; drawnIn: string };
  /** A text instead: why it can't be rendered any more. */
  asked: Asked | string;
  /** The parts of its prompt, where it was put together of them. */
  tree?: TreeNode[];
  /** What the sandbox found of it, where the task has its samples run there. */
  sandbox?: SandboxWhy;
  /** The memory entries that stood before the question, in their order. */
  memory?: Pick<MemoryEntry, 'id' | 'kind' | 'request' | 'text'>[];
  /** The debate about its prompt, whose vote counts. */
  debate?: DebateWhy;
  /** What judged it; the decisions of people are those about any sample of the prompt, since each may keep the others out. */
  judged: { verdicts: Verdict[]; critiques: CritiqueWhy[]; reviews: ReviewWhy[] };
  example: {
    id: number;
    kind: ExampleKind;
    answer: string;
    /** A reviewer's own words, which train in place of the sample's; null: the sample's do. */
    rationale: string | null;
    /** From where it came and who vouches for it, where that was outside the run. */
    given: { by: string; source: OutsideSource; origin: string; note: string | null } | null;
    /** Other examples made of the same sample. */
    others: number[];
    revoked: { reason: string; by: string; at: string } | null;
  } | null;
};

/** A checkpoint that something led to. */
export type Reached = CheckpointName & {
  /** Trained on it; trained from such a checkpoint; or without its weights, on what such a checkpoint wrote. */
  how: 'trained on it' | 'descends' | 'taught by it';
  promoted: boolean;
  /** The best of its run as things stand. */
  best: boolean;
};

export type Membership = {
  dataset: number;
  run: string;
  iteration: number;
  example: number;
  position: number;
  replayed: boolean;
  job: string | null;
  jobStatus: string | null;
  checkpoint: number | null;
  decided: boolean;
};

export type CheckpointWhy = {
  what: 'checkpoint';
  checkpoint: CheckpointName & {
    path: string | null;
    at: string;
    best: boolean;
    promoted: boolean;
  };
  run: RunOrigin;
  /** Itself first, the base last, across runs. */
  chain: ChainLink[];
  training: Training | null;
  decision: Decision | null;
  scores: { benchmark: string; correct: number | null; total: number; unparsable: number | null }[];
  /** Changes of course in force when it was trained, and messages obeyed until then. */
  course: {
    kind: AdjustmentKind;
    cause: string;
    reason: string;
    fromIteration: number;
    overrides: Record<string, unknown>;
    checkpoint: number | null;
    at: string;
  }[];
  messages: { name: string; by: string; answer: string; iteration: number; at: string }[];
  counts: ExampleCount[];
  descendants: Reached[];
  examples: {
    total: number;
    from: number;
    /** Position to go on from; null at the end. */
    next: number | null;
    items: (SampleWhy & { position: number; replayed: boolean })[];
  };
};

export type PieceWhy = {
  what: 'example' | 'sample';
  run: RunOrigin;
  piece: SampleWhy;
  datasets: Membership[];
  reached: Reached[];
};

export type PromptWhy = {
  what: 'prompt';
  run: RunOrigin;
  prompt: SampleWhy['prompt'];
  /** Easier variants that were made of it; left out where none were. */
  variants?: VariantMade[];
  /** The model's samples of it in all; `samples` are the first of them. */
  total: number;
  samples: SampleWhy[];
  /** What people gave as its answer, from outside the run. */
  given: SampleWhy[];
};

export type Why = CheckpointWhy | PieceWhy | PromptWhy | FeedbackWhy | CompletionWhy;
