import { z } from 'zod';
import { gate, type FeatureSpread, type GateContext, type JudgedSample, type Verdict } from './gate.ts';

/**
 * Is the rationale of the kind that was accepted before? The distance is the largest robust z-score over a few
 * features of its surface: |value − median| / (1.4826 · MAD), the scale at which a MAD estimates a standard deviation
 * (Iglewicz and Hoaglin 1993). Chosen over likeness by shingles because a new problem shares few words with old ones
 * while its surface stays the same, because it needs no model, and because the reason can name what is odd.
 * Unscored until enough has been accepted to know what is usual.
 */
export const distribution = gate({
  name: 'distribution',
  asks: 'is it of the kind that was accepted before?',
  threshold: ({ maxDeviations }) =>
    `\`gates.distribution.maxDeviations\` (${maxDeviations} robust deviations)`,
  unscoredWhen: ({ minExamples }) => `fewer than \`minExamples\` (${minExamples}) were accepted`,
  weight: 'advisory',
  catches: ['verbose'],
  remedy: 'gates.policy.distribution: required',
  settings: {
    maxDeviations: z
      .number()
      .positive()
      .default(8)
      .describe('robust standard deviations from what was accepted before'),
    minExamples: z.int().min(2).max(1000).default(50).describe('fewer accepted before: unscored'),
  },
  judge: judgeDistance,
});

function judgeDistance(
  sample: Pick<JudgedSample, 'text'>,
  { accepted }: Pick<GateContext, 'accepted'>,
  { maxDeviations, minExamples }: { maxDeviations: number; minExamples: number },
): Omit<Verdict, 'gate'> {
  const base = { threshold: maxDeviations };
  if (accepted.examples < minExamples) {
    const reason = `${accepted.examples} accepted before < ${minExamples}: too few to know what is usual`;
    return { ...base, outcome: 'unscored', reason };
  }
  const own = new Map(Object.entries(featuresOf(sample.text)));
  const distances = accepted.features.map((usual) => {
    const value = own.get(usual.feature) ?? 0;
    return { ...usual, value, distance: Math.abs(value - usual.median) / usual.spread };
  });
  const farthest = distances.reduce((a, b) => (b.distance > a.distance ? b : a));
  const near = farthest.distance <= maxDeviations;
  return {
    ...base,
    outcome: near ? 'pass' : 'fail',
    score: farthest.distance,
    reason:
      `distance ${farthest.distance.toFixed(1)} ${near ? '≤' : '>'} ${maxDeviations} in ${farthest.feature} ` +
      `(${farthest.value.toFixed(2)}, usual ${farthest.median.toFixed(2)} ± ${farthest.spread.toFixed(2)}, ` +
      `${accepted.examples} accepted before)`,
  };
}

/** The least spread of each feature: where all are alike, a small difference is not odd. */
const LEAST_SPREAD = {
  'length (log characters)': 0.1,
  'lines (log)': 0.1,
  'share of digits': 0.02,
  'share of letters': 0.02,
  'share of distinct words': 0.05,
  'mean word length': 0.3,
};

export type Features = Record<keyof typeof LEAST_SPREAD, number>;

/** Longer texts are described by their beginning, all but their length. */
const MAX_LENGTH = 50_000;

export function featuresOf(text: string): Features {
  const part = text.slice(0, MAX_LENGTH);
  const words = part.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const share = (pattern: RegExp) => (part.match(pattern)?.length ?? 0) / Math.max(1, part.length);
  const letters = words.reduce((sum, word) => sum + word.length, 0);
  return {
    'length (log characters)': Math.log(1 + text.length),
    'lines (log)': Math.log(1 + (part.match(/\n/g)?.length ?? 0)),
    'share of digits': share(/\p{Nd}/gu),
    'share of letters': share(/\p{L}/gu),
    'share of distinct words': new Set(words).size / Math.max(1, words.length),
    'mean word length': letters / Math.max(1, words.length),
  };
}

/** What is usual among texts: of each feature the median and the robust spread. */
export function spreadOf(texts: readonly string[]): FeatureSpread[] {
  if (texts.length === 0) return [];
  const rows = texts.map(featuresOf);
  return (Object.keys(LEAST_SPREAD) as (keyof Features)[]).map((feature) => {
    const values = rows.map((row) => row[feature]);
    const middle = median(values);
    const deviation = median(values.map((value) => Math.abs(value - middle)));
    return { feature, median: middle, spread: Math.max(LEAST_SPREAD[feature], 1.4826 * deviation) };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)]! + sorted[Math.ceil(sorted.length / 2) - 1]!) / 2;
}
