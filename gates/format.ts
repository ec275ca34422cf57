import { gate } from './gate.ts';

/** Is the rationale in the form that the task demands? The task measures, the gate decides. */
export const format = gate({
  name: 'format',
  asks: "is it in the task's form?",
  threshold: () => "the task's own check",
  unscoredWhen: () => 'never',
  weight: 'required',
  settings: {},
  judge: ({ format: { ok, reason } }) => ({ outcome: ok ? 'pass' : 'fail', reason }),
});
