import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processorTime } from '../support/cpu-time.ts';
import { verifyEquations } from '../../tasks/file/equations.ts';
import { fileTask } from '../../tasks/file/index.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';

const ok = (text: string) => verifyEquations(text).ok;

describe('equations that hold', () => {
  test.each([
    '3 * 4 = 12',
    '$1,200 / 4 = $300.',
    '20% of 50 = 10',
    'It has 1107 - 3 = <<1107-3=1104>>1104 apples',
    'She sold 48/2 = <<48/2=24>>24 clips in May.\nTogether 48+24 = 72 clips',
    '10/3 = 3.33',
    '$19.99 * 0.075 = $1.50',
    '3/12*100 = 25%',
    '80% + 20% = 100%',
    '(2 + 3) * 4 = 20',
    '2 + 3 * 4 = 14',
    '5 apples + 3 apples = 8 apples',
    '12 eggs / 3 people = 4 eggs',
    '16 - 3 - 4 = 9 eggs a day',
    '- 5 + 3 = 8',
    '2. 5 + 3 = 8',
    '6 × 7 = 42',
    '\\$5 \\times 2 = \\$10',
    '3 x 4 = 12',
    '0.1 + 0.2 = 0.3',
    '.5 + .5 = 1',
    '1/3 + 1/6 = 1/2',
    '4 - 6 = -2',
    '**12 + 3 = 15**',
    '200 * 5 = 1,000',
    '40 / 10 = 4 packs',
    '123456789012345678901234567890 + 1 = 123456789012345678901234567891',
    '10 / 3 = 3.3333333333333335',
    '0.1 + 0.2 = 0.30000000000000004',
    '2 / 3 = 66.66666666666667%',
    'He has (5 + 3 = 8) marbles',
    '5 * -3 = -15',
    '2 * (-4 + 1) = -6',
    '((1 + 2) * (3 + 4)) = 21',
  ])('%s', (text) => {
    expect(verifyEquations(text)).toMatchObject({ ok: true, score: 1 });
  });
});

describe('equations that do not hold', () => {
  test.each([
    ['15 + 4 = 20', '0 of 1 equations hold: "15 + 4 = 20", but it is "19"'],
    ['7/3 = 2', '0 of 1 equations hold: "7/3 = 2", but it is "2.3333"'],
    ['10/3 = 3.34', '0 of 1 equations hold: "10/3 = 3.34", but it is "3.3333"'],
    ['2 + 3 * 4 = 20', '0 of 1 equations hold: "2 + 3 * 4 = 20", but it is "14"'],
    ['200 * 5 = 10,000', '0 of 1 equations hold: "200 * 5 = 10,000", but it is "1000"'],
    ['Then, 5 + 2 = 8 apples.', '0 of 1 equations hold: "5 + 2 = 8 apples", but it is "7"'],
    ['5+3 = 8*2 = 16', '1 of 2 equations hold: "5+3 = 8*2", but it is "8"'],
    ['1 + 1 = 2\n2 + 2 = 5\nx = 3', '1 of 2 equations hold, 1 not checked: "2 + 2 = 5", but it is "4"'],
    ['10 / 3 = 3.3333333433', '0 of 1 equations hold: "10 / 3 = 3.3333333433", but it is "3.3333"'],
    ['He has (5 + 3 = 9) marbles', '0 of 1 equations hold: "5 + 3 = 9", but it is "8"'],
    ['3 - 5 = -3', '0 of 1 equations hold: "3 - 5 = -3", but it is "-2"'],
  ])('%s', (text, reason) => {
    expect(verifyEquations(text)).toMatchObject({ ok: false, reason });
  });
});

describe('what is no equation of numbers alone', () => {
  test.each([
    'x + 3 = 8',
    '2x + 3 = 7',
    '1 hour + 30 minutes = 90 minutes',
    '$2 - 50 cents = $1.50',
    '2 hours / 30 minutes = 4',
    '100 - 20% = 80',
    '3 million * 2 = 6',
    '2^3 = 8',
    '2 kg = 2 * 1000',
    'a = 5',
    '1,5 + 2 = 3,5',
    '5 >= 3',
    'f(2) + 1 = 4',
    'three plus 5 + 2 = 10',
    '2 * (5 + 3 = 8)',
    '5 + 3 == 8',
    'n := 5 + 3',
    'no equations',
    '',
  ])('%s is not held against it, nor for it', (text) => {
    const { ok: held, score, reason } = verifyEquations(text);
    expect(held).toBeUndefined();
    expect(score).toBeUndefined();
    expect(reason).toMatch(/^no equation of numbers to verify/);
  });
});

describe('exact arithmetic', () => {
  const whole = fc.integer({ min: 1, max: 1_000_000 });
  test('passes the right result and no other', () => {
    fc.assert(
      fc.property(whole, whole, fc.integer({ min: -3, max: 3 }), (a, b, error) => {
        expect(ok(`So ${a.toLocaleString('en-US')} + ${b} = ${a + b + error}.`)).toBe(error === 0);
        expect(ok(`${a} × ${b} = ${a * b + error}`)).toBe(error === 0);
        expect(ok(`${a * b + error} / ${b} = ${a}`)).toBe(error === 0);
      }),
    );
  });
  test('is not done in floating point', () => {
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        const sum = (BigInt(a) + BigInt(b)).toString().padStart(4, '0');
        const cents = (n: number) => `${Math.floor(n / 100)}.${String(n % 100).padStart(2, '0')}`;
        expect(
          ok(`${cents(a)} + ${cents(b)} = ${sum.slice(0, -2).replace(/^0+(?=\d)/, '')}.${sum.slice(-2)}`),
        ).toBe(true);
      }),
    );
  });
});

describe('sums of any length', () => {
  const terms = fc.array(fc.integer({ min: 0, max: 9_999 }), { minLength: 2, maxLength: 3_000 });
  test('are right or wrong like short ones, in linear time', () => {
    fc.assert(
      fc.property(
        terms,
        fc.constantFrom(' + ', '+', '  +  '),
        fc.integer({ min: -1, max: 1 }),
        (all, plus, off) => {
          const sum = all.reduce((a, b) => a + b, 0);
          const began = processorTime();
          expect(ok(`In all that is ${all.join(plus)} = ${sum + off} eggs.`)).toBe(off === 0);
          expect(began()).toBeLessThan(500);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('hostile text', () => {
  const tokens = [
    '1',
    '12,345',
    '.5',
    '9',
    '%',
    '$',
    '€',
    ' ',
    '	',
    '+',
    '-',
    '−',
    '*',
    '/',
    '×',
    'x',
    ' x ',
    ' of ',
    '(',
    ')',
    '=',
    '"',
    "'",
    '.',
    ',',
    ':',
    ';',
    'a',
    'apples',
    ' apples',
    'é',
    '\\frac',
    '\\,',
    '{,}',
    '<<',
    '>>',
    '**',
    '`',
    '#',
    '_',
    '\n',
    '\u2028',
    '🙂',
    '\ud800',
    '1 + ',
    '(1',
    '1)',
    '1 apples + ',
    '- 1. ',
    '=1',
  ];
  test('of any two tokens, repeated up to 100,000 characters, takes little time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...tokens),
        fc.constantFrom('', ...tokens),
        fc.constantFrom('', '=1', '1+1=2'),
        (a, b, end) => {
          const unit = a + b;
          const text = unit.repeat(Math.floor((99_990 - end.length) / unit.length)) + end;
          const began = processorTime();
          verifyEquations(text);
          expect(began()).toBeLessThan(1000);
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);

  test.each([
    ['sums without an end', '1+'.repeat(49_000) + '1=1'],
    ['brackets', '('.repeat(99_000) + '='],
    ['signs', '= '.repeat(400)],
    ['a number without an end', `${'9'.repeat(90_000)} + 1 = 1`],
    ['words', `${'aa bb '.repeat(16_000)}= 1`],
    ['terms and units', '1 + aa bb '.repeat(30).concat(' = 1\n').repeat(300)],
  ])('of %s takes little time', (_, text) => {
    const began = processorTime();
    expect(ok(text)).not.toBe(true);
    expect(began()).toBeLessThan(2000);
  });
  test('that is too long to be verified as a whole is not verified at all', () => {
    expect(verifyEquations('1 + 1 = 2\n'.repeat(1001)).ok).toBeUndefined();
    expect(verifyEquations('1 + 1 = 2\n'.repeat(1000)).ok).toBe(true);
    expect(verifyEquations(`1 + 1 = 2\n${' '.repeat(100_000)}`)).toMatchObject({
      ok: undefined,
      reason: expect.stringContaining('> 100000: not verified'),
    });
  });
});

test('a task file asks for it, and a task without it can verify nothing', async () => {
  const file = {
    name: 'words',
    prompts: { file: 'p.jsonl' },
    benchmarks: [{ name: 'target', role: 'target', file: 'b.jsonl' }],
    answer: { read: 'hash' },
  };
  const load = (more: object) =>
    fileTask({ kind: 'file', path: 't.yaml', task: fileTaskSchema.parse({ ...file, ...more }) });
  expect(load({}).verify).toBeUndefined();
  const verify = load({ verify: { equations: true } }).verify!;
  const sample = { request: 'q', rationale: '2 + 2 = 5\n#### 5', answer: '5' };
  expect(await verify({ key: 'q', text: 'q' }, sample)).toMatchObject({ ok: false });
  expect(fileTaskSchema.safeParse({ ...file, verify: { equations: false } }).success).toBe(false);
});

const GSM8K = process.env['GSM8K_FILE'];
test.skipIf(!GSM8K || !existsSync(GSM8K))('hardly ever fails a solution of GSM8K', () => {
  const rows = readFileSync(GSM8K!, 'utf8').trim().split('\n');
  const failed = rows.filter((row) => ok((JSON.parse(row) as { answer: string }).answer) === false);
  expect(failed.length / rows.length).toBeLessThan(0.01);
});
