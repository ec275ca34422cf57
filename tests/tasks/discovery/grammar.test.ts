import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fit } from '../../../tasks/discovery/fit.ts';
import { hypothesesOf, hypothesisOf, structures } from '../../../tasks/discovery/grammar.ts';
import { LAWS, lawOf, SEEN_FAMILIES, UNSEEN_FAMILIES } from '../../../tasks/discovery/laws.ts';
import { gridOf, valuesOf } from '../../../tasks/discovery/simulator.ts';

const quantities = [
  { name: 'x', min: 0.5, max: 10 },
  { name: 'y', min: 1, max: 4 },
];

test('there are sixty laws and more in two kinds of families, and each is one of the hypotheses for its quantities', () => {
  expect(LAWS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(LAWS.map(({ name }) => name)).size).toBe(LAWS.length);
  expect(SEEN_FAMILIES.filter((one) => UNSEEN_FAMILIES.includes(one))).toEqual([]);
  expect([...SEEN_FAMILIES, ...UNSEEN_FAMILIES].toSorted()).toEqual(
    [...new Set(LAWS.map(({ family }) => family))].toSorted(),
  );
  const known = new Map<string, Set<string>>();
  for (const { name } of LAWS) {
    const law = lawOf(name, 5);
    const key = law.quantities.map((one) => one.name).join();
    if (!known.has(key)) known.set(key, new Set(hypothesesOf(law.quantities).map(({ text }) => text)));
    expect(known.get(key), name).toContain(law.truth.text);
    expect(law.parameters).toHaveLength(law.truth.parameters);
    expect(valuesOf(law, gridOf(law.quantities)).every(Number.isFinite), name).toBe(true);
  }
});

test('a seed gives a law its parameters, another seed others', () => {
  expect(lawOf('gravity', 7).parameters).toEqual(lawOf('gravity', 7).parameters);
  expect(lawOf('gravity', 7).parameters).not.toEqual(lawOf('gravity', 8).parameters);
  expect(() => lawOf('levity', 1)).toThrow('there is no law "levity"; known: gravity, gravity-screened');
});

test('every structure is another text, which reads as itself', () => {
  const found = hypothesesOf(quantities);
  expect(found).toHaveLength(structures(quantities).length);
  for (const { text, parameters } of found) {
    const again = hypothesisOf(text, quantities);
    expect(again.text).toBe(text);
    expect(again.parameters).toBe(parameters);
  }
});

test('parameters are named in the order in which they are met, whatever they were called', () => {
  const written = hypothesisOf('scale * x^p / (half + y)', quantities);
  expect(written.text).toBe('k1 * x^k2 / (k3 + y)');
  expect(hypothesesOf(quantities, { more: ['a * x'] })).toHaveLength(structures(quantities).length);
  expect(hypothesesOf(quantities, { more: ['a * x * cos(b * y)'] })).toHaveLength(
    structures(quantities).length + 1,
  );
  expect(() => hypothesisOf('a * z', quantities)).toThrow('has none of the quantities x, y');
  expect(() => hypothesisOf('x + y', quantities)).toThrow('no parameter');
  expect(() => hypothesisOf('a + b + c + d + f + g + h * x', quantities)).toThrow('more than 6 parameters');
  expect(hypothesisOf('a + b + c + d + f + g * x', quantities).parameters).toBe(6);
});

test('what an expression is linear in is seen', () => {
  const linear = (text: string) => hypothesisOf(text, quantities).linear;
  expect(linear('a * x^p + c')).toEqual([0, 2]);
  expect(linear('a * x * (1 + b * y)')).toEqual([0]);
  expect(linear('exp(a * x)')).toEqual([]);
  expect(linear('a + b * x + c * y')).toEqual([0, 1, 2]);
});

test('without noise the fit of the true structure gives back its parameters', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...LAWS.map(({ name }) => name)),
      fc.integer({ min: 1, max: 50 }),
      (name, seed) => {
        const law = lawOf(name, seed);
        const at = gridOf(law.quantities, 5);
        const measured = [...valuesOf(law, at)];
        const typical = Math.sqrt(measured.reduce((sum, one) => sum + one ** 2, 0) / measured.length);
        const found = fit(law.truth, { at, measured, sigma: measured.map(() => 1e-6 * typical) });
        for (const [i, value] of found.parameters.entries())
          expect(
            Math.abs(value / law.parameters[i]! - 1),
            `${name} ${seed}: ${found.parameters.join()}`,
          ).toBeLessThan(1e-3);
      },
    ),
    { numRuns: 60, seed: 1 },
  );
});
