import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { polygonArea, regionSize, sharedArea, spiral, turnRight, type Point } from '../src/grids.ts';
import { seeded } from './chance.ts';

const chance = seeded(5);
const someGrid = () => {
  const [height, width] = [chance.whole(1, 5), chance.whole(1, 5)];
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (__, column) => `${row},${column}`),
  );
};

describe('sharedArea', () => {
  test('square by square', () => {
    const someBox = () => ({
      x: chance.whole(0, 6),
      y: chance.whole(0, 6),
      width: chance.whole(1, 6),
      height: chance.whole(1, 6),
    });
    for (let round = 0; round < 500; round++) {
      const boxes = [someBox(), someBox()] as const;
      let expected = 0;
      for (let x = 0; x < 12; x++) {
        for (let y = 0; y < 12; y++) {
          const inAll = boxes.every(
            (box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height,
          );
          if (inAll) expected += 1;
        }
      }
      assert.equal(sharedArea(...boxes), expected, JSON.stringify(boxes));
    }
  });
});

describe('polygonArea', () => {
  test('corners round a hill, by strips between them', () => {
    for (let round = 0; round < 300; round++) {
      // The ground runs along y = 2; the hill above it never falls below.
      const hill: Point[] = Array.from({ length: chance.whole(2, 6) }, (_, at) => [
        at * 2 + 1,
        chance.whole(2, 9),
      ]);
      const corners: Point[] = [[1, 2], ...hill, [hill.length * 2 - 1, 2]];
      let expected = 0;
      for (let at = 1; at < hill.length; at++) expected += hill[at - 1]![1] - 2 + (hill[at]![1] - 2);
      assert.equal(polygonArea(corners), expected, JSON.stringify(corners));
      assert.equal(polygonArea(corners.toReversed()), expected);
      const turn = chance.whole(0, corners.length - 1);
      assert.equal(polygonArea([...corners.slice(turn), ...corners.slice(0, turn)]), expected);
    }
  });
  test('no area', () => {
    assert.equal(polygonArea([]), 0);
    assert.equal(polygonArea([[4, 7]]), 0);
    assert.equal(
      polygonArea([
        [4, 7],
        [9, 1],
      ]),
      0,
    );
  });
});

describe('turnRight', () => {
  test('each cell by itself', () => {
    for (let round = 0; round < 200; round++) {
      const grid = someGrid();
      const turned = turnRight(grid);
      assert.equal(turned.length, grid[0]!.length);
      for (const [row, cells] of grid.entries()) {
        for (const [column, cell] of cells.entries()) {
          assert.equal(turned[column]?.[grid.length - 1 - row], cell);
        }
      }
      assert.equal(turned.flat().length, grid.flat().length);
    }
  });
  test('four times is once round', () => {
    const grid = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    assert.deepEqual(turnRight(turnRight(turnRight(turnRight(grid)))), grid);
    assert.deepEqual(turnRight([]), []);
  });
});

describe('regionSize', () => {
  /** Every cell takes the least mark of its like neighbours until nothing changes. */
  function marks(grid: string[]): number[][] {
    const width = grid[0]!.length;
    const mark = grid.map((row, r) => row.split('').map((_, c) => r * width + c));
    for (let changed = true; changed;) {
      changed = false;
      for (const [r, row] of grid.entries()) {
        for (let c = 0; c < width; c++) {
          const near: Point[] = [
            [r - 1, c],
            [r + 1, c],
            [r, c - 1],
            [r, c + 1],
          ];
          for (const [y, x] of near) {
            if (grid[y]?.[x] === row[c] && mark[y]![x]! < mark[r]![c]!) {
              mark[r]![c] = mark[y]![x]!;
              changed = true;
            }
          }
        }
      }
    }
    return mark;
  }

  test('as many cells as have its mark', () => {
    for (let round = 0; round < 150; round++) {
      const [height, width] = [chance.whole(1, 6), chance.whole(1, 6)];
      const grid = Array.from({ length: height }, () =>
        Array.from({ length: width }, () => chance.one(['#', '.'])).join(''),
      );
      const mark = marks(grid);
      for (const [r, row] of mark.entries()) {
        for (const [c, own] of row.entries()) {
          assert.equal(
            regionSize(grid, r, c),
            mark.flat().filter((one) => one === own).length,
            grid.join('\n'),
          );
        }
      }
      assert.equal(regionSize(grid, height, 0), 0);
      assert.equal(regionSize(grid, 0, width), 0);
      assert.equal(regionSize(grid, -1, 0), 0);
    }
  });
});

describe('spiral', () => {
  test('the first row, then what is left turned to the left', () => {
    const peeled = (grid: string[][]): string[] => {
      const [first, ...others] = grid;
      if (!first) return [];
      const width = first.length;
      const turned = Array.from({ length: others.length === 0 ? 0 : width }, (_, column) =>
        others.map((row) => row[width - 1 - column]!),
      );
      return [...first, ...peeled(turned)];
    };
    for (let round = 0; round < 200; round++) {
      const grid = someGrid();
      assert.deepEqual(spiral(grid), peeled(grid));
    }
    assert.deepEqual(spiral([]), []);
  });
});
