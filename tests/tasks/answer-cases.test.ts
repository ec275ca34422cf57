/** Answers that are hard to read, each with what is right: a wrong reading trains on what was not said, so there may be none. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonical,
  finderOf,
  sameForm,
  stated,
  type Comparison,
  type Reading,
} from '../../tasks/file/read.ts';

type Case = { answer: string; family: string } & (
  | { text: string; want: string | null | { not: string }; a?: undefined }
  | { a: string; b: string; same: boolean }
);
type Outcome = 'right' | 'wrong' | 'missed';

const cases = readFileSync(new URL('../fixtures/answers.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

/** `boxed, numeric` and `pattern '…', normalised` as a task file has them. */
function task(how: string): { reading: Reading; comparison: Comparison; state: (answer: string) => string } {
  const [read, compare = 'numeric'] = how.split(', ');
  const pattern = /'(.*)'/.exec(read!)?.[1];
  const comparison = { compare } as Comparison;
  if (pattern !== undefined)
    return { reading: { read: 'pattern', pattern }, comparison, state: (answer) => `Answer: ${answer}` };
  const state =
    read === 'hash'
      ? (answer: string) => `work\n#### ${answer}`
      : (answer: string) => `so \\boxed{${answer}}`;
  return { reading: { read } as Reading, comparison, state };
}

function outcome(one: Case): Outcome {
  const { reading, comparison, state } = task(one.answer);
  const find = finderOf(reading);
  const read = (text: string) => stated(find, comparison, text)?.answer;
  if (one.a === undefined) {
    const got = read(one.text);
    if (one.want === null) return got === undefined ? 'right' : 'wrong';
    if (typeof one.want === 'object') return got === canonical(one.want.not, comparison) ? 'wrong' : 'right';
    if (got === undefined) return 'missed';
    return got === canonical(one.want, comparison) ? 'right' : 'wrong';
  }
  const [a, b] = [read(state(one.a)), read(state(one.b))];
  const same = a !== undefined && b !== undefined && sameForm(a, b, comparison);
  if (same === one.same) return 'right';
  return same ? 'wrong' : 'missed';
}

const canBeRead = (one: Case): boolean => (one.a === undefined ? typeof one.want === 'string' : one.same);

test('none of the collected answers is read wrongly, and hardly one that can be read is missed', () => {
  const named = (which: Outcome) =>
    cases
      .filter((one) => outcome(one) === which)
      .map((one) => `${one.answer}: ${one.a === undefined ? one.text : `${one.a} | ${one.b}`}`);
  expect(named('wrong')).toEqual([]);
  expect(cases.filter(canBeRead)).toHaveLength(137);
  expect(named('missed').length).toBeLessThanOrEqual(9);
});

const read = (how: Reading['read'], text: string, compare: Comparison['compare'] = 'numeric') =>
  stated(finderOf({ read: how }), { compare }, text)?.answer;

describe('what goes on behind or before a number makes it another one, or none', () => {
  // Each is put behind `####`, into a box, and at the end of a sentence.
  test.each(
    `5 y|5 n|5 e|5 k|5 M|5 T|5 thousand|5 crores|5 milliard|5 Milliarden|5 millones|5 万|5 億|5 million dollars|5 dozen|5 gross|5 and a half|
     5 and a third|5 one-half|5 point 5|5 5|5 50|5 choose 2|5 cubed|5 to the power of 2|5 times x|5 times 3|5 plus 3|5 minus x|5 over 2|
     5 divided by 2|5 mod 7|5 (mod 7)|5 (x+1)|5 (in millions)|5 ± 1|±5|+-5|5 or 6|5 to 6|5-6|5–6|5 and 6|5, 6|between 5 and 6|<5|≤ 5|at least 5|
     less than 5|more than 5|5 < 6|not 5|isn't 5|5%x|5 percent of 60|half of 5|5!|√5|5√2|5 sqrt 2|5\\sqrt 2|\\sqrt{5}|5^2|5^{2}|5²|5_2|5_{10}|5 base 8|
     0x10|5i|5 + 2i|5π|5\\pi|5e|\\frac{5}{x}|\\frac{x}{5}|5x|2x = 10|x+1 = 5|x = 5 y|x = 5 or 6|x ≠ 5|x > 5|5:30|5 hours 30 minutes|5 ft 3 in|5' 3"|5'|5"|
     5°30'|5.5.5|1,2|1;2|(5, 6)|[5, 6]|{5, 6}|5 is wrong|5 is not right|5, not 6|5 or more|5+|5 × 4|5 * 4|5 x 4|5·4|5 / 0|C(5,2)|log 5|\\log 5|sin 5|
     5 below zero|five point five|five halves|two thirds|five dozen|5 sixths|5 twelfths|5 mln|5 Mrd|5 bn|5 lakh rupees|5 squared units|5 tens|5 x 10|10^3|
     4a|12 34|5 fewer than x|5%%|$5x$|\\(5x\\)|5\\text{x}|5\\text{ million}|5 \\times x|5 \\pm 1|\\{5\\}|\\infty|5 apples or 6|5 apples minus 2|5 apples, 6 pears|
     5 apples and six pears|5 out of 6|5/6/7|5 3/2|1/2/3|3 1/2 x|1⅓⅓|½x|2**10|e^5|x = 5 and y = 6|5 more than x|5 ...|10 % 7|x% 7|90° 5|n! 5|f(x) 5|
     \\pi' 5|5-th|5 th`
      .split('|')
      .map((text) => text.trim()),
  )('%s', (text) => {
    expect(read('hash', `work\n#### ${text}`)).toBeUndefined();
    expect(read('boxed', `so \\boxed{${text}}`)).toBeUndefined();
    expect(read('last-number', `it is ${text}`)).toBeUndefined();
  });
});

describe('a number is read with what says nothing about it', () => {
  test.each([
    ['42 red apples', '42'],
    ['5 kg/m^3', '5'],
    ['60 km/h', '60'],
    ['$5.00 per hour', '5'],
    ['12 sq ft', '12'],
    ['25 per cent', '25'],
    ['-5 °C', '-5'],
    ['1 1/2 cups', '1.5'],
    ['2.5e-3', '0.0025'],
    ['6.02 × 10^23', '602000000000000000000000'],
    ['The answer is 5', '5'],
    ['5 (five)', '5'],
    ['5.33 (to 2 d.p.)', '5.33'],
    ['5 ✅', '5'],
    ['5</s>', '5'],
    ['\\(5\\) cm', '5'],
    ['forty-two apples', '42'],
    ['one hundred and five', '105'],
    ['minus five', '-5'],
    ['1.000.000', '1000000'],
    ['1 000 000', '1000000'],
    ['N = 5', '5'],
    ['5 boxes of pens', '5'],
    ['US$5', '5'],
    ['007', '7'],
  ])('behind ####: %s', (text, value) => expect(read('hash', `work\n#### ${text}`)).toBe(value));

  test.each([
    ['$\\boxed{5}$ dollars', '5'],
    ['\\[x = \\boxed{5}\\]', '5'],
    ['$$\\boxed{5}$$', '5'],
    ['**\\boxed{5}**', '5'],
    ['\\boxed{5}\\text{ cm}^2', '5'],
    ['Step 1: \\boxed{5}', '5'],
    ['\\boxed{5\\ \\mathrm{km/h}}', '5'],
    ['\\boxed{2 \\frac{1}{2}}', '2.5'],
    ['\\boxed{1.5\\times10^{-3}}', '0.0015'],
    ['\\boxed{five}', '5'],
  ])('in a box: %s', (text, value) => expect(read('boxed', text)).toBe(value));

  test.each([
    '\\boxed{5} million',
    '\\boxed{5}x',
    '\\boxed{5}^2',
    '\\boxed{5}\\pi',
    '\\boxed{3}/\\boxed{4}',
    '\\sqrt{\\boxed{5}}',
    'the answer is not \\boxed{5}',
    '\\boxed{5} is wrong',
    '$-\\boxed{5}$',
    '\\boxed{5}\\text{ dozen}',
    '\\boxed{5} + 3',
    '3 \\times \\boxed{5}',
    '\\boxed{5m}',
    '\\boxed{2\\frac{3}{2}}',
  ])('and not where it is a part: %s', (text) => expect(read('boxed', text)).toBeUndefined());

  test.each([
    ['It is 5 m/s^2', '5'],
    ['It is 14 x 3 = 42.', '42'],
    ['it’s 5', '5'],
    ['a 12-hour shift', '12'],
    ['5.33, rounded to two decimal places', '5.33'],
    ['5—that is all', '5'],
    ['Well done! 5', '5'],
    ['(b) 5', '5'],
    ['For part (b) 5', '5'],
    ['A total (in dollars) 5', '5'],
    ['In the three boxes there are 5 for the two of them.', '5'],
    ['So the answer is forty-two.', '42'],
  ])('in prose: %s', (text, value) => expect(read('last-number', text)).toBe(value));

  test('a unit behind a box counts where the task lists its units', () => {
    const found = (text: string) =>
      stated(finderOf({ read: 'boxed' }), { compare: 'numeric', units: ['km'] }, text)?.answer;
    expect(found('\\boxed{5} km')).toBe('5');
    expect(found('$\\boxed{5}$')).toBe('5');
    expect(found('\\boxed{5}\\text{ miles}')).toBe('5 miles');
    expect(found('$\\boxed{5}$ miles')).toBe('5 miles');
  });

  test('whatever is glued to digits, no other number is read out of them', () => {
    const piece = fc.constantFrom(
      'x',
      '²',
      '^2',
      '√',
      '\\pi',
      '\\sqrt',
      '±',
      '/',
      '*',
      '+',
      '-',
      '(',
      ')',
      '|',
      '!',
      ':',
      ';',
      "'",
      ' ',
      '\\frac',
      '{',
      '}',
      '½',
      '%',
      '$',
      'km',
      'th',
      ',5',
      '.5',
      ' 5',
      '=',
      '<',
      '\\times',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 3 }),
        fc.array(piece, { maxLength: 3 }),
        fc.constantFrom('hash', 'boxed', 'last-number'),
        (left, right, how) => {
          const text = `${left.join('')}7${right.join('')}`;
          const shown =
            how === 'boxed' ? `\\boxed{${text}}` : how === 'hash' ? `#### ${text}` : `it is ${text}`;
          const got = read(how as Reading['read'], shown);
          // What is read is a 7 with its sign, its decimals, its fraction, its name and its unit; or it is nothing.
          // In running text digits further on, or behind the end of a sentence, are another number.
          if (
            got === undefined ||
            (how === 'last-number' && /5|[;!:=]|xx|-km/.test(text)) ||
            text.includes('}')
          )
            return;
          // So does a word with a space, or behind it a hyphen or stroke: `x% and 7`, `a 7-mile walk`.
          const near =
            how === 'last-number'
              ? text.replace(/^[^7]*[a-z]{2,}(?= )/, '').replace(/[ /-]\*?[a-z]{2,}.*/, '')
              : text;
          const rest = near
            .replace(/\/?\s*km(?:\s*(?:\^2|²)|\*(?:km|th))*/g, '')
            .replace(/^[\s:$]*[a-z]*7?[a-z]*\s*=/, '')
            .replace(/\*+(?=[^\p{L}]*$)/gu, '');
          expect(rest).not.toMatch(/[²√±|<^x]|\\(?:pi|sqrt|times)|7.*[+*][^*)]/);
          if (!/[½/]|5|frac/.test(rest)) expect(got.replace('-', '')).toBe('7');
          else expect(got).not.toBe('7');
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('normalised', () => {
  const same = (a: string, b: string) => {
    const [first, second] = [a, b].map((text) => canonical(text, { compare: 'normalised' }));
    return first !== undefined && first === second;
  };
  test.each([
    ['(B)', 'b.'],
    ['[B]', 'B:'],
    ['\\text{(E)}', 'E'],
    ['‘x’', 'x'],
    ['2,000', '2000'],
    ['\\frac12', '\\dfrac{1}{2}'],
    ['{"a": [1.0]}', '{"a":[1]}'],
    ['New York!', 'new york'],
  ])('%s is %s', (a, b) => expect(same(a, b)).toBe(true));
  test.each([
    ['x₁', 'x1'],
    ['1½', '11/2'],
    ['n!', 'n'],
    ['f″', 'f'],
    ['\\Delta', '\\delta'],
    ['1.10', '1.1'],
    ['B. Paris', 'B. London'],
    ['a_b', 'ab'],
    ["'a' or 'b'", 'a or b'],
    ['x*', 'x'],
    ['①', '1'],
    ['12345678901234567890', '12345678901234567891'],
    ['[12345678901234567890]', '[12345678901234567891]'],
  ])('%s is not %s', (a, b) => expect(same(a, b)).toBe(false));
  test.each([
    '?',
    '??',
    'N/A',
    'n/a',
    '-',
    "I don't know.",
    'I’m sorry, I can’t answer that.',
    'I cannot answer',
    '[answer]',
    'Cannot answer',
    '"?"',
  ])('%s is no answer', (text) => expect(canonical(text, { compare: 'normalised' })).toBeUndefined());
});

describe('thinking is not an answer', () => {
  test.each([
    '<think>\\boxed{42}</think> done',
    '<think>\\boxed{42}',
    '<THINK>\\boxed{42}</THINK>',
    '<thought>\\boxed{42}</thought>',
    '◁think▷\\boxed{42}◁/think▷ so',
    '<seed:think>\\boxed{42}</seed:think>',
    '<|begin_of_thought|>\\boxed{42}<|end_of_thought|>',
  ])('%s', (text) => expect(read('boxed', text)).toBeUndefined());
  test('what stands behind it is', () =>
    expect(read('boxed', '<think>\\boxed{41}</think>\\boxed{42}')).toBe('42'));
});
