/**
 * A gate checks one sample and says pass, fail or unscored. `unscored` is a third outcome: it is never a
 * pass and never counts as evidence. Gates are pure: all they may look at is in their arguments.
 */
export type Outcome = 'pass' | 'fail' | 'unscored';

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
  critique: { outcome: 'holds' | 'fails' | 'unscored'; score?: number; reason: string } | undefined;
};

export type GateContext = {
  vote: VoteSummary;
  /** Completion tokens of all samples of the iteration: median and median absolute deviation. */
  length: { medianTokens: number; madTokens: number; samples: number };
  critic: { betterThanChance: boolean; reason: string } | undefined;
  settings: GateSettings;
};

export type GateSettings = {
  agreement: { min: number; minMargin: number };
  length: { maxDeviations: number; maxTokens: number };
  critique: { min: number; mode: 'required' | 'advisory' | 'off' };
};

export type Gate = (sample: JudgedSample, context: GateContext) => Verdict;
