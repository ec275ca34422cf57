/** Learners' maps as one HTML page that needs nothing else, as the report of a run is. */
import { html } from 'hono/html';
import { writeWhole } from '../../process/write-whole.ts';
import type { Catalogue } from '../../tasks/tutor/catalogue.ts';
import type { PracticeItem } from '../../tasks/tutor/practice.ts';
import { Card, Said, type Html } from '../html/parts.ts';
import { note, table } from '../report/html/parts.ts';
import { standalonePage } from '../report/html/standalone.ts';
import { explainedTable, learnerTable } from '../report/tables/learners.ts';
import { explainedRows, learnerRows, learnerSentence, type LearnerDetail } from './learners.ts';

/** Learners whose practice is written out; all of them are in the table, and in the data. */
const WRITTEN_OUT = 200;

const practiceList = (items: readonly PracticeItem[]): Html =>
  html`<ol class="practice">
    ${items.map(
      ({ text, hints }) =>
        html`<li>
          <strong>${text}</strong>
          <ul>
            ${hints.map((hint) => html`<li>${hint}</li>`)}
          </ul>
        </li>`,
    )}
  </ol>`;

/** What explains one learner's answers, and what to practise. */
export const learnerCard = ({ learner, skills, practice }: LearnerDetail, catalogue: Catalogue): Html =>
  Card({
    title: Said({ text: learner, most: 100 }),
    children: skills.map((skill) => {
      const own = practice.filter((item) => item.skill === skill.skill);
      return html`<h3>${skill.skill}: ${skill.finding ?? 'not sure'}</h3>
        ${note(skill.reason)} ${table(explainedTable(explainedRows(skill, catalogue)))}
        ${skill.next === null ? '' : note(html`Ask next: <strong>${skill.next}</strong>`)}
        ${own.length === 0 ? '' : practiceList(own)}`;
    }),
  });

/** @throws Error when the file cannot be written */
export async function writeLearnerPage(
  learners: readonly LearnerDetail[],
  catalogue: Catalogue,
  file: string,
): Promise<string> {
  const rows = learnerRows(learners, catalogue);
  const page = await standalonePage({
    title: 'Learners · Ratchet',
    generator: 'ratchet diagnose --html',
    body: html`
      <h1>Learners</h1>
      ${note(learnerSentence({ rows, learners: learners.length }))}
      <div class="stack">
        ${table(learnerTable(rows))}
        ${learners.slice(0, WRITTEN_OUT).map((one) => learnerCard(one, catalogue))}
      </div>
    `,
  });
  return writeWhole(file, page);
}
