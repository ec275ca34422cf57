/**
 * What a learner practises, and what can be wrong with it. Texts of items come in and become items; out come right answers, worked ones,
 * and the answers of those who have a misconception. Answers are canonical texts throughout, so that equal ones are the same text.
 */

/** One problem as it is put to a learner. */
export type Item = {
  skill: string;
  /** `503-278`, as a person would type it, without spaces. */
  text: string;
  level: number;
  /** The text with letters for its numbers: `a-b`. */
  form: string;
  /** The numbers, in the order of their letters. */
  numbers: string[];
};

/** A solution step by step, worked by other means than `truth`, so that each can verify the other. */
export type Worked = { lines: string[]; answer: string };

export type Misconception = {
  /** `smaller-from-larger`: unique in a catalogue. */
  name: string;
  skill: string;
  /** What the learner does, as a sentence without a subject: `takes the smaller digit from the larger`. */
  title: string;
  /** What a learner with it answers; the right answer where it does not show. */
  answer(item: Item): string;
  /** What to think about, in words: no numbers, so that it fits every item. */
  hint: string;
};

export type Skill = {
  name: string;
  title: string;
  /** Ascending. */
  levels: number[];
  /** The item of a text without spaces; undefined: it is of another skill. */
  read(text: string): Item | undefined;
  /** A random item of a level. */
  draw(level: number, next: () => number): Item;
  truth(item: Item): string;
  worked(item: Item): Worked;
  /** An answer as people write it in canonical form; undefined: it is none. */
  readAnswer(text: string): string | undefined;
  misconceptions: Misconception[];
};

export const below = (limit: number, next: () => number): number => Math.floor(next() * limit);
export const between = (low: number, high: number, next: () => number): number =>
  low + below(high - low + 1, next);

/** A number of exactly so many digits. */
export function digitsDrawn(digits: number, next: () => number): string {
  const first = between(1, 9, next);
  return String(first) + Array.from({ length: digits - 1 }, () => below(10, next)).join('');
}

/** `-007` is -7. */
export function wholeNumber(text: string): string | undefined {
  const found = /^([-−]?)0*(\d{1,40})$/.exec(text.trim());
  if (!found) return undefined;
  return found[2] === '0' || found[1] === '' ? found[2] : `-${found[2]}`;
}

/** Digits from the lowest place up. */
export const digitsOf = (number: string): number[] => number.split('').toReversed().map(Number);
export const numberOf = (digits: readonly (number | string)[]): string =>
  digits
    .toReversed()
    .join('')
    .replace(/^0+(?=\d)/, '');
