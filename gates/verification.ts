import type { Gate } from './gate.ts';

/**
 * Does the task's own verification hold (`Task.verify`)? The one reward that is no model's opinion. The score is the
 * share of what was checked that holds; all of it must. What could not be checked is unscored.
 */
export const verification: Gate = ({ verification: found }) => {
  const gate = 'verification';
  const threshold = 1;
  if (!found) {
    return { gate, outcome: 'unscored', threshold, reason: 'not verified: it could not become an example' };
  }
  const { ok, reason } = found;
  if (ok === undefined) return { gate, outcome: 'unscored', threshold, reason };
  const score = found.score ?? (ok ? 1 : 0);
  return { gate, outcome: ok ? 'pass' : 'fail', score, threshold, reason };
};
