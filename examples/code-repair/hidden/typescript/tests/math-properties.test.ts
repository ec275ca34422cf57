import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { binomial, integerRoot, leastCommonMultiple, percentile, roundTo } from '../src/math.ts';
import { seeded } from './chance.ts';

const chance = seeded(3);

describe('binomial', () => {
  test('as in the triangle of Pascal', () => {
    let row = [1];
    for (let n = 0; n < 40; n++) {
      for (let k = -2; k <= n + 2; k++) assert.equal(binomial(n, k), row[k] ?? 0, `${n} ${k}`);
      row = [...row, 0].map((number, at) => number + (row[at - 1] ?? 0));
    }
  });
});

describe('leastCommonMultiple', () => {
  test('the first multiple of all', () => {
    for (let round = 0; round < 400; round++) {
      const numbers = Array.from(
        { length: chance.whole(0, 3) },
        () => chance.whole(1, 14) * chance.one([1, 1, -1]),
      );
      let expected = 1;
      while (numbers.some((number) => expected % number !== 0)) expected += 1;
      assert.equal(leastCommonMultiple(numbers), expected, numbers.join());
    }
  });
  test('zero among them', () => {
    for (const numbers of [[0], [0, 0], [0, 4], [4, 0], [6, 0, -3]])
      assert.equal(leastCommonMultiple(numbers), 0);
  });
});

describe('roundTo', () => {
  test('the nearest of all multiples', () => {
    for (let round = 0; round < 800; round++) {
      const step = chance.one([1, 2, 4, 5, 10, 0.5, 0.25]);
      const value = chance.whole(-120, 120) * chance.one([1, 0.5, 0.25]);
      const multiples = Array.from({ length: 1001 }, (_, at) => (at - 500) * step);
      // Of two that are equally near, the one further from zero.
      const [nearest] = multiples.toSorted(
        (a, b) => Math.abs(a - value) - Math.abs(b - value) || Math.abs(b) - Math.abs(a),
      );
      assert.equal(roundTo(value, step), nearest, `${value} ${step}`);
    }
  });
  test('no step', () => {
    for (const step of [0, -1, -0.5]) assert.throws(() => roundTo(7, step), RangeError);
  });
});

describe('percentile', () => {
  test('the smallest value that enough values do not exceed', () => {
    for (let round = 0; round < 600; round++) {
      const values = Array.from({ length: chance.whole(1, 12) }, () => chance.whole(-20, 120));
      const [percent, before] = [chance.whole(0, 100), [...values]];
      const enough = values.filter(
        (value) => values.filter((other) => other <= value).length * 100 >= percent * values.length,
      );
      assert.equal(percentile(values, percent), Math.min(...enough), `${values.join()} ${percent}`);
      assert.deepEqual(values, before);
    }
  });
  test('refused', () => {
    assert.throws(() => percentile([], 0), RangeError);
    for (const percent of [-0.1, -50, 100.5, 200])
      assert.throws(() => percentile([1, 2], percent), RangeError);
  });
});

describe('integerRoot', () => {
  test('between two squares', () => {
    for (let number = 0; number < 3000; number++) {
      const root = integerRoot(number);
      assert.ok(root >= 0 && root ** 2 <= number && number < (root + 1) ** 2, String(number));
    }
  });
  test('fractions and large numbers', () => {
    for (let round = 0; round < 300; round++) {
      const root = chance.whole(1, 90_000_000);
      assert.equal(integerRoot(root ** 2), root);
      assert.equal(integerRoot(root ** 2 - 1), root - 1);
    }
    for (let root = 1; root < 50; root++) assert.equal(integerRoot(root ** 2 - 0.5), root - 1);
  });
  test('negative', () => {
    for (const number of [-0.5, -1, -9]) assert.throws(() => integerRoot(number), RangeError);
  });
});
