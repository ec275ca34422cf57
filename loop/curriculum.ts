/**
 * Which levels the next pool is drawn from, without labels: by how much of what was sampled could be trusted.
 * Easy-to-hard as in Lee et al. 2025 (arXiv 2502.01612): a level is worth sampling once the one below it is
 * mostly understood, and no longer worth it once nearly all of it is.
 */

/** One iteration's pool at one level. */
export type LevelStats = {
  level: number;
  iteration: number;
  prompts: number;
  /** Prompts whose vote was trusted. */
  trusted: number;
  meanAgreement?: number;
};

export type CurriculumSettings = {
  /** A level enters when the trusted share of the level below it is at least this. */
  enter: number;
  /** A level leaves when its own trusted share is at least this. */
  leave: number;
  /** Most levels in one pool. */
  width: number;
  /** So many levels beyond those chosen: above when positive, below when negative. */
  shift?: number;
};

/**
 * The levels of the next pool, ascending. A level's trusted share is that of the latest iteration which
 * sampled it. A level that entered stays in until it leaves, even if the one below gets worse. Levels enter
 * one after the other, none is skipped. The top level never leaves, and the highest level that entered stays
 * until the next one enters, so the pool is never empty. Where more than `width` are in, the lowest wait;
 * they come back when others leave.
 *
 * @param history of all earlier iterations, in any order
 * @param levels ascending; `start` is part of `all`
 * @throws RangeError when `levels` is empty or `start` names a level that is not in `all`
 */
export function nextLevels(
  history: readonly LevelStats[],
  settings: CurriculumSettings,
  levels: { start: readonly number[]; all: readonly number[] },
): number[] {
  const all = levels.all.toSorted((a, b) => a - b);
  const unknown = levels.start.filter((level) => !all.includes(level));
  if (levels.start.length === 0 || unknown.length > 0) {
    throw new RangeError(`start levels [${levels.start.join()}] must be some of [${all.join()}]`);
  }
  const shares = latestShares(history);
  const entered: number[] = [];
  all.forEach((level, i) => {
    const below = all[i - 1];
    const ready =
      below !== undefined && entered.includes(below) && (shares.get(below) ?? -1) >= settings.enter;
    if (levels.start.includes(level) || shares.has(level) || ready) entered.push(level);
  });
  const highest = entered.at(-1);
  const staying = entered.filter((level) => level === highest || (shares.get(level) ?? -1) < settings.leave);
  const chosen = staying.slice(-settings.width);
  const { shift = 0 } = settings;
  if (shift > 0) return [...chosen, ...all.filter((level) => level > chosen.at(-1)!).slice(0, shift)];
  if (shift < 0) return [...all.filter((level) => level < chosen[0]!).slice(shift), ...chosen];
  return chosen;
}

/** Trusted share per level in the latest iteration that sampled it. */
function latestShares(history: readonly LevelStats[]): Map<number, number> {
  const shares = new Map<number, number>();
  for (const { level, prompts, trusted } of history.toSorted((a, b) => a.iteration - b.iteration)) {
    if (prompts > 0) shares.set(level, trusted / prompts);
  }
  return shares;
}
