/** Base and best on the held-out problems, as text for a terminal. */
import { debateSentences } from '../../app/report/debates.ts';
import { correctionSentence } from '../../app/report/corrections.ts';
import { fixSentence } from '../../app/report/fixes.ts';
import { learnerTable } from '../../app/report/tables/learners.ts';
import { learnerSentence } from '../../app/tutor/learners.ts';
import { correctionCountTable } from '../../app/report/tables/corrections.ts';
import { fixTable } from '../../app/report/tables/fixes.ts';
import { selfPlaySentences } from '../../app/report/self-play.ts';
import { distillationSentences } from '../../app/report/distillation.ts';
import { comparisonTable } from '../../app/report/tables/course.ts';
import { debateTable, selfPlayTable } from '../../app/report/tables/debates.ts';
import { treeTable } from '../../app/report/tables/trees.ts';
import { variantTable } from '../../app/report/tables/variants.ts';
import { distillationTable } from '../../app/report/tables/distillation.ts';
import type { Comparison, Report, Score } from '../../app/report/types.ts';
import { variantSentence } from '../../app/report/variants.ts';
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

export const treeLines = ({ trees }: Report, c: Colors): string[] =>
  trees === null ? [] : section(treeTable(trees), c, []);

export const variantLines = ({ variants }: Report, c: Colors): string[] =>
  variants === null ? [] : section(variantTable(variants), c, paragraph(variantSentence(variants)));

export const debateLines = ({ debates, selfPlay }: Report, c: Colors): string[] => [
  ...(debates === null ? [] : section(debateTable(debates), c, debateSentences(debates).flatMap(paragraph))),
  ...(selfPlay === null
    ? []
    : section(selfPlayTable(selfPlay), c, selfPlaySentences(selfPlay).flatMap(paragraph))),
];

/** What was mended, and what became of the other answers; diffs are in the HTML report and in the export. */
export const fixLines = ({ fixes }: Report, c: Colors): string[] =>
  fixes === null ? [] : section(fixTable(fixes), c, paragraph(fixSentence(fixes)));

export const learnerLines = ({ learners }: Report, c: Colors): string[] =>
  learners === null ? [] : section(learnerTable(learners.rows), c, paragraph(learnerSentence(learners)));

/** What became of users' corrections; each one is in the HTML report, on the page and in the corrections file. */
export const correctionLines = ({ corrections }: Report, c: Colors): string[] =>
  corrections === null
    ? []
    : section(correctionCountTable(corrections), c, paragraph(correctionSentence(corrections)));

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
