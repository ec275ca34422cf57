import { createHash } from 'node:crypto';

/** 48 random bits in [0, 1) for each pair of a seed and a key: SHA-256, the same on every machine. */
export function priority(seed: string, key: string): number {
  return createHash('sha256').update(`${seed}\n${key}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** A copy in the random order that the seed gives, whatever the order of the items before. */
export function shuffled<T>(items: readonly T[], seed: string, keyOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .map(({ item, key }) => ({ item, key, at: priority(seed, key) }))
    .sort((x, y) => x.at - y.at || (x.key < y.key ? -1 : 1))
    .map(({ item }) => item);
}

/** A stream of numbers in [0, 1): SHA-256 in counter mode. */
export function stream(seed: string): () => number {
  let counter = 0;
  return () => priority(seed, String(counter++));
}

/**
 * The same for who needs very many and no more than 32 bits each: sfc32 (Doty-Humphrey's PractRand), begun from SHA-256.
 */
export function fastStream(seed: string): () => number {
  const digest = createHash('sha256').update(seed).digest();
  let [a, b, c, counter] = [0, 4, 8, 12].map((at) => digest.readInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  return () => {
    const made = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + made;
    return (made >>> 0) / 2 ** 32;
  };
}

/** A random `size` of all the items ever added, without holding more than a few times as many. */
export type Sampler<T> = { add(key: string, item: T): void; take(): T[] };

/**
 * Bottom-k sampling (Cohen & Kaplan 2007, PODC): keep the `size` keys of lowest priority. The outcome depends
 * on the seed and the set of keys alone, not on their order, and a key that is added again counts once (the
 * first item stays).
 */
export function sampler<T>(seed: string, size: number): Sampler<T> {
  let kept = new Map<string, { at: number; item: T }>();
  let limit = Infinity;
  const prune = (): void => {
    const lowest = [...kept].sort(([a, x], [b, y]) => x.at - y.at || (a < b ? -1 : 1)).slice(0, size);
    kept = new Map(lowest);
    if (lowest.length === size) limit = lowest.at(-1)?.[1].at ?? -1;
  };
  return {
    add(key, item) {
      const at = priority(seed, key);
      if (at > limit || kept.has(key)) return;
      kept.set(key, { at, item });
      if (kept.size >= 2 * size + 1000) prune();
    },
    take() {
      prune();
      return [...kept.values()].map(({ item }) => item);
    },
  };
}
