/** SVAMP (Patel, Bhattamishra and Goyal 2021, arXiv 2103.07191) as prompts and held-out problems, and other forms of a problem. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BenchmarkItem, Rewrite } from '../../tasks/task.ts';
import { equal, numbersOf, readEquation, withNumbers, written, type Equation } from './equation.ts';

type Row = { ID: string; Body: string; Question: string; Answer: number; Type: string };
export type Problem = BenchmarkItem;

const HELD_OUT = 300;

/** The rank of something in a random order that a seed gives. */
const rank = (seed: number | string, key: string): string =>
  createHash('sha256').update(`${seed}\n${key}`).digest('hex');

export function shuffled<T>(items: readonly T[], seed: number | string, keyOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, at: rank(seed, keyOf(item)) }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ item }) => item);
}

export const keyOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, ' ')
    .trim();

export function textOf({ Body, Question }: Pick<Row, 'Body' | 'Question'>): string {
  const body = Body.trim().replaceAll(/\s+/g, ' ');
  return `${/[.?!]$/.test(body) ? body : `${body}.`} ${Question.trim().replaceAll(/\s+/g, ' ')}`;
}

/** 700 problems to learn from, whose answers nothing but a report reads, and 300 held out; which are which, the seed says. */
export function split(seed: number): { pool: Problem[]; heldOut: Problem[] } {
  const rows = JSON.parse(readFileSync(new URL('SVAMP.json', import.meta.url), 'utf8')) as Row[];
  const problems = rows.map((row): Problem => {
    const text = textOf(row);
    return { key: keyOf(text), text, answer: written(row.Answer), group: row.Type.toLowerCase() };
  });
  const order = shuffled(problems, `svamp/${seed}`, ({ key }) => key);
  return { pool: order.slice(HELD_OUT), heldOut: order.slice(0, HELD_OUT) };
}

const timesFactor = (text: string, factor: number): string =>
  text.replace(/\d+(?:\.\d+)?/g, (number) => written(Number(number) * factor));

/** An equation in multiples of the problem's numbers as one in the numbers themselves. */
const divided =
  (factor: number) =>
  (answer: string): string | undefined => {
    const equation = readEquation(answer);
    return equation && withNumbers(equation, (value) => value / factor);
  };

/**
 * The problem as it is and in other numbers, each for an equation and, at the odd places, for a program: samples take the two ways of
 * asking in turn, and each way errs in its own way.
 */
export function formsOf(text: string): Rewrite[] {
  const factor = Math.max(0, ...numbersOf(text)) > 40 ? 2 : 3;
  const other = timesFactor(text, factor);
  const asIs = (answer: string) => answer;
  return [
    { key: 'as-it-is', kind: 'equation', text, mapBack: asIs },
    { key: 'program', kind: 'program', text, mapBack: asIs },
    { key: `x${factor}`, kind: 'equation', text: other, mapBack: divided(factor) },
    { key: `program,x${factor}`, kind: 'program', text: other, mapBack: divided(factor) },
  ];
}

/** What speaks against an equation as the answer to `text`, without knowing the answer; undefined: nothing does. */
export function objection(
  text: string,
  { left: expression, value, stated, used }: Equation,
): string | undefined {
  if (!equal(value, stated)) return `${expression} is ${written(value)}, not ${written(stated)}`;
  if (used.length < 2) return 'works nothing out';
  const left = numbersOf(text);
  const whole = left.every(Number.isInteger);
  for (const number of used) {
    const at = left.findIndex((one) => equal(one, number));
    if (at < 0) return `${written(number)} is not in the problem, or not as often`;
    left.splice(at, 1);
  }
  if (value < 0) return `${written(value)} is less than nothing: a problem asks how many or how much`;
  if (whole && !equal(value, Math.round(value)))
    return `${written(value)} is not whole, the problem's numbers are`;
  return undefined;
}
