/**
 * A gate checks one sample and says pass, fail or unscored. `unscored` is a third outcome: it is never a
 * pass and never counts as evidence. Gates are pure: all they may look at is in their arguments.
 */
export type Outcome = 'pass' | 'fail' | 'unscored';

/** All gates in the order in which their verdicts are shown. */
export const GATE_NAMES = [
  'agreement',
  'format',
  'coherence',
  'length',
  'critique',
  'verification',
  'novelty',
  'distribution',
  'reward',
  'human',
] as const;
export type GateName = (typeof GATE_NAMES)[number];

export type Verdict = {
  gate: string;
  outcome: Outcome;
  score?: number;
  threshold?: number;
  /** Carries the measured value and the threshold: "agreement 0.38 < 0.50 (3 of 8 samples)". */
  reason: string;
  /** Advisory verdicts are recorded but do not decide. */
  advisory?: boolean;
};

/** The vote over a prompt's samples, as the gates see it. */
export type VoteSummary = {
  /** ŷ; undefined when no sample gave an answer or the first place is tied. */
  answer: string | undefined;
  /** Samples that gave ŷ, the runner-up's, and all samples asked for. */
  votes: number;
  runnerUpVotes: number;
  samples: number;
  /** Samples without a readable answer; they are a vote of their own. */
  unreadable?: number;
  /** Samples that are copies of others and so did not vote. */
  copies?: number;
  /** Agreement with ŷ within rewrites and across them, where it is that of a shared mistake. */
  sharedMistake?: { within: number; across: number };
  /** What the precision asked for needs at this level, as calibrated; undefined votes: none reaches it. */
  required?: { votes?: number; lead?: number; reason: string };
};

/** What one critic said of a sample. */
export type JudgedCritique = {
  critic: string;
  outcome: 'holds' | 'fails' | 'unscored';
  score?: number;
  reason: string;
};

/** One sample with all that was found out about it before the gates look at it. */
export type JudgedSample = {
  /** Text of the rationale, capped by generation. */
  text: string;
  /** Answer to the prompt itself (mapped back from the rewrite); undefined when unparsable. */
  answer: string | undefined;
  /** Does the sample's answer equal ŷ under the task's equality? */
  agrees: boolean;
  completionTokens: number;
  finishReason: string;
  level: number | undefined;
  format: { ok: boolean; reason: string };
  coherence: { ok: boolean; reason: string };
  critiques: readonly JudgedCritique[];
  /** The task's own verification; `ok` undefined: there was nothing that it could verify. */
  verification?: { ok: boolean | undefined; score?: number; reason: string };
  /** Likeness to the most similar of the accepted rationales that it was compared with, 0…1. */
  novelty?: { similarity: number; compared: number };
  /** What the reward model gave, 0…1; undefined score: no score could be read. */
  reward?: { score: number | undefined; reason: string };
  /** What a person decided. */
  human?: { decision: 'accept' | 'reject' | 'correct'; by: string; reason?: string };
};

/** Completion tokens of a population: its median and median absolute deviation. */
export type LengthPopulation = {
  medianTokens: number;
  madTokens: number;
  samples: number;
  /** Whose lengths: examples accepted before, or, where there are too few, all samples of the iteration. */
  of: 'accepted' | 'pool';
};

/** Median and spread of one feature of the rationales that were accepted before. */
export type FeatureSpread = { feature: string; median: number; spread: number };

export type GateContext = {
  vote: VoteSummary;
  length: LengthPopulation;
  /** The critics that were to be asked, and whether they were measured to be better than chance at this level. */
  critics: readonly { name: string; betterThanChance: boolean; reason: string }[];
  /** The task has a verification of its own. */
  verifies: boolean;
  /** Features of the rationales accepted in earlier iterations of the run. */
  accepted: { examples: number; features: readonly FeatureSpread[] };
  settings: GateSettings;
};

export type Weight = 'required' | 'advisory' | 'off';

export type GateSettings = {
  agreement: { min: number; max: number; minMargin: number };
  length: { maxDeviations: number; maxTokens: number };
  /** `auto` counts as required; whoever judges says where the critics only advise. */
  critique: { min: number; mode: Weight | 'auto'; decide: 'all' | 'majority' };
  novelty: { maxSimilarity: number };
  distribution: { maxDeviations: number; minExamples: number };
  reward: { min: number };
  /** `auto`: required where the task can verify, else off. The critique's weight is its `mode`. */
  policy: Record<Exclude<GateName, 'critique' | 'verification'>, Weight> & { verification: Weight | 'auto' };
  /** What `unscored` means at a required gate: not accepted, unless a gate is named here with `ignore`. */
  unscored: Partial<Record<GateName, 'fail' | 'ignore'>>;
};

export type Gate = (sample: JudgedSample, context: GateContext) => Verdict;
