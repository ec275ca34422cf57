/** Boxes, polygons and grids of cells. */

export type Box = { x: number; y: number; width: number; height: number };
export type Point = [x: number, y: number];

/** The area that two boxes have in common, 0 when they only touch or lie apart. `x` and `y` are the least of a box. */
export function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** The area of a polygon without crossing edges, its corners in order, either way round. Fewer than three corners have none. */
export function polygonArea(corners: Point[]): number {
  let doubled = 0;
  for (let at = 0; at < corners.length; at++) {
    const [x, y] = corners[at]!;
    const [nextX, nextY] = corners[(at + 1) % corners.length]!;
    doubled += x * nextY - nextX * y;
  }
  return Math.abs(doubled) / 2;
}

/** A grid of equally long rows, turned by 90 degrees to the right: what was the left column from the bottom up is the first row. */
export function turnRight<T>(grid: T[][]): T[][] {
  const turned: T[][] = [];
  const width = grid[0]?.length ?? 0;
  for (let column = 0; column < width; column++) {
    const row: T[] = [];
    for (let from = grid.length - 1; from >= 0; from--) row.push(grid[from]![column]!);
    turned.push(row);
  }
  return turned;
}

/**
 * The number of cells that hang together with the cell at `row` and `column`: those with its character that are reached from it by
 * steps up, down, left and right over such cells, itself among them. 0 when there is no such cell.
 */
export function regionSize(grid: string[], row: number, column: number): number {
  const character = grid[row]?.[column];
  if (character === undefined) return 0;
  const seen = new Set<string>();
  const queue: Point[] = [[row, column]];
  while (queue.length > 0) {
    const [r, c] = queue.pop()!;
    const key = `${r},${c}`;
    if (grid[r]?.[c] !== character || seen.has(key)) continue;
    seen.add(key);
    queue.push([r - 1, c], [r + 1, c], [r, c - 1], [r, c + 1]);
  }
  return seen.size;
}

/** The items of a grid of equally long rows in a spiral: the first row from the left, the last column down, and so on inwards. */
export function spiral<T>(grid: T[][]): T[] {
  const items: T[] = [];
  let [top, left, bottom, right] = [0, 0, grid.length - 1, (grid[0]?.length ?? 0) - 1];
  while (top <= bottom && left <= right) {
    for (let c = left; c <= right; c++) items.push(grid[top]![c]!);
    for (let r = top + 1; r <= bottom; r++) items.push(grid[r]![right]!);
    if (top < bottom) for (let c = right - 1; c >= left; c--) items.push(grid[bottom]![c]!);
    if (left < right) for (let r = bottom - 1; r > top; r--) items.push(grid[r]![left]!);
    [top, left, bottom, right] = [top + 1, left + 1, bottom - 1, right - 1];
  }
  return items;
}
