/** Learners' maps as text. */
import pc from 'picocolors';
import { explainedTable, learnerTable } from '../../app/report/tables/learners.ts';
import { explainedRows, learnerRows, learnerSentence, type LearnerDetail } from '../../app/tutor/learners.ts';
import type { Catalogue } from '../../tasks/tutor/catalogue.ts';
import type { LearnerMap } from '../../tasks/tutor/map.ts';
import { plain } from '../../process/text.ts';
import { paragraph, section } from './table.ts';

export function renderLearners(
  learners: readonly LearnerMap[],
  catalogue: Catalogue,
  color: boolean,
): string {
  const rows = learnerRows(learners, catalogue);
  const below = paragraph(learnerSentence({ rows, learners: learners.length }));
  return section(learnerTable(rows), pc.createColors(color), below).join('\n').trimEnd();
}

export function renderLearner(detail: LearnerDetail, catalogue: Catalogue, color: boolean): string {
  const c = pc.createColors(color);
  return detail.skills
    .flatMap((skill) => [
      `${c.bold(plain(detail.learner))}  ${skill.skill}, level ${skill.level}: ${c.bold(skill.finding ?? 'not sure')}`,
      ...paragraph(skill.reason),
      ...section(explainedTable(explainedRows(skill, catalogue)), c),
      ...(skill.next === null ? [] : [`  Ask next: ${skill.next}`, '']),
      ...detail.practice
        .filter((item) => item.skill === skill.skill)
        .flatMap(({ text, hints }) => [
          `  ${c.bold(text)}`,
          ...hints.flatMap((hint) => paragraph(`  ${hint}`)),
          '',
        ]),
    ])
    .join('\n')
    .trimEnd();
}
