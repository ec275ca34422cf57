/**
 * Seeded randomness, the same on every machine and in every replay: integer arithmetic only. The generator
 * is sfc32 (Chris Doty-Humphrey, PractRand), seeded by hashing a string, so that independent streams are
 * named in words: `random('run 7/iteration 3/replay')`.
 */

/** Gives the next number in [0, 1), with 53 random bits. */
export type Random = () => number;

/** A stream of its own for each seed. */
export function random(seed: string): Random {
  let [a, b, c] = hash(seed);
  let counter = 1;
  const next32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  // The first outputs of nearby seeds are alike until the state has been mixed.
  for (let i = 0; i < 15; i++) next32();
  return () => ((next32() >>> 6) * 2 ** 27 + (next32() >>> 5)) / 2 ** 53;
}

/** Three 32-bit words from a string: FNV-1a with different offsets, finished as in MurmurHash3. */
function hash(text: string): [number, number, number] {
  const word = (offset: number): number => {
    let h = 2166136261 ^ offset;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
    h = Math.imul(h ^ (h >>> 16), 2246822507);
    h = Math.imul(h ^ (h >>> 13), 3266489909);
    return h ^ (h >>> 16);
  };
  return [word(0), word(0x9e3779b9), word(0x85ebca6b)];
}

/** A whole number from low to high, both included. */
export function integer(next: Random, low: number, high: number): number {
  return low + Math.floor(next() * (high - low + 1));
}

/** A shuffled copy (Fisher–Yates). */
export function shuffle<T>(next: Random, items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = integer(next, 0, i);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

/** `count` of the items without repetition, all of them if there are fewer, in random order. */
export function sample<T>(next: Random, items: readonly T[], count: number): T[] {
  return shuffle(next, items).slice(0, Math.max(0, count));
}
