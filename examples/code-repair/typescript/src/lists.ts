/** Lists: cutting, merging and choosing. No function changes a list that it is given. */

/** The list in pieces of `size`, in order; the last may be shorter. An empty list has none; a size below one throws a RangeError. */
export function chunk<T>(list: T[], size: number): T[][] {
  if (size < 1) throw new RangeError('a chunk has at least one item');
  const chunks: T[][] = [];
  for (let at = 0; at < list.length; at += size) {
    chunks.push(list.slice(at, at + size));
  }
  return chunks;
}

/** Two lists that are each sorted from low to high as one sorted list. Of equal numbers all stay. */
export function mergeSorted(a: number[], b: number[]): number[] {
  const merged: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (j >= b.length || (i < a.length && a[i]! <= b[j]!)) merged.push(a[i++]!);
    else merged.push(b[j++]!);
  }
  return merged;
}

/** The items whose key, by `keyOf`, no earlier item has, in order. */
export function uniqueBy<T>(list: T[], keyOf: (item: T) => string | number): T[] {
  const seen = new Set<string | number>();
  const unique: T[] = [];
  for (const item of list) {
    const key = keyOf(item);
    if (seen.has(key)) continue;
    seen.add(key);
    unique.push(item);
  }
  return unique;
}

/** The words that occur most often, at most `count`, the most frequent first; words that occur equally often go by the alphabet. */
export function mostFrequent(words: string[], count: number): string[] {
  const times = new Map<string, number>();
  for (const word of words) times.set(word, (times.get(word) ?? 0) + 1);
  return [...times]
    .toSorted(([a, m], [b, n]) => (m === n ? (a < b ? -1 : 1) : n - m))
    .slice(0, count)
    .map(([word]) => word);
}

/** The greatest sum of neighbours in the list; at least one counts, so that it is negative when all are. An empty list gives 0. */
export function greatestSum(list: number[]): number {
  if (list.length === 0) return 0;
  let best = list[0]!;
  let ending = list[0]!;
  for (let at = 1; at < list.length; at++) {
    ending = Math.max(ending + list[at]!, list[at]!);
    best = Math.max(best, ending);
  }
  return best;
}
