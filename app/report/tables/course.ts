/** Base against best, what changed the course of a run, what it was told, and its other arms. */
import { html } from 'hono/html';
import { cut, percent, plain, points, pValueText } from '../../../process/text.ts';
import type { Html } from '../../html/parts.ts';
import type { Comparison, CourseReport, MessageReport, OtherArm, Report, Score } from '../types.ts';
import { change } from '../wording.ts';
import type { Table } from './table.ts';

const interval = ({ low, high }: Score) => `[${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)}]`;

const scoreLine = (score: Score) =>
  `${percent(score.rate).padStart(7)} ${interval(score).padEnd(12)} ${score.correct}/${score.total}`;

const scoreHtml = (score: Score): Html =>
  html`${percent(score.rate)}
    <span class="interval">${interval(score)} ${score.correct}/${score.total}</span>`;

/** The same held-out problems, answered by both. */
export const comparisonTable = ({ comparison, base, best }: Report): Table<Comparison> => ({
  title: 'Base against best',
  rows: comparison,
  columns: [
    { title: '', text: (one) => one.role },
    {
      title: 'base',
      short: '   base',
      terminal: (one) => scoreLine(one.base),
      html: (one) => scoreHtml(one.base),
    },
    {
      title: 'best',
      short: '   best',
      terminal: (one) => scoreLine(one.best),
      html: (one) => scoreHtml(one.best),
    },
    {
      title: 'points',
      align: 'right',
      text: (one) => (base?.id === best?.id ? 'same' : points(one.best.rate - one.base.rate)),
    },
    { title: 'fixed', align: 'right', html: (one) => one.onlyBest },
    { title: 'broken', align: 'right', html: (one) => one.onlyBase },
    { title: 'p', align: 'right', text: (one) => pValueText(one.pValue) },
  ],
});

/** What fits beside the other columns of a terminal. */
const short = (text: string) => cut(plain(text), 64);

export const courseTable = ({ course }: Report): Table<CourseReport> => ({
  title: 'Changes of course',
  rows: course,
  columns: [
    { title: 'from #', align: 'right', text: (one) => one.iteration },
    { title: 'what', text: (one) => one.kind },
    { title: 'by', text: (one) => one.cause },
    { title: 'why', terminal: (one) => short(one.reason) },
  ],
});

export const messageTable = ({ messages }: Report): Table<MessageReport> => ({
  title: 'Messages',
  rows: messages,
  columns: [
    { title: 'at #', align: 'right', text: (one) => one.iteration },
    { title: 'message', text: (one) => one.name },
    { title: 'from', text: (one) => one.from },
    { title: 'answer', terminal: (one) => short(`${one.accepted ? '' : 'refused: '}${one.answer}`) },
  ],
});

/** This run beside finished ones with its task and seed under another experiment; no rows without any. */
export function armTable({ run, experiment, comparison, otherArms }: Report): Table<OtherArm> {
  const own = comparison.find((one) => one.role === 'target');
  const first: OtherArm = { run, experiment, base: own?.base ?? null, best: own?.best ?? null };
  return {
    title: 'Contrast: same task and seed',
    rows: otherArms.length === 0 ? [] : [first, ...otherArms],
    columns: [
      { title: 'run', text: (one) => one.run },
      { title: 'arm', text: (one) => (one.experiment === 'none' ? 'gates on' : one.experiment) },
      { title: 'target', align: 'right', text: (one) => change(one.base, one.best) },
      {
        title: 'points',
        align: 'right',
        text: (one) => (one.base && one.best ? points(one.best.rate - one.base.rate) : null),
      },
    ],
  };
}
