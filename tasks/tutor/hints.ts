/**
 * Does a text show an answer? As a number, in words, as something to work out that makes it, or as a list in its order.
 *
 * Covers: the answer itself in other notations (1/2 and 2/4, 0.5 and 0.50), sums, differences, products and quotients of numbers that
 * stand there, brackets and all, row by row and part by part. Does not cover: numbers that the reader must look up elsewhere.
 */
import { Fraction } from 'fraction.js';

const WORDS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );
const NUMBER = /\d+(?:\.\d+)?/g;
/** Numbers with operators and brackets between them. */
const ROW = /[-−+*/×·()\d.\s]*\d[-−+*/×·()\d.\s]*/g;

const valueOf = (text: string): Fraction | undefined => {
  try {
    return new Fraction(text.replaceAll('−', '-'));
  } catch {
    return undefined;
  }
};

export function shows(text: string, answer: string): boolean {
  if (answer.includes(',')) return listShown(text, answer);
  const value = valueOf(answer)!;
  const size = value.abs();
  // With or without its sign: who knows the size knows nearly all.
  const same = (one: Fraction | undefined) => one !== undefined && one.abs().equals(size);
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  if (words.some((word) => WORDS.includes(word) && same(new Fraction(WORDS.indexOf(word))))) return true;
  if ((text.match(NUMBER) ?? []).some((one) => same(valueOf(one)))) return true;
  return (text.match(ROW) ?? []).some((row) => [...resultsIn(row)].some(same));
}

/** The numbers of a list, in its order, whatever stands between them. */
function listShown(text: string, answer: string): boolean {
  const wanted = answer.split(', ');
  const there: string[] = text.match(NUMBER) ?? [];
  return there.some((_, i) => wanted.every((one, j) => there[i + j] === one));
}

/** The values of all runs of neighbours that can be worked out by themselves. */
function* resultsIn(row: string): Generator<Fraction> {
  const tokens = row.match(/\d+(?:\.\d+)?|[-−+*/×·()]/g) ?? [];
  for (let from = 0; from < tokens.length; from++)
    for (let to = from + 2; to <= tokens.length; to++) {
      const value = valueOfRun(tokens.slice(from, to));
      if (value) yield value;
    }
}

/** By recursive descent: sums of products of signed numbers and brackets; undefined where it is no whole expression. */
function valueOfRun(tokens: readonly string[]): Fraction | undefined {
  let at = 0;
  const factor = (): Fraction | undefined => {
    const token = tokens[at++];
    if (token === '(') {
      const value = sum();
      return tokens[at++] === ')' ? value : undefined;
    }
    if (token === '-' || token === '−') return factor()?.neg();
    return token !== undefined && /\d/.test(token) ? new Fraction(token) : undefined;
  };
  const product = (): Fraction | undefined => {
    let value = factor();
    while (value && at < tokens.length && /[*×·/]/.test(tokens[at]!)) {
      const divides = tokens[at++] === '/';
      const by = factor();
      if (!by || (divides && by.equals(0))) return undefined;
      value = divides ? value.div(by) : value.mul(by);
    }
    return value;
  };
  const sum = (): Fraction | undefined => {
    let value = product();
    while (value && at < tokens.length && /[-−+]/.test(tokens[at]!)) {
      const minus = tokens[at++] !== '+';
      const more = product();
      if (!more) return undefined;
      value = minus ? value.sub(more) : value.add(more);
    }
    return value;
  };
  const value = sum();
  return at === tokens.length ? value : undefined;
}
