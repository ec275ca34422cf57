/** `compare: math`. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processorTime } from '../support/cpu-time.ts';
import { fileTask } from '../../tasks/file/index.ts';
import { readMath, sameMath } from '../../tasks/file/math/same.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';

describe('answers in mathematics that are the same', () => {
  test.each([
    ['\\sqrt{8}', '2\\sqrt{2}'],
    ['(x+1)^2', 'x^2+2x+1'],
    ['\\frac{x^2-1}{x-1}', 'x+1'],
    ['\\{1,2\\}', '\\{2,1\\}'],
    ['50\\%', '\\frac12'],
    ['2\\frac12', '\\frac52'],
    ['x=3', '3'],
    ['\\sin^2x+\\cos^2x', '1'],
    ['\\binom{5}{2}', '10'],
    ['\\frac{1}{\\sqrt2}', '\\frac{\\sqrt2}{2}'],
    ['e^{i\\pi}', '-1'],
    ['90^\\circ', '90'],
    ['\\frac{\\pi}{2}', '\\frac{1}{2}\\pi'],
    ['(1,2)', '\\left(1,2\\right)'],
    ['[0,1)', '\\left[0, 1\\right)'],
    ['\\pm 2', '\\{-2,2\\}'],
    ['x=\\pm 2', 'x = 2 \\text{ or } x = -2'],
    ['(-\\infty,3)\\cup(5,\\infty)', '(5,\\infty) \\cup (-\\infty, 3)'],
    ['x>3', '3<x'],
    ['y=2x+1', '2x+1'],
    ['2x+3y=5', '4x+6y=10'],
    ['\\text{Monday}', 'monday'],
    ['(B)', 'B'],
    ['\\text{(B)}', 'B'],
    ['\\sqrt{12}+\\sqrt{27}', '5\\sqrt3'],
    ['\\sqrt{3+2\\sqrt2}', '1+\\sqrt2'],
    ['\\frac{1+\\sqrt5}{2}', '\\frac{2}{\\sqrt5-1}'],
    ['\\ln e^2', '2'],
    ['\\log_2 8', '3'],
    ['2^{10}', '1024'],
    ['5!', '120'],
    ['3x', 'x\\cdot 3'],
    ['10\\text{ cm}', '10'],
    ['1,000', '1000'],
    ['0.5', '1/2'],
    ['\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}', '\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}'],
    ['-\\frac{3}{4}', '\\frac{-3}{4}'],
    ['|{-5}|', '5'],
    ['\\sin 30^\\circ', '\\frac12'],
    ['\\frac{\\sqrt3}{3}', '\\tan\\frac{\\pi}{6}'],
    ['x^{-1}', '\\frac1x'],
    ['\\emptyset', '\\{\\}'],
    ['a+b', 'b+a'],
    ['3+2i', '2i+3'],
    ['f(x)=x^2', 'x^2'],
    ['1.5\\times10^3', '1500'],
    ['\\frac{1\\pm\\sqrt5}{2}', '\\left\\{\\frac{1+\\sqrt5}{2},\\frac{1-\\sqrt5}{2}\\right\\}'],
    ['\\sqrt[3]{8}', '2'],
    ['8^{1/3}', '2'],
    ['\\$5', '5'],
    ['0<x<1', '1>x>0'],
    ['1, 2', '1,2'],
    ['five', '5'],
    ['2(x+1)', '2x+2'],
    ['\\frac{a}{b}', 'a/b'],
    ['\\dfrac{\\pi}{3}', '\\pi/3'],
    ['6\\pi', '6π'],
    ['x_1', 'x_{1}'],
    ['\\sqrt2', '√2'],
  ])('%s is %s', (a, b) => {
    expect(sameMath(a, b)).toBe(true);
    expect(sameMath(b, a)).toBe(true);
  });
});

describe('answers in mathematics that are not the same, or not read', () => {
  test.each([
    ['[0,1)', '[0,1]'],
    ['(1,2)', '(2,1)'],
    ['\\sqrt2', '1.41421356'],
    ['\\pi', '3.14159'],
    ['\\pi', '22/7'],
    ['50\\%', '50'],
    ['x+1', 'x-1'],
    ['2x', 'x^2'],
    ['(1,2)', '[1,2]'],
    ['x>3', 'x<3'],
    ['x>3', 'x\\ge3'],
    ['\\{1,2\\}', '\\{1,2,3\\}'],
    ['\\sin x', '\\cos x'],
    ['\\sqrt{x^2}', 'x'],
    ['10^{20}', '10^{20}+1'],
    ['x+10^{12}', 'x+10^{12}+1'],
    ['\\log 100', '2'],
    ['1,2', '2,1'],
    ['2^3', '8x'],
    ['101_2', '5'],
    ['f(x)', 'fx'],
    ['1/2x', '\\frac{1}{2x}'],
    ['1/2x', '\\frac12 x'],
    ['yes', 'no'],
    ['A', 'B'],
    ['\\text{Monday}', '\\text{Tuesday}'],
    ['5\\text{ million}', '5'],
    ['3:4', '3/4'],
    ['x = 5, y = 6', 'x=6,y=5'],
    ['\\frac{1}{0}', '\\frac{2}{0}'],
    ['\\infty', '-\\infty'],
    ['N/A', 'N/A'],
    ['?', '?'],
    ['', ''],
  ])('%s is not %s', (a, b) => {
    expect(sameMath(a, b)).toBe(false);
    expect(sameMath(b, a)).toBe(false);
  });
});

describe('polynomials', () => {
  const coefficients = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 6 });
  const written = (all: number[]) => all.map((c, i) => `(${c})x^{${i}}`).join('+');
  test('are the same in any order and factored, and no other', () => {
    fc.assert(
      fc.property(coefficients, coefficients, fc.integer({ min: 1, max: 3 }), (a, b, off) => {
        const expanded = Array.from({ length: a.length + b.length - 1 }, (_, n) =>
          a.reduce((sum, c, i) => sum + c * (b[n - i] ?? 0), 0),
        );
        const factored = `(${written(a)})(${written(b)})`;
        expect(sameMath(factored, written(expanded))).toBe(true);
        expect(sameMath(factored, written(expanded.map((c, i) => (i === 0 ? c + off : c))))).toBe(false);
        expect(sameMath(factored, `${10n ** 15n}+${factored}`)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a task that compares so', () => {
  const task = fileTask({
    kind: 'file',
    path: 't.yaml',
    task: fileTaskSchema.parse({
      name: 'maths',
      prompts: { file: 'p.jsonl' },
      benchmarks: [{ name: 'target', role: 'target', file: 'b.jsonl' }],
      answer: { read: 'boxed', compare: 'math' },
    }),
  });
  test('reads the value of a fraction, and anything else as it stands', () => {
    expect(task.readAnswer('so $\\boxed{x = \\frac{3}{6}}$')).toBe('0.5');
    expect(task.readAnswer('so $\\boxed{2\\sqrt{2}}$')).toBe('2\\sqrt{2}');
    expect(task.readAnswer('so $\\boxed{f(x)}$')).toBeUndefined();
    expect(task.readAnswer('\\boxed{\\sqrt8}, that is \\boxed{2\\sqrt2}')).toBe('2\\sqrt2');
    expect(task.readAnswer('\\boxed{\\sqrt8}, or \\boxed{3\\sqrt2}')).toBeUndefined();
    expect(task.sameAnswer('2\\sqrt{2}', '\\sqrt{8}')).toBe(true);
    expect(task.checkCoherence('q', 'First a step.\nSo \\boxed{2\\sqrt2}', '2\\sqrt{2}').ok).toBe(true);
  });
});

describe('hostile answers', () => {
  test.each([
    '('.repeat(1000),
    '9^{9^{9^{9}}}',
    '1000000!',
    '(x+1)^{999999}',
    `${'\\sqrt{'.repeat(140)}2${'}'.repeat(140)}`,
    'x'.repeat(1000),
    `${'x+'.repeat(400)}x`,
    `${'\\frac{1}{'.repeat(90)}x${'}'.repeat(90)}`,
    '10^{1000}'.repeat(90),
    '|'.repeat(1000),
    '!'.repeat(1000),
    `${'2^'.repeat(400)}2`,
    '\\{'.repeat(400),
    `${'1,'.repeat(450)}1`,
    `${'x or '.repeat(150)}x`,
    `${'(1,'.repeat(200)}1${')'.repeat(200)}`,
    '\\pm'.repeat(300),
    '(a\\pm b)'.repeat(100),
    '\\binom{170}{85}'.repeat(60),
    `\\sqrt{${'9'.repeat(900)}}`,
  ])('%#: are read and compared in little time', (text) => {
    const began = processorTime();
    expect(() => readMath(text)).not.toThrow();
    sameMath(text, `${text} `);
    expect(began()).toBeLessThan(1000);
  });
  test('of any three tokens, repeated, too', () => {
    const token = fc.constantFrom(
      '1',
      'x',
      '+',
      '-',
      '*',
      '/',
      '^',
      '_',
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      '\\{',
      '\\}',
      '|',
      '!',
      ',',
      ' or ',
      '=',
      '<',
      '\\frac',
      '\\sqrt',
      '\\pm',
      '\\pi',
      '\\log',
      '\\sin',
      '%',
      '°',
      '\\binom',
      '∪',
      '\\infty',
      '.',
      ' ',
      '9999',
    );
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 3 }), (parts) => {
        const text = parts.join('').repeat(Math.floor(1000 / parts.join('').length));
        const began = processorTime();
        sameMath(text, `${text} `);
        expect(began()).toBeLessThan(1000);
      }),
      { numRuns: 500 },
    );
  });
});
