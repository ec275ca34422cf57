/** Calls that tests hold, and calls like them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callsIn, neighbours } from '../../../tasks/code/calls.ts';
import { parse } from '../../../tasks/code/syntax.ts';

it('calls with literal arguments are found, each once, in order', () => {
  const tests = `
import shop
from shop import total, Cart

def test_total():
    assert total([1, 2], rate=-0.5) == 3
    assert shop.total({"a": [None, True]}, ()) == 1
    x = total(values)
    self.assertEqual(total([1, 2], rate=-0.5), total(f"{x}"))
    other.total(1)
    cart.total()
    assert Cart([1]).total(set(), float("inf")) == 2
`;
  expect(callsIn(tests, 't.py', 'total')).toEqual([
    'total([1, 2], rate=-0.5)',
    'shop.total({"a": [None, True]}, ())',
  ]);
  expect(callsIn(tests, 't.py', 'Cart.total')).toEqual(['Cart([1]).total(set(), float("inf"))']);
  const js = `
import { f } from './f.ts';
import * as all from './f.ts';
it('works', async () => {
  expect(await f({ a: [1, null], 'b': undefined, c }, x)).toBe(1);
  expect(await f({ a: [1, null], 'b': undefined }, -1, \`t\`)).toBe(1);
  all.f(new Set([1]), /a/);
  expect(new Stack([1]).pop()).toBe(1);
  f(\`\${x}\`); f(() => 1); f(...[1]); f();
});`;
  expect(callsIn(js, 't.ts', 'f')).toEqual([
    "f({ a: [1, null], 'b': undefined }, -1, `t`)",
    'all.f(new Set([1]), /a/)',
    'f()',
  ]);
  expect(callsIn(js, 't.ts', 'Stack.pop')).toEqual(['new Stack([1]).pop()']);
  expect(callsIn('f(1)', 't.md', 'f')).toEqual([]);
});

describe('neighbours', () => {
  it('differ in literals of every kind', () => {
    const of = (call: string) => neighbours(call, 'python', 'seed', 100);
    expect(of('f(3)')).toEqual(expect.arrayContaining(['f(4)', 'f(2)', 'f(0)', 'f(-3)']));
    expect(of('f("Ab")')).toEqual(expect.arrayContaining(['f("A")', 'f("AbAb")', 'f("AB")', 'f("")']));
    expect(of('f([1, 2])')).toEqual(
      expect.arrayContaining(['f([1])', 'f([1, 2, 1, 2])', 'f([2, 1])', 'f([])', 'f([2, 2])']),
    );
    expect(of('f(a=True)')).toEqual(['f(a=False)']);
    expect(of('f({"a": 1})')).toContain('f({"a": 2})');
    expect(of('Cart([1]).total()')).toContain('Cart([]).total()');
    expect(of('f()')).toEqual([]);
    expect(of('f(')).toEqual([]);
    expect(neighbours('f(-1.50, true)', 'typescript', 's', 100)).toEqual(
      expect.arrayContaining(['f(-0.50, true)', 'f(1.50, true)', 'f(0.00, true)', 'f(-1.50, false)']),
    );
  });
  it('are the same for the same seed, as many as asked for, none the call itself, and all calls', () => {
    const literal = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer({ min: -99, max: 99 }).map(String),
        fc.stringMatching(/^[a-z ]{0,5}$/).map((s) => `'${s}'`),
        tie('list'),
      ),
      list: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    })).value as fc.Arbitrary<string>;
    fc.assert(
      fc.property(
        fc.array(literal, { minLength: 1, maxLength: 3 }),
        fc.string(),
        fc.integer({ min: 0, max: 12 }),
        (args, seed, count) => {
          const call = `f(${args.join(', ')})`;
          for (const language of ['python', 'typescript'] as const) {
            const found = neighbours(call, language, seed, count);
            expect(neighbours(call, language, seed, count)).toEqual(found);
            expect(found.length).toBeLessThanOrEqual(count);
            expect(new Set([...found, call]).size).toBe(found.length + 1);
            for (const one of found) expect(parse(language, one).broken, one).toBe(false);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
