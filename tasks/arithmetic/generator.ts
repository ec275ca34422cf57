import { shuffled, stream } from '../random.ts';
import { parseSum, type Sum } from './addition.ts';

/** Levels this small are listed in full: drawing at random would miss some problems and repeat others. */
const LISTED_DIGITS = 2;
/** After so many rejected draws in a row a level is taken to be used up. */
const MAX_REJECTED = 10_000;

/**
 * Problems of one level in random order, each once, the same for the same seed: both numbers have exactly
 * `digits` digits, and problems which are really easier (both end in 0) are left out. Ends when all are used.
 */
export function* sums(digits: number, seed: string, exclude: (key: string) => boolean): Generator<Sum> {
  const low = 10 ** (digits - 1);
  const high = 10 ** digits - 1;
  const named = `${seed}/${digits} digits`;
  if (digits <= LISTED_DIGITS) {
    const all: Sum[] = [];
    for (let a = low; a <= high; a++) {
      for (let b = a; b <= high; b++) {
        const sum = sumOf(a, b, digits);
        if (sum) all.push(sum);
      }
    }
    yield* shuffled(all, named, ({ key }) => key).filter(({ key }) => !exclude(key));
    return;
  }
  const next = stream(named);
  const draw = (): number => low + Math.floor(next() * (high - low + 1));
  const seen = new Set<string>();
  for (let rejected = 0; rejected < MAX_REJECTED; rejected++) {
    const sum = sumOf(draw(), draw(), digits);
    if (!sum || seen.has(sum.key) || exclude(sum.key)) continue;
    seen.add(sum.key);
    rejected = -1;
    yield sum;
  }
}

/** The problem, unless its common zeros make it one of a lower level. */
function sumOf(a: number, b: number, digits: number): Sum | undefined {
  const sum = parseSum(`${a}+${b}`);
  return typeof sum !== 'string' && sum.digits === digits ? sum : undefined;
}

/** One of each in turn until `count` are given; sources that end drop out. */
export function* roundRobin<T>(sources: Iterable<T>[], count: number): Generator<T> {
  let open = sources.map((source) => source[Symbol.iterator]());
  let given = 0;
  while (open.length > 0) {
    const still: Iterator<T>[] = [];
    for (const source of open) {
      if (given >= count) return;
      const next = source.next();
      if (next.done) continue;
      given += 1;
      still.push(source);
      yield next.value;
    }
    open = still;
  }
}
