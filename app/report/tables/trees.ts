/** Trees of parts, by iteration. */
import type { TreeRow } from '../trees.ts';
import { numbers, type Table } from './table.ts';

export const treeTable = (rows: TreeRow[]): Table<TreeRow> => ({
  title: 'Prompts split into parts',
  rows,
  columns: numbers<TreeRow>({
    iteration: (one) => one.iteration,
    trees: (one) => one.trees,
    solved: (one) => one.solved,
    parts: (one) => one.parts,
    samples: (one) => one.samples,
    ...(rows.some(({ proposed }) => proposed !== null)
      ? {
          proposals: (one: TreeRow) => one.proposed?.proposals ?? null,
          'of these usable': (one: TreeRow) => one.proposed?.usable ?? null,
          questions: (one: TreeRow) => one.proposed?.questions ?? null,
          dropped: (one: TreeRow) => one.proposed?.dropped ?? null,
        }
      : {}),
  }),
});
