/** What became of the answers of a task that changes code. */
import { percent } from '../../../process/text.ts';
import type { FixOutcome, FixReport } from '../fixes.ts';
import { numbers, type Table } from './table.ts';

export const fixTable = ({ outcomes }: Pick<FixReport, 'outcomes'>): Table<FixOutcome> => ({
  title: 'What became of the answers',
  rows: outcomes,
  columns: [
    { title: 'outcome', text: (one) => one.outcome },
    ...numbers<FixOutcome>({
      samples: (one) => one.samples,
      share: (one) => percent(one.share, 0),
    }),
  ],
});
