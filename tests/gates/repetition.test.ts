import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repetition } from '../../gates/repetition.ts';
import type { GateContext, JudgedSample } from '../../gates/gate.ts';

const verdictOn = (text: string, max = 0.5) =>
  repetition.judge({ text } as JudgedSample, {} as GateContext, { max });

test('counts the runs of four words that stood in the text before, whatever their case and spacing', () => {
  // Ten words, seven runs, of which "a b c d" comes again once.
  expect(verdictOn('a b c d e f A  b\nc d')).toEqual({
    outcome: 'pass',
    score: 1 / 7,
    threshold: 0.5,
    reason: 'repetition 0.14 ≤ 0.50 (1 of 7 runs of 4 words stood there before)',
  });
});

test('passes a share of exactly the most allowed, and fails one above', () => {
  // Eight words, five runs of them, four of which stood there before.
  const text = 'no '.repeat(8);
  expect(verdictOn(text, 0.8)).toMatchObject({ outcome: 'pass', score: 0.8 });
  expect(verdictOn(text, 0.79)).toMatchObject({
    outcome: 'fail',
    reason: 'repetition 0.80 > 0.79 (4 of 5 runs of 4 words stood there before)',
  });
});

test('looks at characters where a text has no blanks, line breaks or not', () => {
  expect(verdictOn('他有三个苹果')).toMatchObject({
    score: 0,
    reason: 'repetition 0.00 ≤ 0.50 (0 of 3 runs of 4 characters stood there before)',
  });
  expect(verdictOn('苹果苹果\n苹果苹果\n苹果苹果').score).toBeGreaterThan(0.3);
  // A character beyond the basic plane is one, not two halves.
  expect(verdictOn('😀😀😀😀').reason).toContain('0 of 1 runs');
});

test.each(['', ' \n', 'one', 'one two three'])('has nothing to say against %j', (text) => {
  expect(verdictOn(text, 0)).toMatchObject({ outcome: 'pass', score: 0 });
});

test('is 0 where every word is another, and rises with each copy of a text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 2, max: 6 }), (words, copies) => {
      const text = Array.from({ length: words }, (_, i) => `w${i}`).join(' ');
      const times = (n: number) => verdictOn(Array.from({ length: n }, () => text).join(' ')).score!;
      expect(times(1)).toBe(0);
      expect(times(copies + 1)).toBeGreaterThan(times(copies));
    }),
  );
});
