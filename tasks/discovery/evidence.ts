/**
 * What experiments say about hypotheses: which are refuted, and how likely each of the others is. Fits in, weights out; nothing here
 * knows the truth.
 */
import { chiSquareTail } from './chi-square.ts';
import { fit, type Data, type Fit } from './fit.ts';
import type { Hypothesis } from './grammar.ts';

/** A hypothesis that experiments have not refuted. */
export type Alive = { hypothesis: Hypothesis; fit: Fit; weight: number };
type Refuted = { hypothesis: Hypothesis; fit: Fit; freedom: number; p: number };
export type Evidence = {
  /** The likeliest first; weights add up to 1. */
  alive: Alive[];
  /** By these experiments, and not before. */
  refuted: Refuted[];
};

/** In nats, for each parameter. */
const SIMPLER = 2;

/** Chance that a true hypothesis is refuted by one look: there are many looks at many hypotheses. */
const REFUTED_BELOW = 1e-6;

/**
 * Fits every hypothesis and refutes those whose best fit is worse than chance allows (χ² with its degrees of freedom). The rest is
 * weighed by the extended Bayesian information criterion (Chen & Chen 2008, Biometrika 95:759): every parameter costs ln n, and
 * so does being one of many hypotheses with as many parameters. Beyond that a law with one parameter less is taken to be likelier by
 * e², before any experiment.
 *
 * @param population of each number of parameters, how many hypotheses there were at the start
 * @param pause called between fits, so that a process with other work gets to it
 */
export async function weigh(
  hypotheses: readonly Hypothesis[],
  data: Data,
  population: ReadonlyMap<number, number>,
  pause?: () => Promise<void>,
): Promise<Evidence> {
  const n = data.measured.length;
  const refuted: Refuted[] = [];
  const fitted: { hypothesis: Hypothesis; fit: Fit; criterion: number }[] = [];
  for (const [i, hypothesis] of hypotheses.entries()) {
    if (pause && i % 10 === 9) await pause();
    const freedom = n - hypothesis.parameters;
    const chance = ({ chiSquare }: Fit) => (freedom < 1 ? 1 : chiSquareTail(chiSquare, freedom));
    let found = fit(hypothesis, data);
    // What is refuted stays so: a fit that got stuck must not be the reason.
    if (chance(found) < REFUTED_BELOW) found = fit(hypothesis, data, 'thorough');
    const p = chance(found);
    if (p < REFUTED_BELOW) {
      refuted.push({ hypothesis, fit: found, freedom, p });
      continue;
    }
    const many = Math.log(population.get(hypothesis.parameters) ?? 1);
    const criterion = found.chiSquare + hypothesis.parameters * (Math.log(n) + 2 * SIMPLER) + 2 * many;
    fitted.push({ hypothesis, fit: found, criterion });
  }
  const least = Math.min(...fitted.map(({ criterion }) => criterion));
  const odds = fitted.map(({ criterion }) => Math.exp(-(criterion - least) / 2));
  const total = odds.reduce((sum, one) => sum + one, 0);
  const alive = fitted
    .map(({ hypothesis, fit: found }, i) => ({ hypothesis, fit: found, weight: odds[i]! / total }))
    .sort((a, b) => b.weight - a.weight || (a.hypothesis.text < b.hypothesis.text ? -1 : 1));
  return { alive, refuted };
}

export function populationOf(hypotheses: readonly Hypothesis[]): Map<number, number> {
  const population = new Map<number, number>();
  for (const { parameters } of hypotheses) population.set(parameters, (population.get(parameters) ?? 0) + 1);
  return population;
}
