import fc from 'fast-check';
import { expect, it } from 'vitest';
import { distinctChoices } from '../../models/choices.ts';

it('takes the first of a choice that is given twice, and puts choices in order', () => {
  const choices = [
    { index: 1, text: 'b' },
    { index: 0, text: 'a' },
    { index: 1, text: 'again' },
  ];
  expect(distinctChoices(choices)).toEqual([
    { index: 0, text: 'a' },
    { index: 1, text: 'b' },
  ]);
});

it('leaves choices as they are when one has no index', () => {
  const choices = [{ index: 1 }, {}, null];
  expect(distinctChoices(choices)).toEqual(choices);
});

it('keeps all of as many as were asked for, however they are numbered', () => {
  const zeros = [0, 0, 0, 0].map((index, i) => ({ index, text: `draw ${i}` }));
  expect(distinctChoices(zeros, 4)).toEqual(zeros);
  expect(distinctChoices(zeros, 3)).toEqual(zeros);
  const halves = [0, 1, 0, 1].map((index, i) => ({ index, text: `draw ${i}` }));
  expect(distinctChoices(halves, 4)).toEqual(halves);
  // Fewer than asked for, and one of them twice: what is missing is asked for again.
  expect(distinctChoices(halves, 5)).toEqual(halves.slice(0, 2));
  expect(distinctChoices(halves, 2)).toEqual(halves.slice(0, 2));
});

it('never throws away what it would have to ask for again', () => {
  const choices = fc.array(fc.record({ index: fc.nat(8) }), { maxLength: 12 });
  fc.assert(
    fc.property(choices, fc.integer({ min: 1, max: 8 }), (given, wanted) => {
      const kept = distinctChoices(given, wanted);
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(wanted, new Set(given.map((c) => c.index)).size));
      if (given.length >= wanted) expect(kept.length).toBeGreaterThanOrEqual(wanted);
      for (const one of kept) expect(given).toContain(one);
    }),
  );
});
