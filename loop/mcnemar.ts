/**
 * Exact one-sided McNemar test for paired right/wrong answers (McNemar 1947, Psychometrika 12:153–157): only
 * items on which the two disagree say anything, and without a difference each of them is a coin toss.
 *
 * @param fixed items that only the candidate answers right
 * @param broken items that only the best answers right
 * @returns P(at least `fixed` heads in `fixed + broken` tosses): small when the candidate is better; 1 when
 *   there is nothing to tell them apart. Values below about 1e-308 come out as 0.
 * @throws RangeError for counts that are not whole numbers ≥ 0
 */
export function mcnemar(fixed: number, broken: number): number {
  for (const count of [fixed, broken]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`McNemar counts must be whole numbers of at least 0, not ${count}`);
    }
  }
  if (fixed >= broken) return Math.min(1, upperTail(fixed + broken, fixed));
  // P(X ≥ fixed) = 1 − P(X ≤ fixed − 1), and by symmetry that is an upper tail as well.
  return fixed === 0 ? 1 : 1 - upperTail(fixed + broken, broken + 1);
}

/** P(X ≥ k) for X ~ Binomial(n, ½) and k ≥ n / 2, where the terms only get smaller. */
function upperTail(n: number, k: number): number {
  let term = binomialAtHalf(n, k);
  let sum = 0;
  for (let i = k; i <= n && term > sum * 1e-18; i++) {
    sum += term;
    term *= (n - i) / (i + 1);
  }
  return sum;
}

/**
 * C(n, k) / 2^n by basic arithmetic only, halving along the way so that nothing overflows. No logarithms:
 * their last bits differ between platforms, and a decision must come out the same in every replay.
 */
function binomialAtHalf(n: number, k: number): number {
  const few = Math.min(k, n - k);
  let halvings = n;
  let term = 1;
  for (let i = 1; i <= few; i++) {
    term *= (n - few + i) / i;
    for (; term > 1 && halvings > 0; halvings--) term /= 2;
  }
  for (; halvings > 0 && term > 0; halvings--) term /= 2;
  return term;
}
