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
