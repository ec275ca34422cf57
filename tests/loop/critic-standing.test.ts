import { expect, it } from 'vitest';
import { criticDoubt, fisherGreater } from '../../loop/critic-standing.ts';

const of = (failed: number, judged: number) => ({ failed, judged });
const counts = (planted: [number, number], real: [number, number], unscored = 0) => ({
  asked: planted[1] + real[1] + unscored,
  unscored,
  planted: of(...planted),
  real: of(...real),
});

it.each([
  // The hypergeometric tail in exact integers (Python: sums of math.comb).
  [of(8, 8), of(1, 12), 7.144e-5],
  [of(4, 8), of(4, 12), 0.38831],
  [of(0, 8), of(0, 8), 1],
  [of(3, 4), of(1, 4), 0.2429],
])('the test of %o against %o has p = %d', (first, second, p) => {
  expect(fisherGreater(first, second)).toBeCloseTo(p, 4);
});

it.each([
  ['catches what is planted and passes the rest', counts([8, 8], [2, 30]), undefined],
  ['catches what is planted, of a generator whose work is mostly bad', counts([8, 8], [20, 25]), undefined],
  ['was asked too little', counts([0, 3], [0, 30]), undefined],
  ['gives no verdict', counts([1, 1], [2, 2], 4), 'it gave no readable verdict on 4 of 7 samples'],
  [
    'passes everything',
    counts([0, 8], [0, 30]),
    'it is no better than chance: it rejected 0 of 8 planted bad samples and 0 of 30 others',
  ],
  [
    'guesses',
    counts([4, 8], [14, 30]),
    'it is no better than chance: it rejected 4 of 8 planted bad samples and 14 of 30 others',
  ],
  [
    'rejects everything',
    counts([8, 8], [30, 30]),
    'it is no better than chance: it rejected 8 of 8 planted bad samples and 30 of 30 others',
  ],
])('a critic that %s', (_, found, doubt) => {
  expect(criticDoubt(found)).toBe(doubt);
});
