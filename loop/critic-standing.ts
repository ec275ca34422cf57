/**
 * Is a critic that nobody asked for worth listening to? Judged by what it said in this iteration, of the planted bad samples and of the
 * real ones. It is not where most of its replies are no verdict, and where it can't tell the planted ones apart: it rejects them no
 * more often than the real ones (Fisher's exact test, one-sided), and misses some or rejects whatever it is shown. A weak
 * generator's real samples may deserve to be rejected, so a critic that catches what is planted and passes anything at all stays.
 */
export type Judged = { failed: number; judged: number };

export type CriticCounts = {
  /** Samples put to it, and those of them on which it gave no verdict that could be read. */
  asked: number;
  unscored: number;
  /** Verdicts on planted bad samples, and on real ones. */
  planted: Judged;
  real: Judged;
};

/** With fewer verdicts on either side nothing can be said. */
const LEAST_JUDGED = 4;

/** Chance of a difference as large, or larger, from a critic that can't tell. */
const ALPHA = 0.1;

/** A critic that catches this share of what is planted does what it is there for. */
const CATCHES = 0.9;

/** Rejecting this many real ones, and none not, is rejecting whatever comes. */
const LEAST_ALL_REJECTED = 8;

/** Why it can only advise; undefined: nothing speaks against it. */
export function criticDoubt({ asked, unscored, planted, real }: CriticCounts): string | undefined {
  if (2 * unscored > asked) return `it gave no readable verdict on ${unscored} of ${asked} samples`;
  if (planted.judged < LEAST_JUDGED || real.judged < LEAST_JUDGED) return undefined;
  if (fisherGreater(planted, real) < ALPHA) return undefined;
  const rejectsAll = real.failed === real.judged && real.judged >= LEAST_ALL_REJECTED;
  if (planted.failed >= CATCHES * planted.judged && !rejectsAll) return undefined;
  return (
    `it is no better than chance: it rejected ${planted.failed} of ${planted.judged} planted bad samples ` +
    `and ${real.failed} of ${real.judged} others`
  );
}

/** P(at least as many of the failures are among the first) where both fail alike: the hypergeometric tail. */
export function fisherGreater(first: Judged, second: Judged): number {
  const all = first.judged + second.judged;
  const failed = first.failed + second.failed;
  const most = Math.min(failed, first.judged);
  let p = 0;
  for (let k = first.failed; k <= most; k++)
    p += Math.exp(logChoose(first.judged, k) + logChoose(second.judged, failed - k) - logChoose(all, failed));
  return Math.min(1, p);
}

function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return -Infinity;
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log(n - k + i) - Math.log(i);
  return sum;
}
