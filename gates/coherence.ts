import type { Gate } from './gate.ts';

/**
 * Do the steps have the right shape, hang together and end in the sample's own answer? The task measures, the
 * gate decides. A sample without an answer has nothing to lead to.
 */
export const coherence: Gate = (sample) => {
  if (sample.answer === undefined) {
    return { gate: 'coherence', outcome: 'fail', reason: 'no answer could be read for the steps to lead to' };
  }
  const { ok, reason } = sample.coherence;
  return { gate: 'coherence', outcome: ok ? 'pass' : 'fail', reason };
};
