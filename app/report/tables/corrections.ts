/** What became of corrections, and of each one. */
import type { CorrectionCount, CorrectionEnd, CorrectionReport } from '../corrections.ts';
import { numbers, type Table } from './table.ts';

export const correctionCountTable = ({
  counts,
}: Pick<CorrectionReport, 'counts'>): Table<CorrectionCount> => ({
  title: 'What became of the corrections',
  rows: counts,
  columns: [
    { title: 'fate', text: (one) => one.end },
    ...numbers<CorrectionCount>({ corrections: (one) => one.corrections }),
    { title: 'why, mostly', text: (one) => one.why },
  ],
});

/** More would make a page that nobody reads; all of them are in the corrections file. */
const SHOWN = 200;

export const correctionTable = ({ ends }: Pick<CorrectionReport, 'ends'>): Table<CorrectionEnd> => ({
  title: 'Each correction',
  rows: ends.slice(0, SHOWN),
  columns: [
    { title: 'correction', text: (one) => one.id, head: true },
    { title: 'request', text: (one) => one.request },
    { title: 'right by it', text: (one) => one.answer },
    { title: 'by', text: (one) => one.by },
    { title: 'fate', text: (one) => one.end },
    { title: 'why', text: (one) => one.why },
  ],
});
