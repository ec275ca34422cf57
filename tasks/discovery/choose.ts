/**
 * Which experiment comes next. The first ones are spread over all settings; from then on each is the one whose outcome is expected to
 * tell most, or one at random.
 */
import { random } from '../../loop/random.ts';
import type { Alive } from './evidence.ts';
import { predict, type Data } from './fit.ts';
import type { Settings } from './simulator.ts';

export const POLICIES = ['informative', 'random'] as const;
export type Policy = (typeof POLICIES)[number];

/** What is known of a measurement's standard deviation before it is made: a share of the value, and what does not depend on it. */
export type Noise = { relative: number; absolute: number };

export const sigmaAt = ({ relative, absolute }: Noise, value: number): number =>
  Math.hypot(relative * value, absolute) || Number.MIN_VALUE;

/** Experiments before any choice: two for each quantity and one more. */
export const opening = (quantities: number): number => 2 * quantities + 1;

/** Hypotheses that a choice looks at. */
const LOOKED_AT = 24;
/** A hypothesis this much less likely than the likeliest is still worth an experiment. */
const LEAST_SHARE = 1e-4;

/**
 * What each option is expected to tell, in nats: half the logarithm of how much the predictions vary over noise, as between hypotheses
 * and within each for what its parameters leave open. For normal noise that bounds the mutual information of outcome and law (Box &
 * Hill 1967, Technometrics 9:57, is its first term).
 */
export function expectedInformation(
  alive: readonly Alive[],
  data: Data,
  options: readonly Settings[],
  noise: Noise,
): Float64Array {
  const looked = alive.slice(0, LOOKED_AT).filter(({ weight }) => weight >= LEAST_SHARE * alive[0]!.weight);
  // Square roots of weights: the leader of the first few experiments often is wrong, and its rivals must be looked at.
  const total = looked.reduce((sum, { weight }) => sum + Math.sqrt(weight), 0);
  const typical = data.measured.reduce((sum, one) => sum + one ** 2, 0) / data.measured.length;
  const [mean, square, within] = [0, 1, 2].map(() => new Float64Array(options.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const { hypothesis, fit, weight } of looked) {
    const share = Math.sqrt(weight) / total;
    const { values, variances } = predict(hypothesis, fit, data, options);
    for (let i = 0; i < options.length; i++) {
      const value = Number.isFinite(values[i]!) ? values[i]! : 0;
      mean[i]! += share * value;
      square[i]! += share * value ** 2;
      // A parameter that nothing bounds yet says no more than that anything may come.
      within[i]! += share * Math.min(variances[i]!, typical);
    }
  }
  return mean.map(
    (m, i) => Math.log1p((Math.max(0, square[i]! - m ** 2) + within[i]!) / sigmaAt(noise, m) ** 2) / 2,
  );
}

/** The option that is farthest from all that were looked at (Kennard & Stone 1969, Technometrics 11:137); the first one by the seed. */
export function farthest(options: readonly Settings[], done: readonly Settings[], seed: string): number {
  const next = random(`opening ${seed}`);
  if (done.length === 0) return Math.floor(next() * options.length);
  const spans = options[0]!.map((_, j) => {
    const column = options.map((one) => one[j]!);
    return Math.max(...column) - Math.min(...column) || 1;
  });
  const distance = (a: Settings, b: Settings) =>
    a.reduce((sum, value, j) => sum + ((value - b[j]!) / spans[j]!) ** 2, 0);
  let best = { option: 0, distance: -1 };
  for (const [option, settings] of options.entries()) {
    const nearest = Math.min(...done.map((one) => distance(settings, one)));
    if (nearest > best.distance) best = { option, distance: nearest };
  }
  return best.option;
}

export function anyOption(options: readonly Settings[], seed: string, number: number): number {
  return Math.floor(random(`experiment ${number} ${seed}`)() * options.length);
}
