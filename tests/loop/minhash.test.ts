import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createBandIndex,
  estimate,
  jaccard,
  shingles,
  signatureOf,
  SIGNATURE_LENGTH,
} from '../../loop/minhash.ts';

/** Two sets with a known similarity: `shared` common elements, and as many others in each. */
function pairOf(shared: number, others: number, name: string): [Set<string>, Set<string>] {
  const common = Array.from({ length: shared }, (_, i) => `${name} common ${i}`);
  const own = (side: string) => Array.from({ length: others }, (_, i) => `${name} ${side} ${i}`);
  return [new Set([...common, ...own('left')]), new Set([...common, ...own('right')])];
}

describe('signatures', () => {
  test.each([
    [0.8, 80, 10],
    [0.5, 60, 30],
    [0.2, 20, 40],
  ])(
    'estimate a Jaccard similarity of %f without bias, within their standard error',
    (truth, shared, others) => {
      const errors = Array.from({ length: 300 }, (_, i) => {
        const [a, b] = pairOf(shared, others, `pair ${i}`);
        expect(jaccard(a, b)).toBeCloseTo(truth, 12);
        return estimate(signatureOf(a), signatureOf(b)) - truth;
      });
      const mean = errors.reduce((sum, e) => sum + e, 0) / errors.length;
      const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
      const expected = Math.sqrt((truth * (1 - truth)) / SIGNATURE_LENGTH);
      expect(Math.abs(mean)).toBeLessThan((4 * expected) / Math.sqrt(errors.length));
      expect(deviation / expected).toBeGreaterThan(0.85);
      expect(deviation / expected).toBeLessThan(1.15);
    },
  );

  test('are the same for the same set, in any order, and on every machine', () => {
    expect(signatureOf(['a b c', 'b c d'])).toEqual(signatureOf(['b c d', 'a b c']));
    expect(Array.from(signatureOf(['one two three']).subarray(0, 3))).toMatchInlineSnapshot(`
      [
        2876575259,
        393846620,
        3331125068,
      ]
    `);
  });

  test('of equal sets agree everywhere, of sets without a common element hardly anywhere', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 60 }), (elements) => {
        const signature = signatureOf(elements);
        expect(estimate(signature, signatureOf(elements.toReversed()))).toBe(1);
        expect(estimate(signature, signatureOf(elements.map((e) => `other ${e}`)))).toBeLessThan(0.2);
      }),
    );
  });
});

test('the bands find what is similar and leave most of the rest alone', () => {
  const index = createBandIndex();
  const pairs = Array.from({ length: 400 }, (_, i) => pairOf(80, 10, `entry ${i}`));
  pairs.forEach(([a], i) => index.add(i, signatureOf(a)));
  let others = 0;
  pairs.forEach(([, b], i) => {
    const found = index.candidates(signatureOf(b));
    expect(found.has(i)).toBe(true);
    others += found.size - 1;
  });
  expect(others / pairs.length).toBeLessThan(1);
});

test('shingles are the runs of neighbouring words, and a short text is one run', () => {
  expect([...shingles(['a', 'b', 'c', 'd'], 3)]).toEqual(['a b c', 'b c d']);
  expect([...shingles(['a', 'b'], 3)]).toEqual(['a b']);
  expect(shingles([], 3).size).toBe(0);
  expect(jaccard(new Set(), new Set())).toBe(1);
});
