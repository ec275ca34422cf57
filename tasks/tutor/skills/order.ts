/** Which operation comes first. */
import { between, wholeNumber, type Item, type Misconception, type Skill } from '../skill.ts';

/** How somebody reads a row of operations: operators of a higher rank come first, those of one rank from the left. */
type Reading = { rank: Record<string, number>; brackets?: false };

const properly: Reading = { rank: { '*': 2, '+': 1, '-': 1 } };

const tokensOf = (text: string): string[] => text.match(/\d+|[-+*()]/g)!;

const apply = (x: bigint, operator: string, y: bigint): bigint =>
  operator === '*' ? x * y : operator === '+' ? x + y : x - y;

/** One operation after the other; `lines` are what each makes of the row. */
function evaluate(tokens: readonly string[], reading: Reading, lines?: string[]): bigint {
  let row = reading.brackets === false ? tokens.filter((token) => !'()'.includes(token)) : [...tokens];
  const open = row.lastIndexOf('(');
  if (open !== -1) {
    const close = row.indexOf(')', open);
    const inner = row.slice(open + 1, close);
    const value = evaluate(inner, reading, lines);
    return evaluate([...row.slice(0, open), String(value), ...row.slice(close + 1)], reading, lines);
  }
  while (row.length > 1) {
    const ranks = row.map((token, i) => (i % 2 === 1 ? reading.rank[token]! : -1));
    const at = ranks.indexOf(Math.max(...ranks));
    const value = apply(BigInt(row[at - 1]!), row[at]!, BigInt(row[at + 1]!));
    lines?.push(`${row[at - 1]}${row[at]}${row[at + 1]}=${value}`);
    row = [...row.slice(0, at - 1), String(value), ...row.slice(at + 2)];
  }
  return BigInt(row[0]!);
}

const of = (name: string, title: string, hint: string, reading: Reading): Misconception => ({
  name,
  skill: 'order',
  title,
  hint,
  answer: ({ text }) => String(evaluate(tokensOf(text), reading)),
});

const FIRST = 'Not everything is done from left to right. Which sign binds its numbers most closely?';

const misconceptions: Misconception[] = [
  of('left-to-right', 'works strictly from left to right', FIRST, { rank: { '*': 1, '+': 1, '-': 1 } }),
  of('adds-first', 'adds and subtracts before multiplying', FIRST, { rank: { '*': 1, '+': 2, '-': 2 } }),
  of(
    'addition-before-subtraction',
    'adds before subtracting, wherever they stand',
    'Plus and minus are of one rank. In which direction are they read?',
    { rank: { '*': 3, '+': 2, '-': 1 } },
  ),
  of('brackets-ignored', 'reads over brackets', 'What do brackets say about what comes first?', {
    ...properly,
    brackets: false,
  }),
];

/** By how many numbers they have; each level tells every pair of misconceptions apart with some of its forms. */
const FORMS: Record<number, string[]> = {
  1: ['a+b*c', 'a*b+c', 'a-b+c', '(a+b)*c', 'a*(b+c)', 'a-b*c', 'a-(b-c)'],
  2: ['a-b+c*d', 'a*b-c+d', '(a+b)*c-d', 'a+b*(c+d)', 'a*b+c*d', 'a-b+c-d'],
  3: ['a-b*c+d*e', '(a+b)*c-d+e', 'a*b-(c+d)*e', 'a-b+c*(d+e)'],
};

function itemOf(form: string, numbers: string[]): Item {
  const text = form.replaceAll(/[a-e]/g, (letter) => numbers['abcde'.indexOf(letter)]!);
  return { skill: 'order', text, level: numbers.length - 2, form, numbers };
}

export const order: Skill = {
  name: 'order',
  title: 'Order of operations',
  levels: [1, 2, 3],
  read(text) {
    const numbers = text.match(/\d+/g)?.map((one) => wholeNumber(one) ?? '') ?? [];
    if (numbers.length < 3 || numbers.length > 5 || numbers.some((one) => one === '' || one.length > 6))
      return undefined;
    let i = 0;
    const form = text.replaceAll(/\d+/g, () => 'abcde'[i++]!);
    return Object.values(FORMS).flat().includes(form) ? itemOf(form, numbers) : undefined;
  },
  draw(level, next) {
    const forms = FORMS[level]!;
    const form = forms[Math.floor(next() * forms.length)]!;
    for (;;) {
      const numbers = Array.from({ length: level + 2 }, () => String(between(2, 9, next)));
      // What is taken from stands first and is larger, so that answers seldom fall below zero.
      if (form.startsWith('a-')) numbers[0] = String(between(10, 60, next));
      if (new Set(numbers).size === numbers.length) return itemOf(form, numbers);
    }
  },
  truth: ({ text }) => String(evaluate(tokensOf(text), properly)),
  worked({ text }) {
    const lines: string[] = [];
    return { lines, answer: String(byDescent(tokensOf(text), lines)) };
  },
  readAnswer: wholeNumber,
  misconceptions,
};

/** The same by recursive descent: sums of products of numbers and brackets. */
function byDescent(tokens: readonly string[], lines: string[]): bigint {
  let at = 0;
  const say = (x: bigint, operator: string, y: bigint): bigint => {
    const value = apply(x, operator, y);
    lines.push(`${x}${operator}${y}=${value}`);
    return value;
  };
  const factor = (): bigint => {
    const token = tokens[at++]!;
    if (token !== '(') return BigInt(token);
    const value = sum();
    at += 1;
    return value;
  };
  const product = (): bigint => {
    let value = factor();
    while (tokens[at] === '*') value = say(value, tokens[at++]!, factor());
    return value;
  };
  const sum = (): bigint => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') value = say(value, tokens[at++]!, product());
    return value;
  };
  return sum();
}
