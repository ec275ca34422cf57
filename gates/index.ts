/**
 * The gate ensemble: every gate looks at every sample, and a sample becomes an example only when all required gates pass.
 * `unscored` is no pass. The list below is the one place that knows all gates: their settings in a run's input, the policy and
 * the table in docs/gates.md are read off it.
 */
import { z } from 'zod';
import { agreement } from './agreement.ts';
import { coherence } from './coherence.ts';
import { critique } from './critique.ts';
import { distribution } from './distribution.ts';
import { format } from './format.ts';
import {
  WEIGHTS,
  type Gate,
  type GateContext,
  type JudgedSample,
  type Verdict,
  type Weight,
} from './gate.ts';
import { human } from './human.ts';
import { length } from './length.ts';
import { novelty } from './novelty.ts';
import { repetition } from './repetition.ts';
import { reward } from './reward.ts';
import { verification } from './verification.ts';

/** All gates in the order in which their verdicts are shown. */
const gates = [
  agreement,
  format,
  coherence,
  length,
  critique,
  verification,
  novelty,
  distribution,
  repetition,
  reward,
  human,
] as const;

type Member = (typeof gates)[number];
export type GateName = Member['name'];
export const GATES: readonly (Gate & { name: GateName })[] = gates as readonly unknown[] as typeof GATES;

export const gateNamed = (name: string) => GATES.find((one) => one.name === name);

/** The setting that says what a gate's verdict counts for. */
export const weightSetting = ({ name, hasMode }: Gate) =>
  hasMode ? `gates.${name}.mode` : `gates.policy.${name}`;

type Weighed = Exclude<Member, { hasMode: true }>;

const weightSchema = z.enum(WEIGHTS);
const autoSchema = z.enum(['auto', ...WEIGHTS]);
const unscoredSchema = z.enum(['fail', 'ignore']).default('fail');

const policyFields = Object.fromEntries(
  GATES.filter(({ hasMode }) => !hasMode).map(({ name, weight, auto }) => [
    name,
    weight === 'auto'
      ? autoSchema.default('auto').describe(`\`auto\`: ${auto!.says}`)
      : weightSchema.default(weight),
  ]),
) as {
  [M in Weighed as M['name']]: z.ZodDefault<
    M extends { weight: 'auto' } ? typeof autoSchema : typeof weightSchema
  >;
};

const settingsFields = Object.fromEntries(
  GATES.filter(({ settings }) => Object.keys(settings)[0] !== undefined).map(({ name, settings }) => [
    name,
    z.strictObject(settings).prefault({}),
  ]),
) as {
  [M in Member as keyof M['settings'] extends never ? never : M['name']]: z.ZodPrefault<
    z.ZodObject<M['settings'], z.core.$strict>
  >;
};

/** What the gates ask for and what each counts for: the part `gates` of the input of `improve`. */
export const gatesSchema = z.strictObject({
  policy: z
    .strictObject(policyFields)
    .prefault({})
    .describe("what each gate's verdict counts for; the critique's is gates.critique.mode"),
  unscored: z
    .strictObject(
      Object.fromEntries(GATES.map(({ name }) => [name, unscoredSchema])) as Record<
        GateName,
        typeof unscoredSchema
      >,
    )
    .prefault({})
    .describe('what it means that a required gate has no verdict: not accepted, or as if it only advised'),
  ...settingsFields,
});

export type GateSettings = z.output<typeof gatesSchema>;

/** What each gate's verdict counts for. */
export type GatePolicy = Record<GateName, Weight>;

const policyWhere = (weightOf: (gate: (typeof GATES)[number]) => Weight) =>
  Object.fromEntries(GATES.map((one) => [one.name, weightOf(one)])) as GatePolicy;

/** The weights that the settings ask for, for a task that can verify or not. */
export function policyOf(settings: GateSettings, verifies: boolean): GatePolicy {
  const modes = settings as unknown as Record<string, { mode: Weight | 'auto' }>;
  const weights = settings.policy as Record<string, Weight | 'auto'>;
  return policyWhere(({ name, hasMode, auto }) => {
    const asked = hasMode ? modes[name]!.mode : weights[name]!;
    return asked === 'auto' ? auto!.weight({ verifies }) : asked;
  });
}

/**
 * The contrast arm without gates: every sample that gave the majority's answer trains, however small the
 * majority. The gates that cost no model call still measure, so that the report can show what they would have said.
 */
export function ungated(settings: GateSettings): { settings: GateSettings; policy: GatePolicy } {
  return {
    settings: { ...settings, agreement: { ...settings.agreement, min: 0, max: 1, minMargin: 0 } },
    policy: policyWhere(({ name, costs }) =>
      name === agreement.name ? 'required' : costs ? 'off' : 'advisory',
    ),
  };
}

/** All that a sample is judged by. */
export type JudgingContext = GateContext & { settings: GateSettings };

/**
 * One verdict per gate that is not off, in the order of `GATES`. A gate can make itself advisory. A required gate
 * without a verdict stops the sample, unless `unscored` is to be ignored there: then the reason says so.
 *
 * @param policy overrides what the settings ask for
 */
export function judge(
  sample: JudgedSample,
  context: JudgingContext,
  policy: Partial<GatePolicy> = {},
): Verdict[] {
  const { settings, verifies } = context;
  const weights = { ...policyOf(settings, verifies), ...policy };
  return GATES.flatMap((one) => {
    const { name } = one;
    const weight = weights[name];
    if (weight === 'off') return [];
    const verdict = { gate: name, ...one.judge(sample, context, settingsFor(one, settings)) };
    const advisory = verdict.advisory === true || weight === 'advisory';
    if (!advisory && verdict.outcome === 'unscored' && settings.unscored[name] === 'ignore') {
      const reason = `${verdict.reason}; ignored, as gates.unscored.${name} says`;
      return [{ ...verdict, reason, advisory: true }];
    }
    return [{ ...verdict, advisory }];
  });
}

/** What a run asks of one gate. */
export const settingsFor = ({ name }: Gate, settings: GateSettings) =>
  (settings as unknown as Record<string, Record<string, unknown>>)[name] ?? {};

/** The table of docs/gates.md. */
export function gatesMarkdown(): string {
  const defaults = gatesSchema.parse({});
  const rows = GATES.map((one) => {
    const { name, asks, threshold, weight, auto, unscoredWhen } = one;
    const own = settingsFor(one, defaults);
    const counts = weight === 'auto' ? auto!.says : weight;
    return `| \`${name}\` | ${asks} | ${threshold(own)} | ${counts} | ${unscoredWhen(own)} |`;
  });
  const head =
    '| gate | asks | threshold (default) | counts by default | unscored when |\n|---|---|---|---|---|';
  return [head, ...rows].join('\n');
}

/** Every required verdict is a pass, and there is at least one: fails closed. */
export function accepted(verdicts: readonly Verdict[]): boolean {
  const required = verdicts.filter((verdict) => !verdict.advisory);
  return required.length > 0 && required.every((verdict) => verdict.outcome === 'pass');
}
