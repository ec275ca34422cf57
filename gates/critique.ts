import type { Gate, Outcome } from './gate.ts';

/**
 * Does the critic say that the work holds? The score is its P(the work holds), where it gives one. The verdict
 * only advises where the policy says so, and where the critic was not measured to be better than chance at
 * this level. A sample that was never put to the critic is unscored.
 */
export const critique: Gate = (sample, { critic, settings }) => {
  const { min, mode } = settings.critique;
  const doubt =
    mode === 'required' && !critic?.betterThanChance
      ? `; advises only: ${critic?.reason ?? 'no critic is configured'}`
      : '';
  const advisory = mode !== 'required' || doubt !== '';
  const verdict = (outcome: Outcome, reason: string, score?: number) => {
    return { gate: 'critique', outcome, score, threshold: min, reason: reason + doubt, advisory };
  };
  if (!sample.critique)
    return verdict('unscored', 'not asked: the critic sees only samples that could become examples');
  const { outcome, score, reason } = sample.critique;
  if (outcome === 'unscored') return verdict('unscored', `the critic gave no verdict: ${reason}`);
  if (outcome === 'fails') return verdict('fail', `the critic says that it fails: ${reason}`, score);
  if (score !== undefined && !(score >= min)) {
    return verdict('fail', `P(holds) ${score.toFixed(2)} < ${min.toFixed(2)}: ${reason}`, score);
  }
  return score === undefined
    ? verdict('pass', `the critic says that it holds: ${reason}`)
    : verdict('pass', `P(holds) ${score.toFixed(2)} ≥ ${min.toFixed(2)}: ${reason}`, score);
};
