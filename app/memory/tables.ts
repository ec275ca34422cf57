/** Memory entries as terminal and page show them. */
import type { ListedMemory } from '../../db/queries/memory-tests.ts';
import { cut, percent, plain, pValueText } from '../../process/text.ts';
import { numbers, type Column, type Table } from '../report/tables/table.ts';
import type { MemoryDetail } from './memory.ts';

/** Of right and wrong answers in tests, the right ones. */
const rightShare = ({ right, wrong }: ListedMemory): string | null =>
  right + wrong === 0 ? null : `${percent(right / (right + wrong), 0)} of ${right + wrong}`;

/** What an entry says, in a line. */
export const memoryLine = ({ entry: { request, text } }: Pick<ListedMemory, 'entry'>): string =>
  plain(request === null ? text : `${request} → ${text}`);

const columns: Column<ListedMemory>[] = [
  { title: 'task', text: ({ entry }) => plain(entry.task) },
  { title: 'kind', text: ({ entry }) => entry.kind },
  { title: 'state', text: ({ state }) => state },
  ...numbers<ListedMemory>({
    tokens: ({ entry }) => entry.tokens,
    shown: ({ shown }) => shown,
    accepted: ({ accepted }) => accepted,
  }),
  { title: 'right in tests', short: 'right', align: 'right', text: rightShare },
];

/** @param id how a face names an entry */
export const memoryTable = (rows: ListedMemory[], id: Column<ListedMemory>, says: Column<ListedMemory>) =>
  ({ title: 'Memory', rows, columns: [id, ...columns, says] }) satisfies Table<ListedMemory>;

const SAYS = 40;
export const cutLine = (one: ListedMemory): string => cut(memoryLine(one), SAYS);

type StateRow = MemoryDetail['states'][number];

/** What became of an entry, with the test that decided. */
export const stateTable = ({ states }: Pick<MemoryDetail, 'states'>): Table<StateRow> => ({
  title: 'What became of it',
  rows: states,
  columns: [
    { title: 'at', text: ({ state }) => state.createdAt.toISOString().slice(0, 16).replace('T', ' ') },
    { title: 'state', text: ({ state }) => state.state },
    { title: 'by', text: ({ state }) => plain(state.by) },
    {
      title: 'test',
      text: ({ test, run, iteration }) =>
        test ? `${plain(run!)} #${iteration}, ${test.measured ?? 0} of ${test.problems}` : null,
    },
    {
      title: 'right',
      align: 'right',
      text: ({ test }) => (test ? `${test.rightWithout} → ${test.rightWith}` : null),
    },
    { title: 'p', align: 'right', text: ({ test }) => (test ? pValueText(test.pValue) : null) },
    { title: 'why', text: ({ state }) => plain(state.reason) },
  ],
});
