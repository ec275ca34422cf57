/** Learners with what was found of each, skill by skill. */
import { percent } from '../../../process/text.ts';
import type { LearnerRow } from '../../tutor/learners.ts';
import { numbers, type Table } from './table.ts';

export const learnerTable = (rows: LearnerRow[]): Table<LearnerRow> => ({
  title: 'Learners',
  rows,
  columns: [
    { title: 'learner', head: true, text: ({ learner }) => learner },
    { title: 'skill', text: ({ skill }) => skill },
    ...numbers<LearnerRow>({
      right: ({ right, answers }) => `${right}/${answers}`,
      level: ({ level }) => level,
    }),
    { title: 'finding', text: ({ finding }) => finding ?? 'not sure' },
    {
      title: 'probability',
      short: 'sure',
      align: 'right',
      text: ({ explained }) => percent(explained[0]!.probability, 0),
    },
    { title: 'what it is, or what to ask next', short: 'what', text: ({ says }) => says },
  ],
});

export type ExplainedRow = { name: string; probability: number; says: string };

export const explainedTable = (rows: ExplainedRow[]): Table<ExplainedRow> => ({
  title: 'Explanations',
  rows,
  columns: [
    { title: 'explanation', head: true, text: ({ name }) => name },
    { title: 'probability', align: 'right', text: ({ probability }) => percent(probability) },
    { title: 'the learner', text: ({ says }) => says },
  ],
});
