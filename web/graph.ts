/**
 * Lanes for a history that branches, drawn one row a checkpoint: the line of promotions goes straight down, what was discarded and
 * what a reset left behind stands beside it.
 */
export type GraphNode = {
  id: number;
  /** Null, or not among the nodes: a root. */
  parentId: number | null;
  /** Does the line of its parent go on here? Of several such children the last one has it. */
  main: boolean;
};

export type GraphRow = {
  lane: number;
  /** The lane that it branches off, from the top of the row; null for roots and for what goes straight on. */
  from: number | null;
  /** Vertical lines: from the top to the node's height, from there to the bottom, or both. */
  lines: { lane: number; above: boolean; below: boolean }[];
};

type Chain = { start: number; end: number; parent: Chain | undefined; members: Set<number>; lane: number };

/** @param nodes parents before their children */
export function lanesOf(nodes: readonly GraphNode[]): { rows: GraphRow[]; lanes: number } {
  const rowOf = new Map(nodes.map(({ id }, row) => [id, row]));
  const parentRow = ({ parentId }: GraphNode) => (parentId === null ? undefined : rowOf.get(parentId));
  const heirs = new Map<number, number>();
  for (const [row, node] of nodes.entries()) {
    const parent = parentRow(node);
    if (parent !== undefined && node.main) heirs.set(parent, row);
  }
  const chains: Chain[] = [];
  const chainOf: Chain[] = [];
  for (const [row, node] of nodes.entries()) {
    const above = parentRow(node);
    const parent = above === undefined ? undefined : chainOf[above];
    // A line reaches down to the last thing that leaves it.
    if (parent) parent.end = Math.max(parent.end, row);
    if (parent && heirs.get(above!) === row) {
      parent.members.add(row);
      chainOf.push(parent);
      continue;
    }
    const chain = { start: row, end: row, parent, members: new Set([row]), lane: 0 };
    chains.push(chain);
    chainOf.push(chain);
  }
  for (const [i, chain] of chains.entries()) {
    const taken = chains.slice(0, i).filter((one) => one.start <= chain.end && chain.start <= one.end);
    chain.lane = chain.parent ? chain.parent.lane + 1 : 0;
    while (taken.some((one) => one.lane === chain.lane)) chain.lane += 1;
  }
  const rows = nodes.map((_, row): GraphRow => {
    const own = chainOf[row]!;
    const lines = chains.flatMap((chain) => {
      if (chain.start > row || chain.end < row) return [];
      // Where a line only turns into the last branch of it, the branch is all there is to draw.
      if (chain.end === row && !chain.members.has(row)) return [];
      const [above, below] = [row > chain.start, row < chain.end];
      return above || below ? [{ lane: chain.lane, above, below }] : [];
    });
    return { lane: own.lane, from: own.start === row && own.parent ? own.parent.lane : null, lines };
  });
  return { rows, lanes: Math.max(0, ...chains.map((one) => one.lane + 1)) };
}
