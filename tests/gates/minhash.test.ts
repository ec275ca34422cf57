import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signature, similarity, templateOf } from '../../gates/minhash.ts';

const words = Array.from({ length: 400 }, (_, i) => `w${i}`);
const like = (a: string, b: string, options = {}) => similarity(signature(a, options), signature(b, options));

describe('MinHash', () => {
  test('is 1 for equal texts, whatever their case and spacing, and about 0 for others', () => {
    expect(like('The cat sat on the mat.', 'the  CAT sat\non the mat.')).toBe(1);
    expect(like(words.slice(0, 100).join(' '), words.slice(200, 300).join(' '))).toBeLessThan(0.05);
  });

  test.each([0.2, 0.5, 0.8])('estimates a Jaccard likeness of %d', (jaccard) => {
    // Shingles of one word are a set whose overlap is known: |A ∩ B| / |A ∪ B|.
    const shared = Math.round((2 * 200 * jaccard) / (1 + jaccard));
    const a = words.slice(0, 200);
    const b = [...words.slice(0, shared), ...words.slice(200, 400 - shared)];
    const estimates = Array.from({ length: 20 }, (_, seed) =>
      like(a.join(' '), b.join(' '), { shingle: 1, hashes: 128, seed }),
    );
    const mean = estimates.reduce((sum, x) => sum + x, 0) / estimates.length;
    expect(Math.abs(mean - jaccard)).toBeLessThan(0.03);
  });

  test('tells a near-copy from other work on the same problem', () => {
    const one = 'Tom has 12 apples. He buys 5 more at the market. So he has 12 + 5 = 17 apples. #### 17';
    const copy = one.replace('at the market', 'at a market');
    const other = 'Adding what he buys to what is there, 5 and 12 make 17 in all. #### 17';
    expect(like(one, copy)).toBeGreaterThan(0.6);
    expect(like(one, other)).toBeLessThan(0.3);
  });

  test('depends on the order of words', () => {
    const text = words.slice(0, 60).join(' ');
    expect(like(text, words.slice(0, 60).toReversed().join(' '))).toBeLessThan(0.1);
  });

  test('is symmetric, within 0…1, and the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const value = like(a, b);
        expect(value).toBe(like(b, a));
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        expect(like(a, a)).toBe(1);
      }),
    );
  });

  test('takes texts shorter than a shingle, and none at all', () => {
    expect(like('one', 'one')).toBe(1);
    expect(like('one', 'two')).toBe(0);
    expect(like('', 'two')).toBe(0);
    expect(like('', '')).toBe(1);
  });

  test('compares only signatures of one kind', () => {
    expect(() => similarity(signature('a'), signature('a', { hashes: 8 }))).toThrow(
      "signatures of 64 and 8 places can't be compared",
    );
  });

  test('takes a megabyte in little time', () => {
    const began = performance.now();
    signature(`${words.join(' ')} `.repeat(600));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('a template', () => {
  test('is the same for the same sentences about other numbers and names', () => {
    const one = templateOf('Tom has 12 apples.\nHe buys 5 more, so 12 + 5 = 17.');
    expect(templateOf('Mary Ann has 1,300 apples. She buys 2.5 more, so 1,300 + 2.5 = 1,302.5.')).toBe(one);
    expect(templateOf('Tom has 12 pears.\nHe buys 5 more, so 12 + 5 = 17.')).not.toBe(one);
    expect(templateOf('Tom has 12 apples.\nHe buys 5 more, so 5 + 12 + 1 = 18.')).not.toBe(one);
  });
});
