/**
 * The gate ensemble: every gate looks at every sample, and a sample becomes an example only when all required
 * gates pass. `unscored` is no pass.
 */
import { agreement } from './agreement.ts';
import { coherence } from './coherence.ts';
import { critique } from './critique.ts';
import { distribution } from './distribution.ts';
import { format } from './format.ts';
import {
  GATE_NAMES,
  type Gate,
  type GateContext,
  type GateName,
  type GateSettings,
  type JudgedSample,
  type Verdict,
  type Weight,
} from './gate.ts';
import { human } from './human.ts';
import { length } from './length.ts';
import { novelty } from './novelty.ts';
import { reward } from './reward.ts';
import { verification } from './verification.ts';

export { GATE_NAMES, type GateName } from './gate.ts';

const gates: Record<GateName, Gate> = {
  agreement,
  format,
  coherence,
  length,
  critique,
  verification,
  novelty,
  distribution,
  reward,
  human,
};

/** All gates in the order in which their verdicts are shown. */
export const GATES: readonly { name: GateName; gate: Gate }[] = GATE_NAMES.map((name) => {
  return { name, gate: gates[name] };
});

/** What each gate's verdict counts for. */
export type GatePolicy = Partial<Record<GateName, Weight>>;

/** The weights that the settings ask for, for a task that can verify or not. */
export function policyOf(settings: GateSettings, verifies: boolean): Record<GateName, Weight> {
  const { verification: asked, ...others } = settings.policy;
  const automatic = verifies ? 'required' : 'off';
  return {
    ...others,
    verification: asked === 'auto' ? automatic : asked,
    critique: settings.critique.mode === 'auto' ? 'required' : settings.critique.mode,
  };
}

/**
 * The contrast arm without gates: every sample that gave the majority's answer trains, however small the
 * majority. The gates that cost no model call still measure, so that the report can show what they would have said.
 */
export function ungated(settings: GateSettings): { settings: GateSettings; policy: GatePolicy } {
  return {
    settings: { ...settings, agreement: { min: 0, max: 1, minMargin: 0 } },
    policy: {
      agreement: 'required',
      format: 'advisory',
      coherence: 'advisory',
      length: 'advisory',
      critique: 'off',
      verification: 'off',
      novelty: 'advisory',
      distribution: 'advisory',
      reward: 'off',
      human: 'off',
    },
  };
}

/**
 * One verdict per gate that is not off, in the order of `GATES`. A gate can make itself advisory. A required gate
 * without a verdict stops the sample, unless `unscored` is to be ignored there: then the reason says so.
 *
 * @param policy overrides what the settings ask for
 */
export function judge(sample: JudgedSample, context: GateContext, policy: GatePolicy = {}): Verdict[] {
  const { settings, verifies } = context;
  const weights = { ...policyOf(settings, verifies), ...policy };
  return GATES.flatMap(({ name, gate }) => {
    const weight = weights[name];
    if (weight === 'off') return [];
    const verdict = gate(sample, context);
    const advisory = verdict.advisory === true || weight === 'advisory';
    if (!advisory && verdict.outcome === 'unscored' && settings.unscored[name] === 'ignore') {
      const reason = `${verdict.reason}; ignored, as gates.unscored.${name} says`;
      return [{ ...verdict, reason, advisory: true }];
    }
    return [{ ...verdict, advisory }];
  });
}

/** Every required verdict is a pass, and there is at least one: fails closed. */
export function accepted(verdicts: readonly Verdict[]): boolean {
  const required = verdicts.filter((verdict) => !verdict.advisory);
  return required.length > 0 && required.every((verdict) => verdict.outcome === 'pass');
}
