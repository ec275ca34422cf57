import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processorTime } from '../support/cpu-time.ts';
import { checkCoherence } from '../../tasks/file/coherence.ts';
import { fileTask } from '../../tasks/file/index.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import { behindThinking } from '../../tasks/thinking.ts';
import { canonicalNumber } from '../../tasks/file/number.ts';
import { canonical, finderOf, stated, type Comparison, type Reading } from '../../tasks/file/read.ts';

type Compare = Comparison['compare'];

const read = (reading: Reading, text: string, compare: Compare = 'numeric'): string | undefined =>
  stated(finderOf(reading), { compare }, text)?.answer;

/** Rows in the shape of GSM8K, with the ways in which its known answers are written. */
const GSM8K_LIKE: [string, string][] = [
  ['Ann has 3 bags of 4 apples: 3*4 = <<3*4=12>>12 apples.\n#### 12', '12'],
  ['He pays 2*$5 = $<<2*5=10>>10.\nHe gets 20-10 = $<<20-10=10>>10 back.\n#### 10', '10'],
  ['They sell 1,200*2 = <<1200*2=2400>>2400 a day.\n#### 2,400', '2400'],
  ['A year has 365*24 = <<365*24=8760>>8760 hours.\n#### 8,760', '8760'],
  ['The state has 109,200,000 trees.\n#### 109,200,000', '109200000'],
  ['It was 5 and fell by 8, so 5-8 = <<5-8=-3>>-3.\n#### -3', '-3'],
  ['Half of 7 is <<7/2=3.5>>3.5.\n#### 3.5', '3.5'],
  ['Nothing is left: 4-4 = <<4-4=0>>0.\n#### 0', '0'],
  ['30/100 = 30%.\n#### 30', '30'],
  ['Price: $18.50.\n#### 18.50', '18.5'],
  ['So 48/2 = 24.\nAnd 48+24 = 72.\n#### 72', '72'],
  ['A quarter of 10 is .25*10 = 2.5.\nTwice that is 5.\n#### 5', '5'],
];

describe('the canonical form of a number', () => {
  test.each([
    ['1,000', '1000'],
    ['1000', '1000'],
    ['1,234,567.80', '1234567.8'],
    ['0.5', '0.5'],
    ['.50', '0.5'],
    ['1/2', '0.5'],
    ['2/4', '0.5'],
    ['1/3', '1/3'],
    ['-2/6', '-1/3'],
    ['\\frac{1}{2}', '0.5'],
    ['-\\dfrac{4}{6}', '-2/3'],
    ['$5', '5'],
    ['-$5', '-5'],
    ['$-5', '-5'],
    ['5 €', '5'],
    ['\\$5', '5'],
    ['50%', '50'],
    ['50\\%', '50'],
    ['12.', '12'],
    ['12.0', '12'],
    ['−7', '-7'],
    ['–7', '-7'],
    ['+7', '7'],
    ['-0', '0'],
    ['0', '0'],
    ['**12**', '12'],
    ['**12.**', '12'],
    ['$12$', '12'],
    ['\\(12\\)', '12'],
    ['1{,}000', '1000'],
    ['1\\,000', '1000'],
    ['0.000001', '0.000001'],
    ['1024/1000000', '0.001024'],
  ])('of %s is %s', (text, expected) => {
    expect(canonicalNumber(text)).toBe(expected);
  });

  test.each([
    '',
    ' ',
    '.',
    '-',
    '$',
    '1,5',
    '1,00',
    '12,34,567',
    '007',
    '1 000',
    '1/0',
    '1/2/3',
    '1.2.3',
    '1.5/2',
    '--5',
    '-$-5',
    '12kg',
    'x',
    '10^2',
    '10²',
    '１２',
    'NaN',
    'Infinity',
    '1e5',
    '0x10',
    '9'.repeat(300),
  ])('is not given for %s', (text) => {
    expect(canonicalNumber(text)).toBeUndefined();
  });

  test('is the same for the same value, and is its own canonical form', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 50 }),
        (top, bottom, factor) => {
          const one = canonicalNumber(`${top}/${bottom}`);
          expect(canonicalNumber(`${top * factor}/${bottom * factor}`)).toBe(one);
          expect(canonicalNumber(one!)).toBe(one);
        },
      ),
    );
    fc.assert(
      fc.property(fc.integer(), (n) => {
        expect(canonicalNumber(n.toLocaleString('en-US'))).toBe(String(n));
      }),
    );
  });
});

describe('reading the last number', () => {
  test.each([
    ['48/2 = 24, so the answer is 72.', '72'],
    ['She has $1,234.50 left', '1234.5'],
    ['The answer is **12**.', '12'],
    ['Antwort: \\(-3\\)', '-3'],
    ['It falls to −4 degrees.', '-4'],
    ['Loss: -$20', '-20'],
    ['that is 50 % of it', '50'],
    ['that is 3/4 of it', '0.75'],
    ['we get \\frac{3}{4}.', '0.75'],
    ['= 5\n- 12', '12'],
    ['Total: 7 apples!', '7'],
    ['4 times 1{,}000 is 4{,}000', '4000'],
    ['about 12kg', '12'],
  ])('of %j gives %s', (text, expected) => {
    expect(read({ read: 'last-number' }, text)).toBe(expected);
  });

  test.each([
    'no digits at all',
    'made of H2O',
    'COVID-19',
    'on 2024-05-01',
    'at 5:30',
    'either 1,2',
    'in all 1 000',
    'that is 10^2',
    'that is 10²',
    'that is 3*4',
    'it is 10 - 5',
    'pages 3-5',
    'version 1.2.3',
    'agent 007',
    'x_1',
    `${'1'.repeat(300)}`,
    `${' '.repeat(100_001)}5`,
  ])('guesses nothing from %j', (text) => {
    expect(read({ read: 'last-number' }, text)).toBeUndefined();
  });
});

describe('reading what follows ####', () => {
  test.each(GSM8K_LIKE)('of %j gives %s', (text, expected) => {
    expect(read({ read: 'hash' }, text)).toBe(expected);
  });
  test.each([
    ['with a unit in words', 'a\n#### 72 clips', '72'],
    ['with markdown', 'a\n#### **72**', '72'],
    ['in the line', 'a\nThe answer is #### 72', '72'],
    ['stated twice alike', '#### 72\nso\n#### 72.0', '72'],
    ['after headings', '#### First step\nx\n#### Answer follows\ny\n#### 72', '72'],
  ])('takes a number %s', (_, text, expected) => {
    expect(read({ read: 'hash' }, text)).toBe(expected);
  });
  test.each([
    ['nothing', ''],
    ['no mark', 'the answer is 72'],
    ['a mark without an answer', 'a\n####'],
    ['two different answers', '#### 71\nno, wait\n#### 72'],
    ['a heading at the end', '#### 72\n#### Check'],
    ['another number of marks', '### 72\n##### 72'],
    ['two numbers', '#### 3 hours 20 minutes'],
    ['words before the number', '#### it is 72'],
  ])('reads none out of %s', (_, text) => {
    expect(read({ read: 'hash' }, text)).toBeUndefined();
  });

  test.skipIf(!process.env['GSM8K_FILE'])('gives every known answer of the file in GSM8K_FILE', () => {
    const rows = readFileSync(process.env['GSM8K_FILE']!, 'utf8').trim().split('\n');
    const misread = rows.filter((row) => {
      const { answer } = JSON.parse(row) as { answer: string };
      return read({ read: 'hash' }, answer) !== answer.split('####')[1]!.trim().replaceAll(',', '');
    });
    expect(misread).toEqual([]);
  });
});

describe('reading a box', () => {
  test.each([
    ['\\boxed{72}', '72'],
    ['thus $\\boxed{\\frac{1}{2}}$.', '0.5'],
    ['\\boxed{72\\text{ dollars}}', '72'],
    ['\\boxed {7}', '7'],
    ['boxed{7}', '7'],
    ['\\boxed{5} and again \\boxed{5.0}', '5'],
    ['\\boxed{\\boxed{5}}', '5'],
    ['a } stray brace, then \\boxed{5}', '5'],
  ])('of %j gives %s', (text, expected) => {
    expect(read({ read: 'boxed' }, text)).toBe(expected);
  });
  test('keeps nested and escaped braces', () => {
    expect(read({ read: 'boxed' }, '\\boxed{\\{1, \\frac{1}{2}\\}}', 'exact')).toBe('\\{1, \\frac{1}{2}\\}');
  });
  test.each([
    '\\boxed{72',
    '\\boxed{72\\}',
    '\\boxed{5} then \\boxed{6',
    '\\boxed{1} or \\boxed{2}',
    '\\boxed{}',
  ])('reads none out of %j', (text) => {
    expect(read({ read: 'boxed' }, text)).toBeUndefined();
  });
});

describe("reading by a user's pattern", () => {
  const pattern = String.raw`^Answer: (\w+)$`;
  test('takes the group, wherever the line stands', () => {
    expect(read({ read: 'pattern', pattern }, 'work\nAnswer: yes\n', 'exact')).toBe('yes');
    expect(read({ read: 'pattern', pattern }, 'Answer: yes\nAnswer: no', 'exact')).toBeUndefined();
    expect(read({ read: 'pattern', pattern }, 'none', 'exact')).toBeUndefined();
    expect(read({ read: 'pattern', pattern: 'x(y)?' }, 'x', 'exact')).toBeUndefined();
  });
  test('gives up on a pattern that takes for ever, and on a text that is too long', () => {
    const started = processorTime();
    expect(read({ read: 'pattern', pattern: '^(?:(a+)+)$' }, `${'a'.repeat(40)}!`, 'exact')).toBeUndefined();
    expect(started()).toBeLessThan(1000);
    expect(read({ read: 'pattern', pattern: '(a)' }, 'a'.repeat(100_001), 'exact')).toBeUndefined();
  });
});

describe('a text that a pattern can not read in time', () => {
  const task = fileTask({
    kind: 'file',
    path: 't.yaml',
    task: fileTaskSchema.parse({
      name: 'slow',
      prompts: { file: 'p.jsonl' },
      benchmarks: [{ name: 'target', role: 'target', file: 'b.jsonl' }],
      answer: { read: 'pattern', pattern: '^(?:(a+)+)$' },
    }),
  });
  const hostile = `${'a'.repeat(40)}!`;
  test('is told apart from one that states nothing', () => {
    expect(task.unreadable!(hostile)).toBe('not read: the pattern took too long on 41 characters');
    expect(task.checkFormat('q', hostile)).toEqual({ ok: false, reason: task.unreadable!(hostile) });
    expect(task.unreadable!('b')).toBeUndefined();
    expect(task.checkFormat('q', 'b').reason).toBe('no answer could be read (pattern, 1 characters)');
  });
  test('is tried once, however often it is asked about', () => {
    const text = `${hostile}?`;
    const spent = processorTime();
    for (let i = 0; i < 20; i++) {
      expect(task.readAnswer(text)).toBeUndefined();
      expect(task.checkFormat('q', text).ok).toBe(false);
      expect(task.unreadable!(text)).toBeDefined();
    }
    expect(spent()).toBeLessThan(800);
  });
  test('and a reply of many such texts holds the process for less than a second', () => {
    const spent = processorTime();
    for (let i = 0; i < 12; i++) expect(task.unreadable!(`${hostile}${'?'.repeat(i + 2)}`)).toBeDefined();
    expect(spent()).toBeLessThan(1000);
    expect(task.readAnswer('aaaa')).toBe('aaaa');
  });
  test('and behind thinking it is, too', () => {
    expect(behindThinking(task).unreadable!(`<think>x</think>${hostile}`)).toBeDefined();
    expect(behindThinking(task).unreadable!(`<think>${hostile}</think>aaa`)).toBeUndefined();
  });
});

describe('comparing answers', () => {
  test('exactly overlooks surrounding space only', () => {
    expect(canonical(' Yes ', { compare: 'exact' })).toBe('Yes');
    expect(canonical('', { compare: 'exact' })).toBeUndefined();
    expect(canonical('x'.repeat(1001), { compare: 'exact' })).toBeUndefined();
  });
  test('normalised overlooks case, spacing, width, quotes and the final period', () => {
    for (const text of ['New  York', '"new york."', '**NEW\nYORK**', 'Ｎｅｗ Ｙｏｒｋ', '“New York”'])
      expect(canonical(text, { compare: 'normalised' })).toBe('new york');
    expect(canonical('"."', { compare: 'normalised' })).toBeUndefined();
    expect(canonical('not new york', { compare: 'normalised' })).not.toBe('new york');
  });
});

describe('coherence of a rationale', () => {
  const check = (
    text: string,
    answer = '72',
    reading: Reading = { read: 'hash' },
    compare: Compare = 'numeric',
  ) => checkCoherence(finderOf(reading), { compare }, text, answer);

  test('is a step at least and then the answer, with no other number after it', () => {
    expect(check('48/2 = 24\n48+24 = 72\n#### 72')).toEqual({
      ok: true,
      reason: '2 steps before the answer, no other number after it',
    });
    expect(check('It is 48 + 24. So the answer is 72.', '72', { read: 'last-number' }).ok).toBe(true);
    expect(check('A step.\n#### 72\nHope this helps!').ok).toBe(true);
  });
  test('needs a step', () => {
    expect(check('#### 72').reason).toBe('0 steps before the answer, at least 1 is needed');
    expect(check('\n\n---\n#### 72').ok).toBe(false);
    expect(check('The answer is 72.', '72', { read: 'last-number' }).ok).toBe(false);
  });
  test('needs the answer to be the last number stated', () => {
    expect(check('a step\n#### 72\nor rather 73').reason).toBe(
      'another number follows the answer: "or rather 73"',
    );
    expect(check('a step\n#### 72\nthat is, 72.').ok).toBe(true);
  });
  test('takes units, remarks on rounding and ends of sentences in other scripts for what they are', () => {
    const boxed = (text: string) => check(text, '42', { read: 'boxed' });
    expect(boxed('A step.\nSo $\\boxed{42}\\text{ cm}^2$').ok).toBe(true);
    expect(boxed('A step.\nSo \\boxed{42} (to 2 d.p.)').ok).toBe(true);
    expect(boxed('先算。所以 \\boxed{42}').ok).toBe(true);
    expect(boxed('पहले जोड़ें। तो \\boxed{42}').ok).toBe(true);
    expect(boxed('A step.\nSo \\boxed{42} and then 43.').ok).toBe(false);
    expect(check('A step.\n#### 72<|end_of_turn_1|>').ok).toBe(true);
  });
  test('needs the answer to be what is stated', () => {
    expect(check('a step\n#### 71').reason).toBe('states "71", not "72"');
    expect(check('a step').reason).toBe('no answer is stated');
  });
});

describe('hostile text', () => {
  const tokens = [
    '\\boxed{',
    '\\boxed',
    '{',
    '}',
    '\\',
    '#### 1',
    '#',
    '1',
    ',',
    '.',
    '-',
    '$',
    '%',
    '\\frac{1}{',
    '\\fbox{',
    '\\text{',
    '\\left(',
    '\\begin{',
    '####\n',
    '\\#',
    '＃',
    'Answer: ',
    'one ',
    ' and ',
    '(',
    ')',
    '[',
    '"',
    '*',
    '_',
    '`',
    '<|a|>',
    '<think>',
    '½',
    '²',
    '٤',
    '±',
    '√',
    ' km',
    '=',
    '^',
    '|',
    '{,}',
    ',\\!',
    '\u200b',
    '\ud800',
    '🙂',
    ' ',
    '\n',
    'a',
    '/',
  ];
  const readings = [
    { read: 'value' },
    { read: 'last-number' },
    { read: 'hash' },
    { read: 'boxed' },
    { read: 'pattern', pattern: '^Answer: (.*)$' },
  ] as const;
  const compares = ['numeric', 'math', 'normalised', 'exact'] as const;
  test('of any two tokens, repeated up to 100,000 characters, is read in little time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...tokens),
        fc.constantFrom('', ...tokens),
        fc.constantFrom(...readings),
        fc.constantFrom(...compares),
        (a, b, reading, compare) => {
          const text = (a + b).repeat(Math.floor(100_000 / (a + b).length));
          const began = processorTime();
          const find = finderOf(reading);
          const answer = stated(find, { compare }, text)?.answer ?? '5';
          checkCoherence(find, { compare }, text, answer);
          expect(began()).toBeLessThan(1000);
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);
});
