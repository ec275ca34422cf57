/** Counting, rounding and a little statistics. */

/** In how many ways `k` of `n` things can be chosen, their order aside; 0 when `k` is negative or above `n`. */
export function binomial(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let ways = 1;
  for (let one = 1; one <= k; one++) {
    ways = (ways * (n - k + one)) / one;
  }
  return ways;
}

/** The least positive number that all are divisors of, 1 when there are none. Zero among them makes it zero; signs do not matter. */
export function leastCommonMultiple(numbers: number[]): number {
  let multiple = 1;
  for (const number of numbers) {
    let [a, b] = [multiple, Math.abs(number)];
    if (b === 0) return 0;
    while (b !== 0) [a, b] = [b, a % b];
    multiple = (multiple / a) * Math.abs(number);
  }
  return multiple;
}

/**
 * The multiple of `step` that is nearest to the value; halfway between two, the one further from zero. A step that is not above
 * zero throws a RangeError.
 */
export function roundTo(value: number, step: number): number {
  if (step <= 0) throw new RangeError('a step is above zero');
  const steps = Math.floor(Math.abs(value) / step + 0.5);
  return value < 0 && steps > 0 ? -steps * step : steps * step;
}

/**
 * The smallest value that at least `percent` per cent of the values do not exceed (the nearest rank); for 0 the smallest of all.
 * The list is left as it is. No values, and a percentage outside 0–100, throw a RangeError.
 */
export function percentile(values: number[], percent: number): number {
  if (values.length === 0) throw new RangeError('no values');
  if (percent < 0 || percent > 100) throw new RangeError('a percentage is between 0 and 100');
  const ordered = values.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent * ordered.length) / 100);
  return ordered[Math.max(rank, 1) - 1]!;
}

/** The largest whole number whose square is not above the number, by bisection. A negative number throws a RangeError. */
export function integerRoot(number: number): number {
  if (number < 0) throw new RangeError('negative numbers have no root');
  let low = 0;
  let high = Math.floor(number) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle * middle <= number) low = middle;
    else high = middle;
  }
  return low;
}
