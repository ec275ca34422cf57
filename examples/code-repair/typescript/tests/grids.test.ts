import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { polygonArea, regionSize, sharedArea, spiral, turnRight } from '../src/grids.ts';

describe('sharedArea', () => {
  test('corners over each other', () => {
    assert.equal(sharedArea({ x: 0, y: 0, width: 4, height: 3 }, { x: 2, y: 1, width: 5, height: 5 }), 4);
  });
  test('one within the other', () => {
    assert.equal(sharedArea({ x: 0, y: 0, width: 9, height: 9 }, { x: 2, y: 3, width: 2, height: 3 }), 6);
    assert.equal(sharedArea({ x: 2, y: 3, width: 2, height: 3 }, { x: 0, y: 0, width: 9, height: 9 }), 6);
  });
  test('touching', () => {
    assert.equal(sharedArea({ x: 0, y: 0, width: 2, height: 2 }, { x: 2, y: 0, width: 2, height: 2 }), 0);
  });
  test('apart both ways', () => {
    assert.equal(sharedArea({ x: 0, y: 0, width: 1, height: 1 }, { x: 5, y: 5, width: 1, height: 1 }), 0);
  });
  test('apart one way', () => {
    assert.equal(sharedArea({ x: 0, y: 0, width: 4, height: 1 }, { x: 1, y: 5, width: 2, height: 1 }), 0);
    assert.equal(sharedArea({ x: 0, y: 0, width: 1, height: 4 }, { x: 5, y: 1, width: 1, height: 2 }), 0);
  });
});

describe('polygonArea', () => {
  test('a rectangle', () => {
    const corners: [number, number][] = [
      [1, 1],
      [4, 1],
      [4, 3],
      [1, 3],
    ];
    assert.equal(polygonArea(corners), 6);
  });
  test('a triangle, either way round', () => {
    const triangle: [number, number][] = [
      [1, 2],
      [5, 2],
      [2, 5],
    ];
    assert.equal(polygonArea(triangle), 6);
    assert.equal(polygonArea(triangle.toReversed()), 6);
  });
  test('an area with a half', () => {
    const corners: [number, number][] = [
      [0, 0],
      [1, 0],
      [0, 1],
    ];
    assert.equal(polygonArea(corners), 0.5);
  });
  test('a bay', () => {
    const corners: [number, number][] = [
      [0, 0],
      [4, 0],
      [4, 4],
      [2, 1],
      [0, 4],
    ];
    assert.equal(polygonArea(corners), 10);
  });
  test('too few corners', () => {
    assert.equal(polygonArea([]), 0);
    assert.equal(
      polygonArea([
        [1, 2],
        [3, 5],
      ]),
      0,
    );
  });
});

describe('turnRight', () => {
  test('a square', () => {
    assert.deepEqual(
      turnRight([
        [1, 2],
        [3, 4],
      ]),
      [
        [3, 1],
        [4, 2],
      ],
    );
  });
  test('a wide grid becomes a high one', () => {
    assert.deepEqual(
      turnRight([
        ['a', 'b', 'c'],
        ['d', 'e', 'f'],
      ]),
      [
        ['d', 'a'],
        ['e', 'b'],
        ['f', 'c'],
      ],
    );
  });
  test('one row', () => {
    assert.deepEqual(turnRight([[1, 2, 3]]), [[1], [2], [3]]);
  });
  test('one column', () => {
    assert.deepEqual(turnRight([[1], [2], [3]]), [[3, 2, 1]]);
  });
  test('an empty grid', () => {
    assert.deepEqual(turnRight([]), []);
  });
});

describe('regionSize', () => {
  test('a region and the one around it', () => {
    const grid = ['#####', '#..##', '##.##', '#####'];
    assert.equal(regionSize(grid, 1, 1), 3);
    assert.equal(regionSize(grid, 0, 0), 17);
  });
  test('corners do not hang together', () => {
    assert.equal(regionSize(['#.', '.#'], 0, 0), 1);
    assert.equal(regionSize(['.#', '#.'], 0, 1), 1);
  });
  test('all directions', () => {
    assert.equal(regionSize([' x ', 'xxx', ' x '], 1, 1), 5);
    assert.equal(regionSize(['xxx', 'x x', 'xxx'], 2, 2), 8);
  });
  test('one cell', () => {
    assert.equal(regionSize(['a'], 0, 0), 1);
  });
  test('outside', () => {
    assert.equal(regionSize(['ab'], 1, 0), 0);
    assert.equal(regionSize(['ab'], 0, 2), 0);
    assert.equal(regionSize([], 0, 0), 0);
  });
});

describe('spiral', () => {
  test('a square', () => {
    assert.deepEqual(
      spiral([
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ]),
      [1, 2, 3, 6, 9, 8, 7, 4, 5],
    );
  });
  test('a wide grid', () => {
    assert.deepEqual(
      spiral([
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10, 11, 12],
      ]),
      [1, 2, 3, 4, 8, 12, 11, 10, 9, 5, 6, 7],
    );
  });
  test('a high grid', () => {
    assert.deepEqual(
      spiral([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
      [1, 2, 4, 6, 8, 7, 5, 3],
    );
  });
  test('one row and one column', () => {
    assert.deepEqual(spiral([['a', 'b', 'c']]), ['a', 'b', 'c']);
    assert.deepEqual(spiral([['a'], ['b'], ['c']]), ['a', 'b', 'c']);
  });
  test('an empty grid', () => {
    assert.deepEqual(spiral([]), []);
  });
});
