import type { Gate } from './gate.ts';

/**
 * Is the rationale more than a copy of one that was accepted already, in this iteration or before? The score is the
 * estimated Jaccard likeness of its word shingles to the nearest one (MinHash, Broder 1997). Near-copies add nothing
 * and make the model converge to one template.
 */
export const novelty: Gate = ({ novelty: found }, { settings }) => {
  const { maxSimilarity } = settings.novelty;
  const base = { gate: 'novelty', threshold: maxSimilarity };
  if (!found) {
    return { ...base, outcome: 'unscored', reason: 'not compared: it could not become an example' };
  }
  const { similarity, compared } = found;
  const novel = similarity <= maxSimilarity;
  return {
    ...base,
    outcome: novel ? 'pass' : 'fail',
    score: similarity,
    reason:
      compared === 0
        ? `similarity 0.00 ≤ ${maxSimilarity.toFixed(2)} (nothing was accepted before)`
        : `similarity ${similarity.toFixed(2)} ${novel ? '≤' : '>'} ${maxSimilarity.toFixed(2)} ` +
          `(nearest of ${compared} accepted)`,
  };
};
