import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimate } from '../../loop/minhash.ts';
import { rationaleSignature, templateOf } from '../../loop/rationale.ts';

const words = Array.from({ length: 400 }, (_, i) => `w${i}`);
const like = (a: string, b: string) => estimate(rationaleSignature(a), rationaleSignature(b));

describe('likeness of rationales', () => {
  test('is 1 for equal texts, whatever their case and spacing, and about 0 for others', () => {
    expect(like('The cat sat on the mat.', 'the  CAT sat\non the mat.')).toBe(1);
    expect(like(words.slice(0, 100).join(' '), words.slice(200, 300).join(' '))).toBeLessThan(0.05);
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

  test('compares the beginning of what is endless', () => {
    const endless = `${words.join(' ')} `.repeat(600);
    expect(like(endless, `${endless} and more`)).toBe(1);
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
