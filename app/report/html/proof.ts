/** Base against best on the same held-out problems, what the base knew already, the guards, and each decision. */
import { html } from 'hono/html';
import { percent } from '../../../process/text.ts';
import { Card, type Html } from '../../html/parts.ts';
import { debateSentences } from '../debates.ts';
import { distillationSentences } from '../distillation.ts';
import { selfPlaySentences } from '../self-play.ts';
import { comparisonTable } from '../tables/course.ts';
import { curriculumNote, curriculumTable } from '../tables/curriculum.ts';
import { debateTable, selfPlayTable } from '../tables/debates.ts';
import { treeTable } from '../tables/trees.ts';
import { variantTable } from '../tables/variants.ts';
import { variantSentence } from '../variants.ts';
import { MEMORY_NOTE, memoryTestTable } from '../tables/memory.ts';
import { distillationTable } from '../tables/distillation.ts';
import { iterationTable } from '../tables/iterations.ts';
import type { Report } from '../types.ts';
import { formsSentence, majoritySentence } from '../wording.ts';
import { curve, dumbbell } from './chart.ts';
import { note, table } from './parts.ts';

export function proof(report: Report): Html {
  const { comparison, iterations } = report;
  if (comparison.length === 0)
    return Card({ id: 'proof', title: 'Proof', children: note('Nothing has been compared yet.') });
  const looks = iterations.filter((one) => one.target !== null).length;
  const final = comparison.some((one) => one.role === 'final');
  return Card({
    id: 'proof',
    title: 'Proof',
    note: 'base against best on the same held-out problems, answered greedily',
    children: [
      table(comparisonTable(report)),
      note(
        'Intervals: 95 % Wilson. Fixed: only the best answers it right; broken: only the base does. p: exact one-sided McNemar test of ' +
          'these two numbers, best over base.',
      ),
      note(
        (looks === 0
          ? ''
          : `Target was looked at for ${looks} decision${looks === 1 ? '' : 's'}, so its gain may flatter. `) +
          (final
            ? 'The final set decided nothing: it was read once, at the end, for base and best, and is the number to quote.'
            : 'The final set decides nothing and is read once, at the end of a run; it was not read for base and best yet.'),
      ),
      report.baseForms ? note(html`<strong>Two forms of the base.</strong> ${formsSentence(report)}`) : null,
      report.majority
        ? note(html`<strong>What the base knew already.</strong> ${majoritySentence(report)}`)
        : null,
      ...distillation(report),
      ...debated(report),
      ...remembered(report),
      groups(report),
    ],
  });
}

const distillation = ({ distillation: taught }: Report): Html[] =>
  taught === null ? [] : [table(distillationTable(taught)), ...distillationSentences(taught).map(note)];

const debated = ({ trees, variants, debates, selfPlay }: Report): Html[] => [
  ...(trees === null ? [] : [table(treeTable(trees))]),
  ...(variants === null ? [] : [table(variantTable(variants)), note(variantSentence(variants))]),
  ...(debates === null ? [] : [table(debateTable(debates)), ...debateSentences(debates).map(note)]),
  ...(selfPlay === null ? [] : [table(selfPlayTable(selfPlay)), ...selfPlaySentences(selfPlay).map(note)]),
];

const remembered = ({ memory }: Report): Html[] =>
  memory.length === 0 ? [] : [table(memoryTestTable(memory)), note(MEMORY_NOTE)];

function groups({ comparison, iterations }: Report): Html | null {
  const grouped = comparison.filter((one) => one.groups.length > 1);
  if (grouped.length === 0) return null;
  const word = iterations.some((one) => one.levels) ? 'level' : 'group';
  const open = comparison.some((one) => one.groups.length > 24) ? '' : html` open`;
  const tables = grouped.map(({ role, groups: rows }) =>
    table({
      title: `${role} by ${word}`,
      rows,
      columns: [
        { title: `${role}, ${word}`, text: (one) => one.group },
        { title: 'base', align: 'right', text: (one) => percent(one.base.rate) },
        { title: '', html: (one) => dumbbell(one.base, one.best) },
        { title: 'best', align: 'right', text: (one) => percent(one.best.rate) },
      ],
    }),
  );
  return html`<details${open}><summary>By ${word}</summary><div class="columns">${tables}</div></details>`;
}

/** Nothing for a run without a curriculum. */
export const curriculum = (report: Report): Html | null =>
  report.curriculum &&
  Card({
    id: 'curriculum',
    title: 'Curriculum of targets',
    note: `stage by benchmark; ${report.curriculum.stages.length} of ${report.curriculum.planned} stages begun`,
    children: [table(curriculumTable(report.curriculum)), note(curriculumNote('Bold'))],
  });

export const course = (report: Report): Html =>
  Card({ id: 'curve', title: 'Over the iterations', children: curve(report) ?? note('No score yet.') });

export function decisions({ iterations }: Report): Html {
  if (iterations.length === 0)
    return Card({ id: 'decisions', title: 'Decisions', children: note('No iteration has begun.') });
  return Card({
    id: 'decisions',
    title: 'Decisions',
    note: 'each candidate against the best so far',
    children: [
      table(iterationTable(iterations)),
      note(
        'Below: what was left of the level for this look at the target problems. At most: upper bound of the fall with 95 % confidence; ' +
          'the margin is held against the measured fall.',
      ),
    ],
  });
}
