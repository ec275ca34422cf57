/**
 * Which rationales of one prompt go the same way: those that compute the same things, however they word it, and where
 * nothing is computed, those that use the same words. Numbers count as they are: within a prompt they are what tells one
 * step from another.
 *
 * Does not see that two ways are one where the same numbers are added in another order, or where a step is told in words.
 */
import { jaccard, shingles } from './minhash.ts';

/** Least Jaccard similarity at which a rationale belongs to a cluster: half of what is in either is in both. */
const SAME_CLUSTER = 0.5;

/** Longer texts are compared by their beginning, and by the first of their steps: a model can write without end. */
const MAX_LENGTH = 50_000;
const MAX_STEPS = 500;
/** Words that may stand between a number and the next operator, as in `14 boxes per case = `. */
const UNIT_WORDS = 4;
/** Words per shingle, and words that are looked at. */
const SHINGLE = 3;
const MAX_WORDS = 400;

// A number is one token however long it is: matched as a part of a longer pattern it would be tried from each of its digits.
// `hours/day` is one word.
const TOKEN = /\d+(?:[.,]\d+)*|[\p{L}\p{M}]+(?:\/[\p{L}\p{M}]+)*|[^\s\p{L}\p{M}\d]/gu;
const WORD = /[\p{L}\p{N}]+/gu;

/** Operators by their signs and as LaTeX has them. `x` is one between numbers. */
const OPERATORS = new Map(
  Object.entries({
    '+': '+',
    '-': '-',
    '−': '-',
    '–': '-',
    '*': '*',
    '×': '*',
    '·': '*',
    x: '*',
    times: '*',
    cdot: '*',
    '/': '/',
    '÷': '/',
    div: '/',
    '=': '=',
    '≈': '=',
    '<': '<',
    '>': '>',
    '^': '^',
    '%': '%',
  }),
);
/** What may stand around a number and says nothing. */
const AROUND = new Set('$€£¥()[]{}\\,');

/** `5.00` is 5, and `1,000` is 1000. */
const numberOf = (token: string): string =>
  token.replaceAll(/,(?=\d{3}(?!\d))/g, '').replace(/\.0+$|(\.\d*[1-9])0+$/, '$1');

/** The calculations of a line, as `48/2=24`: numbers joined by operators, with their units as words behind them. */
function calculationsIn(line: string): string[] {
  const found: string[] = [];
  let calculation = '';
  let joined = '';
  let words = 0;
  const close = (): void => {
    if (/\d[^\d.,]/.test(calculation)) found.push(calculation);
    [calculation, joined, words] = ['', '', 0];
  };
  for (const token of line.match(TOKEN) ?? []) {
    const operator = OPERATORS.get(token);
    if (/^\d/.test(token)) {
      if (calculation !== '' && joined === '') close();
      calculation += joined + numberOf(token);
      [joined, words] = ['', 0];
    } else if (operator !== undefined) {
      if (calculation !== '') joined += operator;
    } else if (!AROUND.has(token)) {
      // A word behind an operator, or too many behind a number, ends it.
      if (joined !== '' || ++words > UNIT_WORDS || !/^\p{L}/u.test(token)) close();
    }
  }
  close();
  return found;
}

/** Without bold print (two asterisks are no product) and without LaTeX around numbers; its fractions as quotients. */
const unmarked = (text: string): string =>
  text
    .replaceAll('**', ' ')
    .replaceAll(/\\(?:text|mathrm)\{[^{}\n]{0,80}\}/g, ' ')
    .replaceAll(/\\[dt]?frac\{([^{}\n]{1,80})\}\{([^{}\n]{1,80})\}/g, '$1/$2');

/** What a rationale is compared by. */
function structureOf(rationale: string): Set<string> {
  const text = unmarked(rationale.slice(0, MAX_LENGTH).toLowerCase());
  const calculations = new Set(text.split(/\r?\n/).flatMap(calculationsIn));
  // A range, a score or a date alone computes nothing.
  const computes = [...calculations].some((calculation) => calculation.includes('='));
  if (!computes) return shingles((text.match(WORD) ?? []).slice(0, MAX_WORDS), SHINGLE);
  return new Set([...calculations].slice(0, MAX_STEPS));
}

/**
 * The cluster of each rationale, numbered from 0 in the order in which they come. Each joins the first cluster whose first
 * rationale is like it, so those before never change their cluster. A prompt's samples are few and what is looked at of each
 * is bounded: they are compared as they are, not by signatures.
 */
export function clustersOf(rationales: readonly string[], same: number = SAME_CLUSTER): number[] {
  const firsts: Set<string>[] = [];
  return rationales.map((rationale) => {
    const structure = structureOf(rationale);
    const known = firsts.findIndex((first) => jaccard(first, structure) >= same);
    return known >= 0 ? known : firsts.push(structure) - 1;
  });
}
