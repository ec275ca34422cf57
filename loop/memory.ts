/**
 * Long-term memory, as far as it is decided: which entries stand before a question, and whether a test admits some. What a model
 * reads before a question changes its answers for better or worse (Brown et al. 2020, arXiv 2005.14165; Liu et al. 2022, arXiv
 * 2101.06804), so nothing is shown that was not found to help on problems with known answers.
 */
import { tokensOf } from './leaks.ts';
import { mcnemar } from './mcnemar.ts';
import { jaccard, shingles } from './minhash.ts';

/** Fewer problems with known answers tell nothing, so then no entry is tested. */
export const LEAST_PROBLEMS = 16;

/** A problem of a test, answered without and with the batch; null: not measured. */
export type Trial = { level: number | null; without: boolean | null; with: boolean | null };

/** Of one level: all problems, and of those that the batch is shown beside the right ones. */
type MemoryClass = { level: number | null; problems: number; rightWithout: number; rightWith: number };

export type Admission = {
  admitted: boolean;
  measured: number;
  rightWithout: number;
  rightWith: number;
  fixed: number;
  broken: number;
  pValue: number;
  classes: MemoryClass[];
  reason: string;
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * Admits a batch only if it makes answers better by the exact McNemar test at its level, and no level of problems falls by more than
 * the margin. What could not be measured without it is left out; with it, it is wrong.
 *
 * @param problems all of the test by level: those beside which the batch is not shown stay as they are
 */
export function admission(
  trials: readonly Trial[],
  problems: ReadonlyMap<number | null, number>,
  { level, margin }: { level: number; margin: number },
): Admission {
  const pairs = trials.flatMap((one) =>
    one.without === null ? [] : [{ level: one.level, without: one.without, with: one.with ?? false }],
  );
  const right = (arm: 'without' | 'with', some = pairs) => some.filter((one) => one[arm]).length;
  const classes = [...problems]
    .map(([of, count]): MemoryClass => {
      const own = pairs.filter((one) => one.level === of);
      return {
        level: of,
        problems: count,
        rightWithout: right('without', own),
        rightWith: right('with', own),
      };
    })
    .toSorted((a, b) => (a.level ?? 0) - (b.level ?? 0));
  const fixed = pairs.filter((one) => one.with && !one.without).length;
  const broken = pairs.filter((one) => one.without && !one.with).length;
  const pValue = mcnemar(fixed, broken);
  const fallen = classes
    .map((one) => ({ ...one, fall: (one.rightWithout - one.rightWith) / one.problems }))
    .filter(({ fall }) => fall > margin)
    .toSorted((a, b) => b.fall - a.fall)[0];
  const better = pValue <= level;
  const found =
    `right ${right('without')} → ${right('with')} of ${pairs.length} (${fixed} fixed, ${broken} broken; ` +
    `p ${pValue.toPrecision(2)} ${better ? '≤' : '>'} ${level.toPrecision(2)})`;
  const fell = fallen
    ? `; ${fallen.level === null ? 'all' : `level ${fallen.level}`} fell by ${percent(fallen.fall)}, ${percent(margin)} is allowed`
    : '';
  return {
    admitted: better && !fallen,
    measured: pairs.length,
    rightWithout: right('without'),
    rightWith: right('with'),
    fixed,
    broken,
    pValue,
    classes,
    reason: `${found}${fell}`,
  };
}

/** An entry as it is chosen by: a pattern by its problem and level, a heuristic by neither. */
export type Rememberable = {
  id: number;
  tokens: number;
  /** Undefined: a heuristic. */
  problem?: { text: string; level: number | null };
};

/** Words as they count for likeness: which numbers a problem has does not tell what is to be done with them. */
const wordsOf = (text: string): string[] => tokensOf(text).map((token) => (/\d/.test(token) ? '#' : token));

/** Likeness of two problems, 0…1: the share of words, and of pairs of them, that either has and both have (Jaccard). */
export function likeness(a: string, b: string): number {
  const [one, other] = [wordsOf(a), wordsOf(b)];
  const parts = (words: string[]) => new Set([...shingles(words, 1), ...shingles(words, 2)]);
  return jaccard(parts(one), parts(other));
}

/**
 * The entries that stand before a question, in order: heuristics, oldest first, then patterns, the nearest one last, beside the
 * question. Of equally near ones that of the nearest level, then the oldest. One that would pass the budget is left out.
 *
 * @param refuses looked at only for those that would be shown: a near copy of the question, say
 */
export function remembered<Entry extends Rememberable>(
  entries: readonly Entry[],
  question: { text: string; level: number | null },
  { shown, tokens }: { shown: number; tokens: number },
  refuses: (entry: Entry) => boolean = () => false,
): Entry[] {
  const away = (entry: Entry) => Math.abs((entry.problem?.level ?? 0) - (question.level ?? 0));
  const ranked = entries
    .map((entry) => ({ entry, near: entry.problem ? likeness(entry.problem.text, question.text) : 2 }))
    .toSorted((a, b) => b.near - a.near || away(a.entry) - away(b.entry) || a.entry.id - b.entry.id);
  const chosen: Entry[] = [];
  let left = tokens;
  for (const { entry } of ranked) {
    if (chosen.length === shown) break;
    if (entry.tokens > left || refuses(entry)) continue;
    chosen.push(entry);
    left -= entry.tokens;
  }
  const isRule = (entry: Entry) => entry.problem === undefined;
  return [...chosen.filter(isRule), ...chosen.filter((entry) => !isRule(entry)).toReversed()];
}
