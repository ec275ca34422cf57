import { gate } from './gate.ts';

/**
 * Does the task's own verification hold (`Task.verify`)? The one reward that is no model's opinion. The score is the
 * share of what was checked that holds; all of it must. What could not be checked is unscored.
 */
export const verification = gate({
  name: 'verification',
  asks: 'does what the task can verify hold?',
  threshold: () => 'all of it',
  unscoredWhen: () => 'there is nothing to verify',
  weight: 'auto',
  auto: {
    says: 'required where the task can verify',
    weight: ({ verifies }) => (verifies ? 'required' : 'off'),
  },
  costs: true,
  catches: ['wrong-answer', 'broken-steps'],
  remedy: 'a verification (verify in the task)',
  settings: {},
  judge({ verification: found }) {
    const threshold = 1;
    if (!found)
      return { outcome: 'unscored', threshold, reason: 'not verified: it could not become an example' };
    const { ok, reason } = found;
    if (ok === undefined) return { outcome: 'unscored', threshold, reason };
    return { outcome: ok ? 'pass' : 'fail', score: found.score ?? (ok ? 1 : 0), threshold, reason };
  },
});
