/** The iterations of a run. The report knows all of each; a page draws it from what its stages noted. */
import { html } from 'hono/html';
import type { DecisionKind } from '../../../loop/words.ts';
import { compact, duration, levelRange, percent, pValueText } from '../../../process/text.ts';
import { Chip, Said, type Html, type Tone } from '../../html/parts.ts';
import type { GuardReport, IterationReport } from '../types.ts';
import { change, decisionWord } from '../wording.ts';
import type { Table } from './table.ts';

type Known =
  | 'iteration'
  | 'finished'
  | 'levels'
  | 'stage'
  | 'prompts'
  | 'decision'
  | 'reason'
  | 'pValue'
  | 'look'
  | 'guards'
  | 'before'
  | 'target'
  | 'guard'
  | 'trainedExamples'
  | 'seconds'
  | 'roi';
/** What everybody knows of an iteration; the rest may be being counted. */
export type IterationLine = Pick<IterationReport, Known> & {
  accepted: number | null;
  tokens: number | null;
} & Partial<Omit<IterationReport, Known | 'accepted' | 'tokens'>>;

const TONES: Record<DecisionKind, Tone> = {
  promote: 'good',
  discard: 'idle',
  'nothing-to-train': 'warn',
  skip: 'idle',
};

/** As in `loop/promotion.ts`: a fall of just the margin is held. */
const TOLERANCE = 1e-9;

export const guardHeld = ({ fall, margin }: Pick<GuardReport, 'fall' | 'margin'>) =>
  fall <= margin + TOLERANCE;

function guardLine(one: GuardReport): Html {
  const bound = one.fallAtMost === null ? '' : `, at most ${(100 * one.fallAtMost).toFixed(1)}`;
  const fall = one.fall <= 0 ? 'did not fall' : `fell ${(100 * one.fall).toFixed(1)}`;
  const held = guardHeld(one) ? 'held' : html`<strong class="problem">not held</strong>`;
  return html`<div>
    ${Said({ text: one.guard, most: 60 })} ${fall}${bound}; margin ${(100 * one.margin).toFixed(1)}: ${held}
  </div>`;
}

function shortTime(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 600) return `${Math.round(seconds)} s`;
  return seconds < 36_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Of the stage's own target, where there is a curriculum. */
export const targetOf = ({ stage, before, target }: Pick<IterationReport, 'stage' | 'before' | 'target'>) =>
  stage ?? { before, after: target };

function targetCell(one: IterationLine): Html | string {
  const { before, after } = targetOf(one);
  return before && after
    ? html`<span class="muted">${(100 * before.rate).toFixed(1)} →</span> ${percent(after.rate)}`
    : '–';
}

function targetChange(one: IterationLine): string {
  const { before, after } = targetOf(one);
  return change(before, after);
}

type Page = { open(iteration: number): Html; decision(kind: DecisionKind | null): Html };

/** @param page what only a page draws: the way to an iteration, and its own words for a decision */
export function iterationTable<Line extends IterationLine>(rows: Line[], page?: Page): Table<Line> {
  const share = (one: Line, digits = 0) =>
    percent(one.prompts ? (one.accepted ?? 0) / one.prompts : 0, digits);
  return {
    title: 'Iterations',
    rows,
    columns: [
      {
        title: '#',
        align: 'right',
        text: (one) => one.iteration,
        html: (one) => page?.open(one.iteration) ?? one.iteration,
        head: page !== undefined,
      },
      { title: 'stage', text: (one) => one.stage?.target ?? null, shown: rows.some((one) => one.stage) },
      { title: 'levels', text: (one) => levelRange(one.levels), shown: rows.some((one) => one.levels) },
      { title: 'pool', align: 'right', terminal: (one) => String(one.prompts) },
      {
        title: 'accepted',
        align: 'right',
        on: ['terminal', 'page'],
        text: (one) => `${one.accepted} (${share(one)})`,
        html: (one) =>
          one.accepted === null
            ? '–'
            : html`${one.accepted.toLocaleString('en-US')} <span class="muted">${share(one)}</span>`,
      },
      {
        title: 'right',
        align: 'right',
        shown: rows.some((one) => one.pseudoLabels),
        terminal: (one) => percent(one.pseudoLabelPrecision),
      },
      { title: 'agree', align: 'right', terminal: (one) => one.agreement?.toFixed(2) ?? '–' },
      {
        title: 'decision',
        text: decisionWord,
        html: (one) =>
          page?.decision(one.decision) ??
          Chip({ tone: one.decision ? TONES[one.decision] : 'run', children: decisionWord(one) }),
      },
      {
        title: 'target',
        align: 'right',
        text: targetChange,
        html: (one, face) =>
          face === 'report' ? html`<span class="nowrap">${targetChange(one)}</span>` : targetCell(one),
      },
      { title: 'p', align: 'right', text: (one) => pValueText(one.pValue) },
      {
        title: 'below',
        align: 'right',
        on: ['report'],
        html: (one) => (one.look ? Number(one.look.level.toPrecision(3)) : '–'),
      },
      { title: 'guard', align: 'right', on: ['page'], html: (one) => percent(one.guard?.rate) },
      {
        title: 'guards, in points',
        on: ['report'],
        html: (one) => (one.guards.length === 0 ? '–' : html`${one.guards.map(guardLine)}`),
      },
      {
        title: 'trained on',
        align: 'right',
        on: ['page'],
        html: (one) => (one.trainedExamples > 0 ? one.trainedExamples.toLocaleString('en-US') : '–'),
      },
      {
        title: 'tokens',
        align: 'right',
        on: ['terminal', 'page'],
        text: (one) => (one.tokens === null ? null : compact(one.tokens)),
      },
      { title: 'ROI', align: 'right', on: ['page'], html: (one) => one.roi?.toFixed(1) ?? '–' },
      {
        title: 'time',
        align: 'right',
        on: ['terminal', 'page'],
        text: (one) => duration(one.seconds),
        terminal: (one) => shortTime(one.seconds),
      },
      { title: 'why', on: ['report'], text: (one) => one.reason },
    ],
  };
}
