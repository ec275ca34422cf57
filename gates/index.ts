/**
 * The gate ensemble: every gate looks at every sample, and a sample becomes an example only when all required
 * gates pass. `unscored` is no pass.
 */
import type { Gate, GateContext, GateSettings, JudgedSample, Verdict } from './gate.ts';
import { agreement } from './agreement.ts';
import { coherence } from './coherence.ts';
import { critique } from './critique.ts';
import { format } from './format.ts';
import { length } from './length.ts';

export const GATE_NAMES = ['agreement', 'format', 'coherence', 'length', 'critique'] as const;
export type GateName = (typeof GATE_NAMES)[number];

const gates: Record<GateName, Gate> = { agreement, format, coherence, length, critique };

/** All gates in the order in which their verdicts are shown. */
export const GATES: readonly { name: GateName; gate: Gate }[] = GATE_NAMES.map((name) => {
  return { name, gate: gates[name] };
});

/** What each gate's verdict counts for; a gate that is not named is required. */
export type GatePolicy = Partial<Record<GateName, 'required' | 'advisory' | 'off'>>;

/** The policy that the settings ask for: the critique's mode is the only one that they set. */
function policyOf(settings: GateSettings): GatePolicy {
  return { critique: settings.critique.mode };
}

/**
 * The contrast arm without gates: every sample that gave the majority's answer trains, however small the
 * majority. The other gates still measure, so that the report can show what they would have said.
 */
export function ungated(settings: GateSettings): { settings: GateSettings; policy: GatePolicy } {
  return {
    settings: { ...settings, agreement: { min: 0, minMargin: 0 } },
    policy: { format: 'advisory', coherence: 'advisory', length: 'advisory', critique: 'off' },
  };
}

/**
 * One verdict per gate that is not off, in the order of `GATES`. A gate can make itself advisory.
 *
 * @param policy overrides what the settings ask for
 */
export function judge(sample: JudgedSample, context: GateContext, policy: GatePolicy = {}): Verdict[] {
  const weights = { ...policyOf(context.settings), ...policy };
  return GATES.flatMap(({ name, gate }) => {
    const weight = weights[name] ?? 'required';
    if (weight === 'off') return [];
    const verdict = gate(sample, context);
    return [{ ...verdict, advisory: verdict.advisory === true || weight === 'advisory' }];
  });
}

/** Every required verdict is a pass, and there is at least one: fails closed. */
export function accepted(verdicts: readonly Verdict[]): boolean {
  const required = verdicts.filter((verdict) => !verdict.advisory);
  return required.length > 0 && required.every((verdict) => verdict.outcome === 'pass');
}
