import { gate } from './gate.ts';

/**
 * Do the steps have the right shape, hang together and end in the sample's own answer? The task measures, the
 * gate decides. A sample without an answer has nothing to lead to.
 */
export const coherence = gate({
  name: 'coherence',
  asks: 'do its steps lead to its answer?',
  threshold: () => "the task's own check",
  unscoredWhen: () => 'never',
  weight: 'required',
  settings: {},
  judge({ answer, coherence: { ok, reason } }) {
    if (answer === undefined)
      return { outcome: 'fail', reason: 'no answer could be read for the steps to lead to' };
    return { outcome: ok ? 'pass' : 'fail', reason };
  },
});
