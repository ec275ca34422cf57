/**
 * What differs between two rationales: lines by the longest common subsequence, and within a changed line its words. Bounded, so that
 * texts that try to be expensive are shown unmarked.
 */
export type Stretch = { text: string; changed: boolean };

const MOST_LINES = 400;
const MOST_WORDS = 400;

/** Which of `b` are also in `a`, in order: a longest common subsequence. O(|a| · |b|) time and space. */
function common<T>(
  a: readonly T[],
  b: readonly T[],
): { inA: boolean[]; inB: boolean[]; pairs: [number, number][] } {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  const inA = a.map(() => false);
  const inB = b.map(() => false);
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      inA[i] = inB[j] = true;
      pairs.push([i, j]);
      i += 1;
      j += 1;
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i += 1;
    else j += 1;
  }
  return { inA, inB, pairs };
}

const words = (line: string) => line.match(/[\p{L}\p{N}]+|\s+|[^\p{L}\p{N}\s]/gu) ?? [];

function within(before: string, after: string): Stretch[] {
  const [a, b] = [words(before), words(after)];
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return [{ text: after, changed: true }];
  const { inB } = common(a, b);
  return joined(b.map((text, i) => ({ text, changed: !inB[i] })));
}

/** Neighbours of a kind become one. */
function joined(stretches: Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const one of stretches) {
    const last = result.at(-1);
    if (last && last.changed === one.changed) last.text += one.text;
    else if (one.text) result.push({ ...one });
  }
  return result;
}

/** `text` in stretches, those marked that `reference` has not. Undefined where there is too much to compare. */
export function differences(reference: string, text: string): Stretch[] | undefined {
  const [a, b] = [reference.split('\n'), text.split('\n')];
  if (a.length > MOST_LINES || b.length > MOST_LINES) return undefined;
  const { inB, pairs } = common(a, b);
  const stretches: Stretch[] = [];
  // A changed line is compared with the one that stands in its place between the same two common lines.
  let pair = 0;
  let from = 0;
  for (let j = 0; j < b.length; j++) {
    const end = j === b.length - 1 ? '' : '\n';
    if (inB[j]) {
      from = pairs[pair]![0] + 1;
      pair += 1;
      stretches.push({ text: b[j]! + end, changed: false });
      continue;
    }
    const until = pairs[pair]?.[0] ?? a.length;
    if (from < until) stretches.push(...within(a[from]!, b[j]!), { text: end, changed: false });
    else stretches.push({ text: b[j]!, changed: true }, { text: end, changed: false });
    from += 1;
  }
  return joined(stretches);
}

/** Share of the characters that are marked. */
export function changedShare(stretches: readonly Stretch[]): number {
  const total = stretches.reduce((sum, one) => sum + one.text.length, 0);
  const changed = stretches.reduce((sum, one) => sum + (one.changed ? one.text.length : 0), 0);
  return total === 0 ? 0 : changed / total;
}
