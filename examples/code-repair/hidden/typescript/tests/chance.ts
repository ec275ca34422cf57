/** Numbers that look like chance and are the same each time (mulberry32). */

export type Chance = {
  /** A whole number from `low` to `high`, both included. */
  whole: (low: number, high: number) => number;
  one: <T>(of: readonly T[]) => T;
  text: (letters: string, longest: number) => string;
};

export function seeded(seed: number): Chance {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  const one = <T>(of: readonly T[]): T => of[whole(0, of.length - 1)]!;
  const text = (letters: string, longest: number) =>
    Array.from({ length: whole(0, longest) }, () => one(letters.split(''))).join('');
  return { whole, one, text };
}
