/**
 * What is experimented on. A simulator is told the value of each quantity and gives what it measures, with noise. Built-in laws are
 * such simulators: the same experiment of the same study always measures the same.
 */
import { random } from '../../loop/random.ts';
import type { Quantity } from './forms.ts';
import type { Law } from './laws.ts';

/** The value of each quantity, in their order. */
export type Settings = readonly number[];

/** What an experiment gave, with its standard deviation; or why it gave nothing. */
export type Observed = { measured: number; sigma: number } | { failed: string };

const LEVELS: Record<number, number> = { 1: 60, 2: 32 };
const LEVELS_OF_MANY = 10;

/** All experiments that may be made: evenly spaced values of each quantity, every one with every other. */
export function gridOf(
  quantities: readonly Quantity[],
  levels = LEVELS[quantities.length] ?? LEVELS_OF_MANY,
): Settings[] {
  return quantities.reduce<number[][]>(
    (found, { min, max }) =>
      found.flatMap((one) =>
        Array.from({ length: levels }, (_, i) => [...one, round(min + ((max - min) * i) / (levels - 1))]),
      ),
    [[]],
  );
}

/** As it can be set and written down. */
const round = (value: number) => Number(value.toPrecision(5));

/** The law's own values, without noise. */
export function valuesOf({ truth, parameters, quantities }: Law, at: readonly Settings[]): Float64Array {
  const out = new Float64Array(at.length);
  truth.compute(
    quantities.map((_, j) => Float64Array.from(at, (row) => row[j]!)),
    parameters,
    out,
  );
  return out;
}

/** What an instrument resolves at best, as a share of the typical signal. */
const RESOLUTION = 1e-6;

/**
 * The standard deviation of a law's measurements: `noise` times the root mean square of its values over all settings, as benchmarks of
 * symbolic regression define it (La Cava et al. 2021, SRBench, arXiv 2107.14351).
 */
export function sigmaOf(law: Law, noise: number): number {
  const values = valuesOf(law, gridOf(law.quantities));
  const typical = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
  return typical * Math.hypot(noise, RESOLUTION);
}

/** Makes one experiment on a law. @param key the experiment's own: noise is drawn from it */
export function observeLaw(law: Law, settings: Settings, noise: number, key: string): Observed {
  const sigma = sigmaOf(law, noise);
  const next = random(`measurement of ${law.name} ${key}`);
  // Box & Muller 1958.
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return { measured: valuesOf(law, [settings])[0]! + sigma * normal, sigma };
}
