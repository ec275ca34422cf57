/** The tests of memory entries in a run, and what they say together. */
import type { MemoryLook } from '../../../db/queries/memory-tests.ts';
import { cut, pValueText } from '../../../process/text.ts';
import type { Report } from '../types.ts';
import { numbers, type Table } from './table.ts';

/** Characters of the ids of a batch. */
const IDS = 30;

export const memoryTestTable = (rows: MemoryLook[]): Table<MemoryLook> => ({
  title: 'Tests of memory entries',
  rows,
  columns: [
    ...numbers<MemoryLook>({ '#': (one) => one.iteration, test: (one) => one.number }),
    { title: 'entries', text: ({ entries }) => cut(entries.map((id) => `memory:${id}`).join(', '), IDS) },
    ...numbers<MemoryLook>({
      problems: (one) => one.problems,
      measured: (one) => one.measured,
      'right without': (one) => one.rightWithout,
      'right with': (one) => one.rightWith,
      p: (one) => pValueText(one.pValue),
      'at most': (one) => pValueText(one.level),
    }),
    { title: 'admitted', text: ({ admitted }) => (admitted ? 'yes' : 'no') },
  ],
});

export const MEMORY_NOTE =
  'measured: problems before which the entries change what is shown, answered greedily without and with them. Admitted: p no larger ' +
  'than at most, its part of memory.alpha, and no level fell by more than memory.margin.';

/** What the changes of course for stagnation rest on; nothing where there are none. */
export const shortTermNote = ({ course }: Pick<Report, 'course'>): string[] =>
  course.some(({ cause }) => cause === 'stagnation')
    ? [
        "Stagnation is found in the run's short-term memory: its newest decided iterations, as many as stagnation.window.",
      ]
    : [];
