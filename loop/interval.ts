/** 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * Wilson's 95 % interval for a proportion (Wilson 1927, JASA 22:209–212). Unlike the textbook interval it
 * stays inside 0…1 and keeps a width at 0 and 100 %. Without any item it is 0…1.
 *
 * @throws RangeError unless 0 ≤ correct ≤ total
 */
export function wilson(correct: number, total: number): { low: number; high: number } {
  if (!(correct >= 0 && correct <= total)) throw new RangeError(`${correct} of ${total} is no proportion`);
  if (total === 0) return { low: 0, high: 1 };
  const p = correct / total;
  const scale = 1 + Z ** 2 / total;
  const centre = (p + Z ** 2 / (2 * total)) / scale;
  const half = (Z / scale) * Math.sqrt((p * (1 - p)) / total + Z ** 2 / (4 * total ** 2));
  return {
    low: correct === 0 ? 0 : Math.max(0, centre - half),
    high: correct === total ? 1 : Math.min(1, centre + half),
  };
}

/**
 * 95 % interval for the difference of two accuracies on paired items, adjusted as `fallAtMost` is. As shares; −1…1 without any item.
 *
 * @param fixed items that only the first has right
 * @param broken items that only the second has right
 * @throws RangeError for counts that can't be of `total` items
 */
export function pairedGain(fixed: number, broken: number, total: number): { low: number; high: number } {
  const { rose, fell, error } = adjusted(fixed, broken, total);
  if (total === 0) return { low: -1, high: 1 };
  return { low: Math.max(-1, rose - fell - Z * error), high: Math.min(1, rose - fell + Z * error) };
}

/** 95 % quantile of the standard normal distribution, for bounds on one side. */
const Z_ONE_SIDED = 1.6448536269514722;

/**
 * Upper bound, with 95 % confidence, of how far the candidate's accuracy lies below the best's on paired items: the
 * Wald bound with the Laplace adjustment of Bonett & Price (2012, J. Educ. Behav. Stat. 37:479–488), recommended for
 * its coverage by Fagerland et al. (2014, Stat. Med. 33:2850–2875). As a share; 1 without any item.
 *
 * @param fixed items that only the candidate answers right
 * @param broken items that only the best answers right
 * @throws RangeError for counts that can't be of `total` items
 */
export function fallAtMost(fixed: number, broken: number, total: number): number {
  const { rose, fell, error } = adjusted(fixed, broken, total);
  return total === 0 ? 1 : Math.min(1, fell - rose + Z_ONE_SIDED * error);
}

function adjusted(fixed: number, broken: number, total: number) {
  if (!(fixed >= 0 && broken >= 0 && fixed + broken <= total)) {
    throw new RangeError(`${fixed} fixed and ${broken} broken of ${total} items`);
  }
  const rose = (fixed + 1) / (total + 2);
  const fell = (broken + 1) / (total + 2);
  const error = Math.sqrt((rose + fell - (fell - rose) ** 2) / (total + 2));
  return { rose, fell, error };
}
