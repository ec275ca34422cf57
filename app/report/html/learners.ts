/** The learners of a tutoring task: who has which misconception. */
import { Card, type Html } from '../../html/parts.ts';
import { learnerSentence } from '../../tutor/learners.ts';
import { learnerTable } from '../tables/learners.ts';
import type { Report } from '../types.ts';
import { note, table } from './parts.ts';

/** Nothing for a task that does not tutor. */
export const learners = ({ learners: found }: Report): Html | null =>
  found &&
  Card({
    id: 'learners',
    title: 'Learners',
    note: 'what explained their answers when the run began',
    children: [table(learnerTable(found.rows)), note(learnerSentence(found))],
  });
