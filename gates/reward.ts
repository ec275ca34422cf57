import type { Gate } from './gate.ts';

/** Does the reward model (the endpoint of the role `judge`) give enough? Its score is 0…1. */
export const reward: Gate = ({ reward: found }, { settings }) => {
  const { min } = settings.reward;
  const base = { gate: 'reward', threshold: min };
  if (!found) {
    const reason = 'not asked: the reward model sees only samples that could become examples';
    return { ...base, outcome: 'unscored', reason };
  }
  const { score, reason } = found;
  if (score === undefined || Number.isNaN(score)) {
    return { ...base, outcome: 'unscored', reason: `the reward model gave no score: ${reason}` };
  }
  return score >= min
    ? { ...base, outcome: 'pass', score, reason: `reward ${score.toFixed(2)} ≥ ${min.toFixed(2)}: ${reason}` }
    : {
        ...base,
        outcome: 'fail',
        score,
        reason: `reward ${score.toFixed(2)} < ${min.toFixed(2)}: ${reason}`,
      };
};
