import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, namesIn, parseExpression, written } from '../../../tasks/discovery/expression.ts';

const valueOf = (text: string, values: Record<string, number>): number => {
  const names = Object.keys(values);
  const out = new Float64Array(1);
  compile(parseExpression(text), names, [])(
    names.map((name) => Float64Array.of(values[name]!)),
    [],
    out,
  );
  return out[0]!;
};

test('signs bind as people write them', () => {
  expect(valueOf('2 + 3 * x^2', { x: 4 })).toBe(50);
  expect(valueOf('2^3^2', {})).toBe(512);
  expect(valueOf('8 / 4 / 2', {})).toBe(1);
  expect(valueOf('-(x^2)', { x: 3 })).toBe(-9);
  expect(valueOf('x^-2', { x: 2 })).toBe(0.25);
  expect(valueOf('max(x - 3, 0) + min(x, 1) + exp(0) + sqrt(16)', { x: 2 })).toBe(6);
});

const tree: fc.Arbitrary<string> = fc
  .letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('x', 'y', 'k1', '2', '0.5'),
      fc
        .tuple(tie('node'), fc.constantFrom('+', '-', '*', '/'), tie('node'))
        .map(([a, sign, b]) => `(${a}) ${sign} (${b})`),
      tie('node').map((of) => `(abs(${of}) + 1)^2`),
      tie('node').map((of) => `tanh(${of})`),
      tie('node').map((of) => `-(1 * (${of}))`),
    ),
  }))
  .node.filter((text) => text.length < 250);

test('what is written of an expression reads as the same expression', () => {
  fc.assert(
    fc.property(tree, fc.double({ min: 0.1, max: 9, noNaN: true }), (text, x) => {
      const values = { x, y: 1.7, k1: -0.3 };
      const again = written(parseExpression(text));
      expect(written(parseExpression(again))).toBe(again);
      const [one, other] = [valueOf(text, values), valueOf(again, values)];
      if (Number.isFinite(one)) expect(other).toBeCloseTo(one, 9);
      else expect(other).toBe(one);
      expect(namesIn(parseExpression(again))).toEqual(namesIn(parseExpression(text)));
    }),
  );
});

test.each([
  ['process.exit(1)', 'calls'],
  ['x.constructor', 'MemberExpression'],
  ['[x]', 'ArrayExpression'],
  ['x = 1', "can't be read"],
  ['x y', 'Compound'],
  ['x ? 1 : 2', 'ConditionalExpression'],
  ['"x"', 'Literal'],
  ['x && y', 'has &&'],
  ['!x', 'UnaryExpression'],
  ['eval(x)', 'calls eval'],
  ['exp(x, y)', 'gives exp other than 1 values'],
  ['max(x)', 'gives max other than 2 values'],
  ['exp', 'without brackets'],
  ['toString(x)', 'calls toString'],
  ['-x^2', 'a minus before a power'],
  ['(x', "can't be read"],
  ['', 'Compound'],
  [`${'x + '.repeat(74)}x`, 'more than 100 parts'],
  [' '.repeat(301), 'longer than 300'],
])('%s is refused, saying why', (text, why) => {
  expect(() => parseExpression(text)).toThrow(why);
});

test('limits: 300 characters and 100 parts are read', () => {
  expect(valueOf('1'.padEnd(300), {})).toBe(1);
  // 50 names, 49 signs: 99 parts; a minus makes the hundredth.
  expect(valueOf(`-x${' + x'.repeat(49)}`, { x: 1 })).toBe(48);
});
