import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { binomial, integerRoot, leastCommonMultiple, percentile, roundTo } from '../src/math.ts';

describe('binomial', () => {
  test('small ones', () => {
    assert.equal(binomial(5, 2), 10);
    assert.equal(binomial(6, 3), 20);
  });
  test('none and all', () => {
    assert.equal(binomial(7, 0), 1);
    assert.equal(binomial(7, 7), 1);
    assert.equal(binomial(0, 0), 1);
  });
  test('one and all but one', () => {
    assert.equal(binomial(9, 1), 9);
    assert.equal(binomial(9, 8), 9);
  });
  test('impossible choices', () => {
    assert.equal(binomial(3, 4), 0);
    assert.equal(binomial(3, -1), 0);
  });
  test('a large one', () => {
    assert.equal(binomial(49, 6), 13_983_816);
  });
});

describe('leastCommonMultiple', () => {
  test('two numbers', () => {
    assert.equal(leastCommonMultiple([4, 6]), 12);
    assert.equal(leastCommonMultiple([3, 5]), 15);
  });
  test('one divides the other', () => {
    assert.equal(leastCommonMultiple([3, 12]), 12);
    assert.equal(leastCommonMultiple([12, 3]), 12);
  });
  test('many', () => {
    assert.equal(leastCommonMultiple([2, 3, 4, 5, 6]), 60);
  });
  test('signs do not matter', () => {
    assert.equal(leastCommonMultiple([-4, 6]), 12);
  });
  test('zero', () => {
    assert.equal(leastCommonMultiple([5, 0, 3]), 0);
    assert.equal(leastCommonMultiple([0, 0]), 0);
  });
  test('one and none', () => {
    assert.equal(leastCommonMultiple([9]), 9);
    assert.equal(leastCommonMultiple([]), 1);
  });
});

describe('roundTo', () => {
  test('to the nearest multiple', () => {
    assert.equal(roundTo(13, 5), 15);
    assert.equal(roundTo(12, 5), 10);
  });
  test('halfway goes away from zero', () => {
    assert.equal(roundTo(15, 10), 20);
    assert.equal(roundTo(-15, 10), -20);
  });
  test('negative values', () => {
    assert.equal(roundTo(-12, 5), -10);
    assert.equal(roundTo(-1, 5), 0);
    assert.equal(roundTo(-4, 5), -5);
  });
  test('a step below one', () => {
    assert.equal(roundTo(1.3, 0.5), 1.5);
  });
  test('a multiple stays', () => {
    assert.equal(roundTo(0, 3), 0);
    assert.equal(roundTo(21, 7), 21);
  });
  test('no step', () => {
    assert.throws(() => roundTo(3, 0), RangeError);
    assert.throws(() => roundTo(3, -2), RangeError);
  });
});

describe('percentile', () => {
  test('in the middle', () => {
    assert.equal(percentile([15, 20, 35, 40, 50], 50), 35);
  });
  test('the nearest rank', () => {
    assert.equal(percentile([15, 20, 35, 40, 50], 30), 20);
    assert.equal(percentile([15, 20, 35, 40, 50], 40), 20);
    assert.equal(percentile([15, 20, 35, 40, 50], 41), 35);
  });
  test('the ends', () => {
    assert.equal(percentile([3, 1, 2], 0), 1);
    assert.equal(percentile([3, 1, 2], 100), 3);
  });
  test('numbers sort as numbers, and the list stays', () => {
    const values = [100, 9, 20];
    assert.equal(percentile(values, 10), 9);
    assert.deepEqual(values, [100, 9, 20]);
  });
  test('refused', () => {
    assert.throws(() => percentile([], 50), RangeError);
    assert.throws(() => percentile([1], -1), RangeError);
    assert.throws(() => percentile([1], 101), RangeError);
  });
});

describe('integerRoot', () => {
  test('squares', () => {
    assert.equal(integerRoot(49), 7);
    assert.equal(integerRoot(1_000_000), 1000);
  });
  test('around a square', () => {
    assert.equal(integerRoot(48), 6);
    assert.equal(integerRoot(50), 7);
  });
  test('the smallest', () => {
    assert.equal(integerRoot(0), 0);
    assert.equal(integerRoot(1), 1);
    assert.equal(integerRoot(2), 1);
    assert.equal(integerRoot(3), 1);
    assert.equal(integerRoot(4), 2);
  });
  test('fractions', () => {
    assert.equal(integerRoot(24.9), 4);
  });
  test('negative', () => {
    assert.throws(() => integerRoot(-4), RangeError);
  });
});
