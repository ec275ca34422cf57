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
