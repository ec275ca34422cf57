/** Base and best on the held-out problems, as text for a terminal. */
import type pc from 'picocolors';
import type { Comparison, Report, Score } from './report-types.ts';
import { percent, plain, points, pValueText, table, width, wrap, type Column } from './text.ts';

const columns = 100;
type Colors = ReturnType<typeof pc.createColors>;

function scoreText(score: Score): string {
  const interval = `[${(score.low * 100).toFixed(1)}–${(score.high * 100).toFixed(1)}]`;
  return `${percent(score.rate).padStart(7)} ${interval.padEnd(12)} ${score.correct}/${score.total}`;
}

export function comparisonTable(report: Report, c: Colors): string[] {
  const rows = report.comparison.map((one) => [
    one.role,
    scoreText(one.base),
    scoreText(one.best),
    report.base?.id === report.best?.id ? 'same' : points(one.best.rate - one.base.rate),
    pValueText(one.pValue),
  ]);
  if (rows.length === 0) return [];
  const head: Column[] = [
    { title: '' },
    { title: '   base' },
    { title: '   best' },
    { title: 'points', align: 'right' },
    { title: 'p', align: 'right' },
  ];
  const [title, ...lines] = table(head, rows, '  ');
  return [
    c.bold('Held-out accuracy'),
    c.dim(`${title}`),
    ...lines,
    ...wrap(
      'Greedy answers to the same problems. Intervals: 95 % Wilson. p: exact one-sided McNemar, best over base.',
      columns - 2,
      '  ',
    ).map(c.dim),
    ...wrap(formsSentence(report), columns - 2, '  '),
    ...wrap(majoritySentence(report), columns - 2, '  '),
    '',
  ];
}

/** In which form the base is meant, where the task's worked examples stand in samples only. */
export function formsSentence({ baseForms }: Report): string {
  if (!baseForms) return '';
  const { better, scores } = baseForms;
  const both = scores.map(
    ({ role, plain: asked, examples }) =>
      `${role} ${percent(asked.rate)} plainly, ${percent(examples.rate)} with them`,
  );
  const form = better === 'examples' ? 'with the worked examples' : 'plainly asked';
  return `The base was measured without and with the task's worked examples (${both.join('; ')}); "base" is its better form on target, ${form}. A trained checkpoint is asked plainly.`;
}

/** What the starting model's majority knew already, beside what one answer of base and best gets right. */
export function majoritySentence({ majority, base, best }: Report): string {
  if (!majority || !base?.target) return '';
  const { samples, score } = majority;
  const knew =
    `The base's majority of ${samples} samples (maj@${samples}) gets ${percent(score.rate)} of target right, ` +
    `where one answer of it gets ${percent(base.target.rate)}`;
  if (!best?.target || best.id === base.id) return `${knew}.`;
  const beyond = best.target.rate - score.rate;
  const side = beyond >= 0 ? 'beyond' : 'short of';
  return `${knew} and one of the best ${percent(best.target.rate)}: ${points(Math.abs(beyond)).replace('+', '')} points ${side} that majority.`;
}

/** One comparison by group (level): base over best, groups as columns, in as many blocks as the width needs. */
function groupTable(one: Comparison, c: Colors): string[] {
  const cellWidth = Math.max(7, ...one.groups.map((group) => width(plain(group.group)) + 2));
  const perBlock = Math.max(1, Math.floor((columns - 16) / cellWidth));
  const lines: string[] = [];
  for (let i = 0; i < one.groups.length; i += perBlock) {
    const block = one.groups.slice(i, i + perBlock);
    const line = (name: string, kind: string, cells: string[]) =>
      `  ${name.padEnd(8)}${kind.padEnd(5)}${cells.map((cell) => cell.padStart(cellWidth)).join('')}`;
    const cell = (score: Score) => (score.rate * 100).toFixed(1);
    lines.push(
      c.dim(
        line(
          i === 0 ? one.role : '',
          '',
          block.map((group) => plain(group.group)),
        ),
      ),
      line(
        '',
        'base',
        block.map((group) => cell(group.base)),
      ),
      line(
        '',
        'best',
        block.map((group) => cell(group.best)),
      ),
    );
  }
  return lines;
}

export function groupTables(report: Report, c: Colors): string[] {
  const grouped = report.comparison.filter((one) => one.groups.length > 1);
  if (grouped.length === 0) return [];
  const levels = report.iterations.some((one) => one.levels);
  return [
    c.bold(levels ? 'By level (% right)' : 'By group (% right)'),
    ...grouped.flatMap((one) => groupTable(one, c)),
    '',
  ];
}
