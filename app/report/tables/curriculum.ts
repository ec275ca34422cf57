/** Stage by benchmark: what the base has right, and what the best checkpoint had at the end of each stage. */
import { html } from 'hono/html';
import { percent } from '../../../process/text.ts';
import type { Html } from '../../html/parts.ts';
import type { CurriculumReport, CurriculumScore } from '../types.ts';
import type { Table } from './table.ts';

type Row = {
  stage: string;
  target: string;
  iterations: string;
  alpha: string;
  scores: CurriculumScore[];
};

/** Beside a score: `*` it is the stage's target, `=` a guard of it. */
const MARKS: Partial<Record<CurriculumScore['role'], string>> = { target: '*', guard: '=' };

const shown = (one: CurriculumScore | undefined, marked: boolean): string =>
  one?.score ? `${percent(one.score.rate)}${marked ? (MARKS[one.role] ?? ' ') : ' '}` : '– ';

function drawn(one: CurriculumScore | undefined, marked: boolean): Html | string {
  const text = one?.score ? percent(one.score.rate) : '–';
  if (!marked || !one?.score) return text;
  if (one.role === 'target') return html`<strong title="the stage's target">${text}</strong>`;
  return one.role === 'guard'
    ? html`<span title="a guard of the stage">${text} =</span>`
    : html`<span class="muted">${text}</span>`;
}

/** No rows for a run without a curriculum. */
export function curriculumTable(curriculum: CurriculumReport | null): Table<Row> {
  const { base = [], stages = [] } = curriculum ?? {};
  const rows: Row[] = [
    { stage: 'base', target: '', iterations: '', alpha: '', scores: base },
    ...stages.map((one) => ({
      stage: String(one.stage),
      target: one.target,
      iterations: one.until !== null && one.until < one.from ? 'none' : `${one.from}–${one.until ?? ''}`,
      alpha: String(Number(one.alpha.toPrecision(3))),
      scores: one.scores,
    })),
  ];
  return {
    title: 'Curriculum of targets',
    rows: curriculum ? rows : [],
    columns: [
      { title: 'stage', text: (row) => row.stage },
      { title: 'target', text: (row) => row.target },
      { title: 'iterations', text: (row) => row.iterations },
      { title: 'alpha', align: 'right', text: (row) => row.alpha },
      ...base.map(({ benchmark }, i) => ({
        title: benchmark,
        align: 'right' as const,
        text: (row: Row) => shown(row.scores[i], row.stage !== 'base'),
        html: (row: Row) => drawn(row.scores[i], row.stage !== 'base'),
      })),
    ],
  };
}

/** How to read it, where the stage's target is set apart by `mark`. */
export const curriculumNote = (mark: '*' | 'Bold'): string =>
  `Shares right of the base and of the best checkpoint at the end of each stage. ${mark}: the stage's target; =: a guard, finished targets among them.`;
