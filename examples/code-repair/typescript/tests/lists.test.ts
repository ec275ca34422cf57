import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunk, greatestSum, mergeSorted, mostFrequent, uniqueBy } from '../src/lists.ts';

describe('chunk', () => {
  test('equal pieces', () => {
    assert.deepEqual(chunk([1, 2, 3, 4], 2), [
      [1, 2],
      [3, 4],
    ]);
  });
  test('a shorter last piece', () => {
    assert.deepEqual(chunk(['a', 'b', 'c', 'd'], 3), [['a', 'b', 'c'], ['d']]);
  });
  test('pieces of one', () => {
    assert.deepEqual(chunk([1, 2], 1), [[1], [2]]);
  });
  test('a piece larger than the list', () => {
    assert.deepEqual(chunk([1, 2], 5), [[1, 2]]);
  });
  test('an empty list', () => {
    assert.deepEqual(chunk([], 2), []);
  });
  test('no size', () => {
    assert.throws(() => chunk([1], 0), RangeError);
  });
});

describe('mergeSorted', () => {
  test('by turns', () => {
    assert.deepEqual(mergeSorted([1, 3, 5], [2, 4, 6]), [1, 2, 3, 4, 5, 6]);
  });
  test('one after the other', () => {
    assert.deepEqual(mergeSorted([1, 2], [3, 4]), [1, 2, 3, 4]);
    assert.deepEqual(mergeSorted([3, 4], [1, 2]), [1, 2, 3, 4]);
  });
  test('equal numbers stay', () => {
    assert.deepEqual(mergeSorted([1, 2, 2], [2, 3]), [1, 2, 2, 2, 3]);
  });
  test('an empty list', () => {
    assert.deepEqual(mergeSorted([], [1, 2]), [1, 2]);
    assert.deepEqual(mergeSorted([1, 2], []), [1, 2]);
    assert.deepEqual(mergeSorted([], []), []);
  });
  test('lists stay', () => {
    const list = [1, 3];
    mergeSorted(list, [2]);
    assert.deepEqual(list, [1, 3]);
  });
});

describe('uniqueBy', () => {
  test('the first of each key', () => {
    assert.deepEqual(
      uniqueBy(['apple', 'avocado', 'banana'], (word) => word.charAt(0)),
      ['apple', 'banana'],
    );
  });
  test('the item is its own key', () => {
    assert.deepEqual(
      uniqueBy([3, 1, 3, 2, 1], (number) => number),
      [3, 1, 2],
    );
  });
  test('items with a key of their own', () => {
    const rows = [
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
      { id: 1, name: 'c' },
    ];
    assert.deepEqual(
      uniqueBy(rows, (row) => row.id).map((row) => row.name),
      ['a', 'b'],
    );
  });
  test('all alike', () => {
    assert.deepEqual(
      uniqueBy([4, 5, 6], () => 'same'),
      [4],
    );
  });
  test('an empty list', () => {
    assert.deepEqual(
      uniqueBy([], () => 1),
      [],
    );
  });
});

describe('mostFrequent', () => {
  test('by frequency', () => {
    assert.deepEqual(mostFrequent(['b', 'a', 'b', 'c', 'b', 'c'], 2), ['b', 'c']);
  });
  test('by the alphabet where equally often', () => {
    assert.deepEqual(mostFrequent(['pear', 'fig', 'kiwi'], 3), ['fig', 'kiwi', 'pear']);
  });
  test('frequency before the alphabet', () => {
    assert.deepEqual(mostFrequent(['a', 'z', 'z'], 1), ['z']);
  });
  test('fewer words than asked for', () => {
    assert.deepEqual(mostFrequent(['x', 'x'], 5), ['x']);
  });
  test('none', () => {
    assert.deepEqual(mostFrequent([], 3), []);
    assert.deepEqual(mostFrequent(['x'], 0), []);
  });
});

describe('greatestSum', () => {
  test('in the middle', () => {
    assert.equal(greatestSum([-2, 1, -3, 4, -1, 2, 1, -5, 4]), 6);
  });
  test('the whole list', () => {
    assert.equal(greatestSum([1, 2, 3]), 6);
  });
  test('all negative', () => {
    assert.equal(greatestSum([-3, -1, -2]), -1);
  });
  test('one number', () => {
    assert.equal(greatestSum([5]), 5);
    assert.equal(greatestSum([-5]), -5);
  });
  test('at the ends', () => {
    assert.equal(greatestSum([9, -10, 3]), 9);
    assert.equal(greatestSum([3, -10, 9]), 9);
  });
  test('an empty list', () => {
    assert.equal(greatestSum([]), 0);
  });
});
