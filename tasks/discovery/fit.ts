/**
 * Fitting: parameters of a hypothesis by weighted least squares. What is linear in it is solved outright (variable projection, Golub &
 * Pereyra 1973) from a grid of the rest, and the best beginnings are followed downhill (Levenberg–Marquardt, Marquardt 1963).
 */
import type { Hypothesis } from './grammar.ts';
import { factorOf, formOf, solve } from './solve.ts';

/** Experiments as numbers: the quantities of each, what was measured, and how far a measurement may be off (one sigma). */
export type Data = {
  at: readonly (readonly number[])[];
  measured: readonly number[];
  sigma: readonly number[];
};

export type Fit = { parameters: number[]; chiSquare: number };

/** How many beginnings are followed, and how far. `thorough`: before a hypothesis is given up. */
const EFFORT = { usual: { beginnings: 3, steps: 60 }, thorough: { beginnings: 6, steps: 150 } };
export type Effort = keyof typeof EFFORT;

/** A step that gains less than this share is the last; in the usual effort earlier, where more steps would hardly save it. */
const ENOUGH = 1e-7;
const HOPELESS = { share: 0.003, chiSquarePerExperiment: 100 };

/** The hypothesis at some settings, as a function of its parameters alone. */
type Model = { count: number; predict(parameters: readonly number[], out: Float64Array): void };

function modelAt({ compute }: Hypothesis, at: Data['at']): Model {
  const columns = (at[0] ?? []).map((_, j) => Float64Array.from(at, (row) => row[j]!));
  return { count: at.length, predict: (parameters, out) => compute(columns, parameters, out) };
}

function chiSquareOf(predicted: Float64Array, { measured, sigma }: Data): number {
  let sum = 0;
  for (let i = 0; i < measured.length; i++) sum += ((measured[i]! - predicted[i]!) / sigma[i]!) ** 2;
  return Number.isFinite(sum) ? sum : Infinity;
}

/** All ways to begin, as far as they do not vary in linear parameters. */
function beginnings({ starts, linear }: Hypothesis): number[][] {
  return starts.reduce<number[][]>(
    (found, own, j) =>
      linear.includes(j)
        ? found.map((one) => [...one, 0])
        : found.flatMap((one) => own.map((value) => [...one, value])),
    [[]],
  );
}

/** Puts the best linear parameters into a beginning. */
function project(model: Model, start: number[], linear: readonly number[], data: Data): void {
  const n = model.count;
  const base = new Float64Array(n);
  for (const j of linear) start[j] = 0;
  model.predict(start, base);
  const columns = linear.map((j) => {
    const out = new Float64Array(n);
    start[j] = 1;
    model.predict(start, out);
    start[j] = 0;
    for (let i = 0; i < n; i++) out[i] = (out[i]! - base[i]!) / data.sigma[i]!;
    return out;
  });
  const size = linear.length;
  const normal = new Float64Array(size * size);
  const right = new Float64Array(size);
  for (let i = 0; i < n; i++) {
    const residual = (data.measured[i]! - base[i]!) / data.sigma[i]!;
    for (let a = 0; a < size; a++) {
      right[a]! += columns[a]![i]! * residual;
      for (let b = 0; b < size; b++) normal[a * size + b]! += columns[a]![i]! * columns[b]![i]!;
    }
  }
  for (let a = 0; a < size; a++) normal[a * size + a]! *= 1 + 1e-12;
  const solved = solve(normal, right, size);
  linear.forEach((j, a) => (start[j] = solved ? solved[a]! : 1));
}

/** Follows the slope down from one beginning. @param hopeful goes on however little is gained */
function descend(
  model: Model,
  start: number[],
  linear: readonly number[],
  data: Data,
  { steps, hopeful }: { steps: number; hopeful: boolean },
): Fit {
  const n = model.count;
  const size = start.length;
  let parameters = start;
  const predicted = new Float64Array(n);
  const trial = new Float64Array(n);
  model.predict(parameters, predicted);
  let chiSquare = chiSquareOf(predicted, data);
  let damping = 1e-3;
  const slopes = Array.from({ length: size }, () => new Float64Array(n));
  for (let step = 0; step < steps && Number.isFinite(chiSquare); step++) {
    slopesOf(model, parameters, predicted, slopes);
    const [normal, right] = normalEquations(slopes, predicted, data);
    let gained = false;
    for (let tries = 0; tries < 8 && !gained; tries++) {
      const damped = normal.slice();
      for (let a = 0; a < size; a++) damped[a * size + a] = damped[a * size + a]! * (1 + damping) + 1e-300;
      const move = solve(damped, right.slice(), size);
      const next = move && parameters.map((value, a) => value + move[a]!);
      // What is linear follows at once: it would hold the rest back where they make up for each other.
      if (next && linear.length > 0) project(model, next, linear, data);
      if (next) model.predict(next, trial);
      const reached = next ? chiSquareOf(trial, data) : Infinity;
      if (next && reached < chiSquare) {
        gained = true;
        const least = !hopeful && chiSquare > HOPELESS.chiSquarePerExperiment * n ? HOPELESS.share : ENOUGH;
        const last = chiSquare - reached <= least * chiSquare;
        [parameters, chiSquare] = [next, reached];
        predicted.set(trial);
        damping = Math.max(damping / 10, 1e-12);
        if (last) return { parameters, chiSquare };
      } else damping *= 5;
    }
    if (!gained) break;
  }
  return { parameters, chiSquare };
}

function slopesOf(model: Model, parameters: number[], predicted: Float64Array, slopes: Float64Array[]): void {
  for (let a = 0; a < parameters.length; a++) {
    const own = parameters[a]!;
    const by = 1e-6 * (Math.abs(own) || 1e-3);
    const slope = slopes[a]!;
    parameters[a] = own + by;
    model.predict(parameters, slope);
    parameters[a] = own;
    for (let i = 0; i < slope.length; i++) {
      const value = (slope[i]! - predicted[i]!) / by;
      slope[i] = Number.isFinite(value) ? value : 0;
    }
  }
}

function normalEquations(
  slopes: readonly Float64Array[],
  predicted: Float64Array,
  { measured, sigma }: Data,
): [Float64Array, Float64Array] {
  const size = slopes.length;
  const normal = new Float64Array(size * size);
  const right = new Float64Array(size);
  for (let i = 0; i < measured.length; i++) {
    const weight = 1 / sigma[i]! ** 2;
    const residual = measured[i]! - predicted[i]!;
    for (let a = 0; a < size; a++) {
      const own = slopes[a]![i]! * weight;
      right[a]! += own * residual;
      for (let b = 0; b <= a; b++) normal[a * size + b]! += own * slopes[b]![i]!;
    }
  }
  for (let a = 0; a < size; a++)
    for (let b = a + 1; b < size; b++) normal[a * size + b] = normal[b * size + a]!;
  return [normal, right];
}

/** The best fit that is found. `chiSquare` is infinite where the hypothesis has no value at some experiment, whatever its parameters. */
export function fit(hypothesis: Hypothesis, data: Data, effort: Effort = 'usual'): Fit {
  const model = modelAt(hypothesis, data.at);
  const { linear } = hypothesis;
  const out = new Float64Array(data.at.length);
  const begun = beginnings(hypothesis).map((parameters) => {
    project(model, parameters, linear, data);
    model.predict(parameters, out);
    return { parameters, chiSquare: chiSquareOf(out, data) };
  });
  begun.sort((a, b) => a.chiSquare - b.chiSquare);
  let best: Fit = begun[0]!;
  const { beginnings: followed, steps } = EFFORT[effort];
  for (const { parameters } of begun.slice(0, followed)) {
    const found = descend(model, parameters, linear, data, { steps, hopeful: effort === 'thorough' });
    if (found.chiSquare < best.chiSquare) best = found;
  }
  return best;
}

/** Normal equations of a fit at its end, with a little of what was known before: a parameter is of its own size. */
function information(hypothesis: Hypothesis, { parameters }: Fit, data: Data): Float64Array {
  const { slopes, values } = slopesAt(hypothesis, parameters, data.at);
  const [normal] = normalEquations(slopes, values, data);
  const size = parameters.length;
  // Directions that no experiment has looked in yet stay uncertain by as much as the parameter itself.
  for (let a = 0; a < size; a++) normal[a * size + a]! += 1 / (parameters[a]! ** 2 + 1e-12);
  return normal;
}

function slopesAt(
  hypothesis: Hypothesis,
  parameters: number[],
  at: Data['at'],
): { slopes: Float64Array[]; values: Float64Array } {
  const model = modelAt(hypothesis, at);
  const values = new Float64Array(at.length);
  const slopes = parameters.map(() => new Float64Array(at.length));
  model.predict(parameters, values);
  slopesOf(model, [...parameters], values, slopes);
  return { slopes, values };
}

/** What a fitted hypothesis predicts, and how uncertain its parameters leave that (a variance), at some settings. */
export function predict(
  hypothesis: Hypothesis,
  fitted: Fit,
  data: Data,
  at: Data['at'],
): { values: Float64Array; variances: Float64Array } {
  const size = fitted.parameters.length;
  const factor = factorOf(information(hypothesis, fitted, data), size);
  const { slopes, values } = slopesAt(hypothesis, fitted.parameters, at);
  const variances = new Float64Array(at.length);
  const slope = new Float64Array(size);
  for (let i = 0; factor && i < at.length; i++) {
    for (let a = 0; a < size; a++) slope[a] = slopes[a]![i]!;
    variances[i] = formOf(factor, slope);
  }
  return { values, variances };
}

/** Standard errors of the parameters; infinite where the experiments say nothing of them. */
export function parameterErrors(hypothesis: Hypothesis, fitted: Fit, data: Data): number[] {
  const size = fitted.parameters.length;
  const factor = factorOf(information(hypothesis, fitted, data), size);
  return fitted.parameters.map((_, a) => {
    const unit = new Float64Array(size);
    unit[a] = 1;
    return factor ? Math.sqrt(formOf(factor, unit)) : Infinity;
  });
}
