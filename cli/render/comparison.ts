/** Base and best on the held-out problems, as text for a terminal. */
import { distillationSentences } from '../../app/report/distillation.ts';
import { comparisonTable } from '../../app/report/tables/course.ts';
import { distillationTable } from '../../app/report/tables/distillation.ts';
import type { Comparison, Report, Score } from '../../app/report/types.ts';
import { formsSentence, majoritySentence } from '../../app/report/wording.ts';
import { plain, width } from '../../process/text.ts';
import { COLUMNS, paragraph, section, type Colors } from './table.ts';

export const comparisonLines = (report: Report, c: Colors): string[] =>
  section({ ...comparisonTable(report), title: 'Held-out accuracy' }, c, [
    ...paragraph(
      'Greedy answers to the same problems. Intervals: 95 % Wilson. p: exact one-sided McNemar, best over base.',
    ).map(c.dim),
    ...paragraph(formsSentence(report)),
    ...paragraph(majoritySentence(report)),
  ]);

export const distillationLines = ({ distillation }: Report, c: Colors): string[] =>
  distillation === null
    ? []
    : section(distillationTable(distillation), c, distillationSentences(distillation).flatMap(paragraph));

/** One comparison by group (level): base over best, groups as columns, in as many blocks as the width needs. */
function groupTable({ role, groups }: Comparison, c: Colors): string[] {
  const cellWidth = Math.max(7, ...groups.map((one) => width(plain(one.group)) + 2));
  const perBlock = Math.max(1, Math.floor((COLUMNS - 16) / cellWidth));
  const line = (name: string, kind: string, cells: string[]) =>
    `  ${name.padEnd(8)}${kind.padEnd(5)}${cells.map((cell) => cell.padStart(cellWidth)).join('')}`;
  const cell = (score: Score) => (score.rate * 100).toFixed(1);
  return groups.flatMap((_, i) => {
    if (i % perBlock > 0) return [];
    const block = groups.slice(i, i + perBlock);
    const names = block.map((one) => plain(one.group));
    return [
      c.dim(line(i === 0 ? role : '', '', names)),
      line(
        '',
        'base',
        block.map((one) => cell(one.base)),
      ),
      line(
        '',
        'best',
        block.map((one) => cell(one.best)),
      ),
    ];
  });
}

export function groupTables({ comparison, iterations }: Report, c: Colors): string[] {
  const grouped = comparison.filter((one) => one.groups.length > 1);
  if (grouped.length === 0) return [];
  const levels = iterations.some((one) => one.levels);
  return [
    c.bold(levels ? 'By level (% right)' : 'By group (% right)'),
    ...grouped.flatMap((one) => groupTable(one, c)),
    '',
  ];
}
