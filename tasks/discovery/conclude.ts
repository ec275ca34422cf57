/** What a study comes to: claims with their errors and with what could have refuted them, and what would be worth doing next. */
import { chiSquareTail } from './chi-square.ts';
import { expectedInformation, sigmaAt, type Noise } from './choose.ts';
import type { Alive } from './evidence.ts';
import { parameterErrors, predict, type Data } from './fit.ts';
import type { Quantity } from './forms.ts';
import type { StudyClaim, StudyFollowUp } from './report-types.ts';
import { gridOf, type Settings } from './simulator.ts';

const CLAIMS = 8;
const LEAST_WEIGHT = 0.01;

/** @param survived by hypothesis, the numbers of the experiments that could have refuted it */
export function claimsOf(
  alive: readonly Alive[],
  data: Data,
  survived: ReadonlyMap<string, readonly number[]>,
): StudyClaim[] {
  return alive
    .slice(0, CLAIMS)
    .filter(({ weight }) => weight >= LEAST_WEIGHT)
    .map(({ hypothesis, fit, weight }) => {
      const freedom = data.measured.length - hypothesis.parameters;
      const errors = parameterErrors(hypothesis, fit, data);
      return {
        hypothesis: hypothesis.text,
        weight,
        parameters: fit.parameters.map((value, i) => ({ name: `k${i + 1}`, value, error: errors[i]! })),
        chiSquare: fit.chiSquare,
        freedom,
        p: freedom < 1 ? 1 : chiSquareTail(fit.chiSquare, freedom),
        survived: [...(survived.get(hypothesis.text) ?? [])],
      };
    });
}

/** Rivals that are told apart from the first claim. */
const RIVALS = 3;
/** Less than this is not worth proposing. */
const LEAST_INFORMATION = 0.02;

/** Studies that would go on from here, what they are expected to tell most first. */
export function followUpsOf(
  alive: readonly Alive[],
  data: Data,
  {
    options,
    quantities,
    noise,
    grid,
  }: {
    options: readonly Settings[];
    quantities: readonly Quantity[];
    noise: Noise;
    /** Any value can be set; false: only the settings that are listed. */
    grid: boolean;
  },
): StudyFollowUp[] {
  const claims = alive.slice(0, CLAIMS).filter(({ weight }) => weight >= LEAST_WEIGHT);
  const [first] = claims;
  if (!first) return [];
  const best = (of: readonly Alive[], at: readonly Settings[]) => {
    const information = expectedInformation(of, data, at, noise);
    const option = information.reduce((top, value, i) => (value > information[top]! ? i : top), 0);
    return { settings: [...at[option]!], information: information[option]! };
  };
  const apart = claims.slice(1, 1 + RIVALS).map((rival): StudyFollowUp => {
    const { settings, sigmas } = farthestApart(first, rival, data, options, noise);
    // Between two hypotheses alone: what one experiment there is expected to tell of which holds.
    const information = Math.log1p(sigmas ** 2 / 4) / 2;
    const what = `${first.hypothesis.text} or ${rival.hypothesis.text}: they differ by ${sigmas.toFixed(1)} standard deviations there`;
    return { kind: 'tell-apart', settings, information, what };
  });
  const sharpen: StudyFollowUp = {
    kind: 'sharpen',
    ...best([first], options),
    what: `the parameters of ${first.hypothesis.text}`,
  };
  const farther = (grid ? quantities : []).map((quantity): StudyFollowUp => {
    const max = quantity.max + (quantity.max - quantity.min);
    const wider = quantities.map((one) => (one === quantity ? { ...one, min: one.max, max } : one));
    return {
      kind: 'farther',
      ...best(claims, gridOf(wider)),
      what: `does it hold for ${quantity.name} from ${quantity.max} to ${Number(max.toPrecision(5))}?`,
    };
  });
  return [...apart, ...farther, sharpen]
    .filter(({ information }) => information >= LEAST_INFORMATION)
    .sort((a, b) => b.information - a.information);
}

function farthestApart(a: Alive, b: Alive, data: Data, options: readonly Settings[], noise: Noise) {
  const [one, other] = [a, b].map(
    ({ hypothesis, fit }) => predict(hypothesis, fit, data, options).values,
  ) as [Float64Array, Float64Array];
  let found = { settings: [...options[0]!], sigmas: 0 };
  for (const [i, settings] of options.entries()) {
    const sigmas = Math.abs(one[i]! - other[i]!) / sigmaAt(noise, one[i]!);
    if (sigmas > found.sigmas) found = { settings: [...settings], sigmas };
  }
  return found;
}
