import { expect, test } from 'vitest';
import { lanesOf, type GraphNode } from '../../web/graph.ts';

/** Rows as text: the node is o, a line that passes is |, a branch begins at its parent's lane. */
function drawn(nodes: [id: number, parentId: number | null, main?: boolean][]): string[] {
  const { rows, lanes } = lanesOf(
    nodes.map(([id, parentId, main = true]): GraphNode => ({ id, parentId, main })),
  );
  return rows.map(({ lane, from, lines }, i) => {
    const cells = Array.from({ length: lanes }, (_, at) => {
      if (at === lane) return 'o';
      return lines.some((line) => line.lane === at && line.above && line.below) ? '|' : '.';
    });
    return `${nodes[i]![0]} ${cells.join('')}${from === null ? '' : ` <${from}`}`;
  });
}

test('promotions go straight down, what was discarded stands beside them', () => {
  expect(
    drawn([
      [1, null],
      [2, 1],
      [3, 2, false],
      [4, 2],
      [5, 4, false],
    ]),
  ).toEqual(['1 o.', '2 o.', '3 |o <0', '4 o.', '5 .o <0']);
});

test('after a reset the line goes on from the earlier checkpoint, and the other keeps its own lane', () => {
  expect(
    drawn([
      [1, null],
      [2, 1],
      [3, 2],
      [4, 2, false],
      [5, 1],
      [6, 5],
    ]),
  ).toEqual(['1 o..', '2 |o. <0', '3 |o.', '4 |.o <1', '5 o..', '6 o..']);
});

test('lanes are used again, and a parent of another run is no parent here', () => {
  expect(
    drawn([
      [7, 3],
      [8, 7, false],
      [9, 7, false],
      [10, 7, false],
    ]),
  ).toEqual(['7 o.', '8 |o <0', '9 |o <0', '10 .o <0']);
  expect(lanesOf([])).toEqual({ rows: [], lanes: 0 });
});

test('every node hangs on its parent by lines that meet', () => {
  // A line that leaves a row below is there above in the next one, or turns into that row's branch.
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 200; round++) {
    const nodes = Array.from({ length: 1 + random(30) }, (_, id) => ({
      id,
      parentId: id === 0 ? null : random(id),
      main: random(3) > 0,
    }));
    const { rows } = lanesOf(nodes);
    for (const [i, row] of rows.entries()) {
      const next = rows[i + 1];
      const leaving = row.lines.filter((line) => line.below).map((line) => line.lane);
      const arriving = next ? next.lines.filter((line) => line.above).map((line) => line.lane) : [];
      const turned = next && next.from !== null && !arriving.includes(next.from) ? [next.from] : [];
      expect(new Set([...arriving, ...turned])).toEqual(new Set(leaving));
      expect(new Set(row.lines.map((line) => line.lane)).size).toBe(row.lines.length);
    }
  }
});
