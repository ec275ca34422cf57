/**
 * A gate checks one sample and says pass, fail or unscored. `unscored` is a third outcome: it is never a pass and never counts as
 * evidence. A gate is one value: its name, its settings with their defaults, what it counts for, what it is documented by and how
 * it judges. Gates are pure: all they may look at is in their arguments.
 */
import { z } from 'zod';

export type Outcome = 'pass' | 'fail' | 'unscored';

export type CritiqueOutcome = 'holds' | 'fails' | 'unscored';

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

/**
 * Bad work that is planted to see whether the gates reject it: a wrong answer that a whole vote seems to back, a right answer
 * with broken steps, nonsense at length, the same words for every problem, text that is addressed to the critic, and work on
 * something else.
 */
export const PROBE_KINDS = [
  'wrong-answer',
  'broken-steps',
  'verbose',
  'template',
  'injection',
  'off-task',
] as const;
export type ProbeKind = (typeof PROBE_KINDS)[number];

/** Besides what is made to be planted: work that was found to fool the critics. No gate is made to catch it. */
export const ADVERSARIAL = 'adversarial';
export const PLANTED_KINDS = [...PROBE_KINDS, ADVERSARIAL] as const;
export type PlantedKind = (typeof PLANTED_KINDS)[number];

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
  outcome: CritiqueOutcome;
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
  /** Most tokens that a sample was allowed. */
  maxTokens: number;
  /** Features of the rationales accepted in earlier iterations of the run. */
  accepted: { examples: number; features: readonly FeatureSpread[] };
};

export const WEIGHTS = ['required', 'advisory', 'off'] as const;
export type Weight = (typeof WEIGHTS)[number];

type Fields = Readonly<Record<string, z.ZodType>>;
type SettingsOf<F extends Fields> = { [Name in keyof F]: z.output<F[Name]> };

export type Gate<Name extends string = string, F extends Fields = Fields> = {
  /** Also the name of its settings: `gates.NAME.FIELD`. */
  name: Name;
  /** The question that it answers, for docs/gates.md. */
  asks: string;
  /** Where it draws the line, with the defaults: for docs/gates.md. */
  threshold(defaults: SettingsOf<F>): string;
  unscoredWhen(defaults: SettingsOf<F>): string;
  /** Fields of `gates.NAME`; none: the gate has no settings. */
  settings: F;
  /** What its verdict counts for where nobody says anything else: the default of `gates.policy.NAME`. */
  weight: Weight | 'auto';
  /** What `auto` comes to, as the documentation says it and as it is. */
  auto?: { says: string; weight(where: { verifies: boolean }): Weight };
  /** Its weight is the setting `gates.NAME.mode`, not `gates.policy.NAME`. */
  hasMode?: true;
  /** It asks a model or a person, or runs the task's code: the arm without gates does without. */
  costs?: true;
  /** People answer after the gates have judged: that nobody has yet is no fault. */
  decidedLater?: true;
  /** The kinds of planted work that it looks at what they are bad at. That a work is in form says nothing of its being right. */
  catches?: readonly ProbeKind[];
  /** What a user can add to have those kinds caught. */
  remedy?: string;
  judge(sample: JudgedSample, context: GateContext, settings: SettingsOf<F>): Omit<Verdict, 'gate'>;
};

/** Describes a gate. `judge` may make a verdict advisory, whatever the policy says. */
export const gate = <
  const Name extends string,
  F extends Fields,
  W extends Weight | 'auto',
  M extends true | undefined = undefined,
>(
  definition: Gate<Name, F> & { weight: W; hasMode?: M },
) => definition as Gate<Name, F> & { weight: W; hasMode: M };

/** A number from 0 to 1. */
export const share = z.number().min(0).max(1);
