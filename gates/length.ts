import { z } from 'zod';
import { gate, type GateContext, type JudgedSample, type Verdict } from './gate.ts';

/** Below this many samples a median says too little: then only the hard limit counts. */
export const ENOUGH_SAMPLES = 20;

/**
 * Is the rationale finished and about as long as those that were accepted before (in the first iteration: as the
 * others of the pool)? Length creeping up is how self-training rewards verbosity. The score is the length in
 * tokens, the threshold the longest allowed: the median plus `maxDeviations` median absolute deviations, each taken
 * as at least one token.
 */
export const length = gate({
  name: 'length',
  asks: 'is it about as long as what was accepted before (at first: as the pool)?',
  threshold: ({ maxDeviations }) => `\`gates.length.maxDeviations\` (${maxDeviations} MAD above the median)`,
  unscoredWhen: () => 'the endpoint counts no tokens',
  weight: 'required',
  settings: {
    maxDeviations: z.number().positive().default(8).describe('median absolute deviations above the median'),
  },
  judge: judgeLength,
});

function judgeLength(
  sample: JudgedSample,
  { length: population, maxTokens }: GateContext,
  { maxDeviations }: { maxDeviations: number },
): Omit<Verdict, 'gate'> {
  const tokens = sample.completionTokens;
  const usual = population.medianTokens + maxDeviations * Math.max(1, population.madTokens);
  const enough = population.samples >= ENOUGH_SAMPLES;
  const threshold = enough ? Math.min(usual, maxTokens) : maxTokens;
  const verdict = (outcome: 'pass' | 'fail', reason: string) => {
    return { outcome, score: tokens, threshold, reason };
  };
  if (sample.finishReason === 'length')
    return verdict('fail', `cut off after ${tokens} tokens (limit ${maxTokens})`);
  if (!(tokens > 0)) {
    const reason = `the number of tokens is unknown (limit ${round(threshold)})`;
    return { outcome: 'unscored', threshold, reason };
  }
  if (tokens > maxTokens) return verdict('fail', `${tokens} tokens > limit ${maxTokens}`);
  const whose = population.of === 'accepted' ? 'accepted before' : 'samples';
  if (!enough) {
    return verdict(
      'pass',
      `${tokens} tokens ≤ limit ${maxTokens} (${population.samples} ${whose} are too few for a median)`,
    );
  }
  const measured =
    `${round(threshold)} (median ${round(population.medianTokens)}, deviation ` +
    `${round(population.madTokens)}, ${population.samples} ${whose})`;
  return tokens > threshold
    ? verdict('fail', `${tokens} tokens > ${measured}`)
    : verdict('pass', `${tokens} tokens ≤ ${measured}`);
}

const round = (value: number): string => String(Math.round(value * 10) / 10);
