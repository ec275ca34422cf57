import type { Gate } from './gate.ts';

/** Is the rationale in the form that the task demands? The task measures, the gate decides. */
export const format: Gate = ({ format: { ok, reason } }) => {
  return { gate: 'format', outcome: ok ? 'pass' : 'fail', reason };
};
