import { gate, share } from './gate.ts';

/**
 * Is the rationale more than a copy of one that was accepted already, in this iteration or before? The score is the
 * estimated Jaccard likeness of its word shingles to the nearest one (MinHash, Broder 1997). Near-copies add nothing
 * and make the model converge to one template.
 */
export const novelty = gate({
  name: 'novelty',
  asks: 'is it more than a copy of an accepted one?',
  threshold: ({ maxSimilarity }) => `\`gates.novelty.maxSimilarity\` (${maxSimilarity}, MinHash)`,
  unscoredWhen: () => 'it could not become an example',
  weight: 'advisory',
  catches: ['template'],
  remedy: 'gates.policy.novelty: required',
  settings: {
    maxSimilarity: share.default(0.9).describe('most likeness to an accepted rationale (MinHash)'),
    templateCap: share
      .gt(0)
      .default(1)
      .describe("largest share of an iteration's examples with one template; 1: no cap"),
  },
  judge({ novelty: found }, _, { maxSimilarity: threshold }) {
    if (!found) {
      return { outcome: 'unscored', threshold, reason: 'not compared: it could not become an example' };
    }
    const { similarity: score, compared } = found;
    const novel = score <= threshold;
    const reason =
      compared === 0
        ? `similarity 0.00 ≤ ${threshold.toFixed(2)} (nothing was accepted before)`
        : `similarity ${score.toFixed(2)} ${novel ? '≤' : '>'} ${threshold.toFixed(2)} (nearest of ${compared} accepted)`;
    return { outcome: novel ? 'pass' : 'fail', score, threshold, reason };
  },
});
