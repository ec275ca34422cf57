/**
 * Whether a candidate becomes the best checkpoint. It must be better on `target` by the exact one-sided
 * McNemar test, by at least the configured gain, and no guard may fall by more than its margin. Whatever is
 * not measured counts against the candidate: what could not be measured of the best is left out of the pairs, what
 * could not be measured of the candidate alone is wrong there (left out, it would hide what the candidate broke).
 *
 * The margin is held against the measured fall. How far a guard may really have fallen is told beside it, as
 * an upper bound with 95 % confidence: with few guard items a held margin proves little.
 */
import { fallAtMost } from './interval.ts';
import { mcnemar } from './mcnemar.ts';

type Score = { correct: number; total: number };

/** Best and candidate on the same items. */
export type PairedScore = {
  best: Score;
  candidate: Score;
  /** Items that only the candidate answers right. */
  fixed: number;
  /** Items that only the best answers right. */
  broken: number;
  /** Items that could not be measured of one of them (the endpoint refused); default 0. */
  missing?: number;
  /** Items of the benchmark; default: the pairs. */
  asked?: number;
};

export type GuardScore = PairedScore & { name: string };

/** A look at the target set and the level that is left for it (`alpha-spending.ts`). */
export type LookLevel = { number: number; level: number };

type PromotionSettings = {
  /** Level of the test; with looks, of all of a run's tests together. */
  alpha: number;
  /** Least gain in target accuracy, as a share. */
  minGain: number;
  /** Most a guard's accuracy may fall, as a share. */
  guardMargin: number;
  /** Largest share of items that may be missing for a comparison to count; default 0.05. */
  maxMissing?: number;
};

export const MAX_MISSING = 0.05;

export type PromotionInput = {
  settings: PromotionSettings;
  /** Undefined: the candidate has no score, because of `fault` or because there is no target benchmark. */
  target: PairedScore | undefined;
  guards: readonly GuardScore[];
  /** Undefined: the test is at `settings.alpha`, however often the items were looked at. */
  look?: LookLevel;
  /** In which form the best answered, where not as the candidate did: `with its worked examples`. */
  bestForm?: string;
  /** Why the candidate could not be trained, served or measured. It is discarded then, whatever its scores. */
  fault?: string;
};

type GuardResult = {
  name: string;
  best: Score;
  candidate: Score;
  /** Fall in accuracy as a share; negative: it rose. */
  fall: number;
  /** Upper bound of the fall with 95 % confidence, as a share. */
  fallAtMost: number;
  margin: number;
  held: boolean;
};

export type PromotionDecision = {
  decision: 'promote' | 'discard';
  /** One plain sentence with the numbers that decided. */
  reason: string;
  /** 1 where nothing was measured. */
  pValue: number;
  /** Gain in target accuracy as a share; 0 where nothing was measured. */
  gain: number;
  guards: GuardResult[];
};

/** Shares come from divisions: a fall of exactly the margin must not fail by the last bit. */
const TOLERANCE = 1e-9;

/**
 * @throws RangeError for scores that can't be of the same items: totals that differ, counts that don't add up
 */
export function decidePromotion(input: PromotionInput): PromotionDecision {
  const { settings, target, guards, look, bestForm, fault } = input;
  const measured = guards.map((guard) => measureGuard(guard, settings.guardMargin));
  if (target) check('target', target);
  const pValue = target ? mcnemar(target.fixed, target.broken) : 1;
  const gain = target && target.best.total > 0 ? (target.fixed - target.broken) / target.best.total : 0;
  const decide = (decision: 'promote' | 'discard', reason: string): PromotionDecision => {
    return { decision, reason, pValue, gain, guards: measured };
  };
  if (fault !== undefined) return decide('discard', `the candidate counts as a loss: ${fault}`);
  const unproven = tooManyMissing(
    [...(target ? [{ name: 'target', ...target }] : []), ...guards],
    settings.maxMissing ?? MAX_MISSING,
  );
  if (unproven !== undefined) return decide('discard', unproven);
  if (!target || target.best.total === 0) {
    return decide('discard', 'there is no target benchmark to prove an improvement on');
  }
  const scores =
    `target ${percent(target.best)}${bestForm ? ` (${bestForm})` : ''} → ${percent(target.candidate)} of ${target.best.total} ` +
    `(${target.fixed} fixed, ${target.broken} broken`;
  const p = `exact one-sided McNemar p = ${formatP(pValue)}`;
  const level = look?.level ?? settings.alpha;
  const atLook = look ? ` at look ${look.number}` : '';
  if (pValue >= level) {
    return decide('discard', `not proven better: ${scores}; ${p}, needs < ${formatP(level)}${atLook})`);
  }
  if (gain < settings.minGain - TOLERANCE) {
    const needs = `gain ${points(gain)}, needs at least ${points(settings.minGain)}`;
    return decide('discard', `better by too little: ${scores}; ${p}; ${needs})`);
  }
  const fallen = measured.filter((guard) => !guard.held);
  if (fallen.length > 0) {
    const falls = fallen.map(
      ({ name, best, candidate, fall, margin }) =>
        `guard ${name} fell ${percent(best)} → ${percent(candidate)} (${points(fall)} > ${points(margin)})`,
    );
    return decide('discard', `${falls.join(', ')}, although ${scores}; ${p})`);
  }
  const held = measured.length > 0 ? `, no guard fell by more than ${points(settings.guardMargin)}` : '';
  return decide('promote', `better: ${scores}; ${p} < ${formatP(level)}${atLook})${held}`);
}

/** Is more missing of what was asked than the share `most` lets pass? As much as that may be missing. */
export const missesTooMany = (missing: number, asked: number, most: number): boolean =>
  missing > most * asked + TOLERANCE;

/** Which comparison rests on too few pairs, or undefined. Faults of an endpoint seldom strike at random. */
function tooManyMissing(
  scores: readonly (PairedScore & { name: string })[],
  most: number,
): string | undefined {
  const found = scores.find(({ missing = 0, asked = 0 }) => missesTooMany(missing, asked, most));
  return (
    found &&
    `not proven better: ${found.missing} of ${found.asked} problems of ${found.name} could not be measured of both ` +
      `(the endpoint refused them), and promotion.maxMissing (${most}) lets ${Math.floor(most * found.asked! + TOLERANCE)} pass`
  );
}

/**
 * Pairs answers to the same items in the same order; null or undefined: not measured. Where the best was not measured
 * there is no pair; a candidate without an answer is wrong.
 *
 * @throws RangeError when the lengths differ
 */
export function pair(
  best: readonly (boolean | null)[],
  candidate: readonly (boolean | null | undefined)[],
): PairedScore {
  if (best.length !== candidate.length) {
    throw new RangeError(`${best.length} items for the best, ${candidate.length} for the candidate`);
  }
  const score = {
    best: { correct: 0, total: 0 },
    candidate: { correct: 0, total: 0 },
    fixed: 0,
    broken: 0,
    missing: 0,
    asked: best.length,
  } satisfies PairedScore;
  best.forEach((bestRight, i) => {
    if (bestRight === null || (candidate[i] ?? null) === null) score.missing++;
    if (bestRight === null) return;
    score.best.total++;
    score.candidate.total++;
    const candidateRight = candidate[i] === true;
    if (bestRight) score.best.correct++;
    if (candidateRight) score.candidate.correct++;
    if (candidateRight && !bestRight) score.fixed++;
    if (bestRight && !candidateRight) score.broken++;
  });
  return score;
}

function measureGuard({ name, ...paired }: GuardScore, margin: number): GuardResult {
  check(`guard ${name}`, paired);
  const { best, candidate, fixed, broken } = paired;
  const fall = best.total > 0 ? (best.correct - candidate.correct) / best.total : 0;
  const bound = fallAtMost(fixed, broken, best.total);
  return { name, best, candidate, fall, fallAtMost: bound, margin, held: fall <= margin + TOLERANCE };
}

function check(name: string, { best, candidate, fixed, broken }: PairedScore): void {
  checkTotals(name, best, candidate);
  const consistent =
    candidate.correct - best.correct === fixed - broken &&
    broken <= best.correct &&
    fixed <= best.total - best.correct;
  if (!consistent) {
    throw new RangeError(
      `${name}: ${best.correct} → ${candidate.correct} of ${best.total} does not add up with ` +
        `${fixed} fixed and ${broken} broken`,
    );
  }
}

function checkTotals(name: string, best: Score, candidate: Score): void {
  if (best.total !== candidate.total) {
    throw new RangeError(`${name}: the best was asked ${best.total} items, the candidate ${candidate.total}`);
  }
  for (const { correct, total } of [best, candidate]) {
    if (!(Number.isSafeInteger(correct) && correct >= 0 && correct <= total)) {
      throw new RangeError(`${name}: ${correct} right of ${total} is no score`);
    }
  }
}

const percent = ({ correct, total }: Score): string =>
  `${((100 * correct) / Math.max(1, total)).toFixed(1)} %`;
const points = (share: number): string => `${(100 * share).toFixed(1)} points`;
const formatP = (p: number): string => (p < 0.001 ? p.toExponential(1) : String(Number(p.toPrecision(3))));
