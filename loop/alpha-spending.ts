/**
 * Levels for looking many times at one target set. A run tests up to one candidate per iteration on the same
 * items; each at 5 % would promote something by chance in most long runs. So the run has alpha once, and a
 * look gets an even part of what is left for the looks still possible:
 *
 *     level = (alpha − levels of the looks that promoted nothing) / looks that may still come, this one included
 *
 * An iteration without a measured candidate is no look and leaves its part to the rest. A promotion gives its level
 * back: what was spent on a true improvement can no longer become a false one. This is alpha spending with
 * recycling, known as online fallback and, more generally, as graphical procedures (Bretz et al. 2009, Stat. Med.
 * 28:586–604; Tian & Ramdas 2021, Stat. Methods Med. Res. 30:976–993, arXiv 1910.04900). Even parts and not early ones,
 * since gains get smaller as a run goes on: with 8 looks the last one must still see p < 0.006 and not p < 0.0005.
 *
 * What it bounds: the probability that the run promotes any candidate that is no better than the best of that time.
 * Up to the first such promotion every candidate that was no better has been discarded and has paid for its
 * look, so the levels of those tests add up to alpha at most, and with them the probability that one of
 * them rejects (the union bound, whatever the dependence).
 *
 * What it presumes: that each test holds its level although earlier decisions fell on the same items. As long as
 * nothing was promoted there is one possible past, the candidate owes nothing to the items, and the test is exact.
 * After a promotion the best has been chosen for doing well on these very items, which makes it look better than it
 * is and the next test stricter. Only decisions flow back (a bit per iteration, Blum & Hardt 2015, arXiv
 * 1502.04585); tests/loop/false-promotion.test.ts measures the rate. It covers one run: runs of a schedule share
 * their items, and `final` is what guards those.
 */

/** An earlier look of the run. */
export type Look = {
  /** Level at which it was tested. */
  level: number;
  promoted: boolean;
};

/**
 * Level of the next look.
 *
 * @param alpha probability of any false promotion, for the whole run
 * @param earlier the looks before this one
 * @param possible looks that may still come, this one included
 */
export function levelOfLook(alpha: number, earlier: readonly Look[], possible: number): number {
  const spent = earlier.reduce((sum, look) => sum + (look.promoted ? 0 : look.level), 0);
  return Math.max(0, alpha - spent) / Math.max(1, possible);
}
