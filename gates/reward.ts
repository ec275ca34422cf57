import { gate, PROBE_KINDS, share } from './gate.ts';

/** Does the reward model (the endpoint of the role `judge`) give enough? Its score is 0…1. */
export const reward = gate({
  name: 'reward',
  asks: 'does a reward model give enough?',
  threshold: ({ min }) => `\`gates.reward.min\` (${min})`,
  unscoredWhen: () => 'it gives no score',
  weight: 'off',
  costs: true,
  catches: PROBE_KINDS,
  settings: { min: share.default(0.5).describe('least score of the reward model') },
  judge({ reward: found }, _, { min }) {
    if (!found) {
      const reason = 'not asked: the reward model sees only samples that could become examples';
      return { outcome: 'unscored', threshold: min, reason };
    }
    const { score } = found;
    if (score === undefined || Number.isNaN(score)) {
      const reason = `the reward model gave no score: ${found.reason}`;
      return { outcome: 'unscored', threshold: min, reason };
    }
    const enough = score >= min;
    const reason = `reward ${score.toFixed(2)} ${enough ? '≥' : '<'} ${min.toFixed(2)}: ${found.reason}`;
    return { outcome: enough ? 'pass' : 'fail', score, threshold: min, reason };
  },
});
