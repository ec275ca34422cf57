/** Each bug that was mended, with its diff and its proof, and answers that were rejected, with the reason. */
import { html } from 'hono/html';
import { Block, Card, Said, type Html } from '../../html/parts.ts';
import { fixSentence, type FixReport } from '../fixes.ts';
import { fixTable } from '../tables/fixes.ts';
import type { Report } from '../types.ts';
import { note, table } from './parts.ts';

/** More would make a page that nobody reads; all of them are in the export. */
const SHOWN = 60;

/** Characters of a diff, and of a text that somebody wrote. */
const DIFF = 20_000;
const TEXT = 1_200;

const sampleCommand = (sample: number): Html => html`<code>ratchet why sample:${sample}</code>`;

const mended = (fix: FixReport['fixes'][number]): Html =>
  html`<details>
    <summary>${Said({ text: fix.bug, most: 200 })}${fix.planted ? '' : ' (in the repository)'}</summary>
    ${Block({ text: fix.about, most: TEXT })}
    <p class="note">Proof: ${Said({ text: fix.proof, most: 600 })}</p>
    ${Block({ text: fix.diff, most: DIFF })}
    <p class="note">Example ${fix.example}; verdicts, tests and mutants: ${sampleCommand(fix.sample)}</p>
  </details>`;

const refused = ({ outcome, bug, sample, reason, diff, answer }: FixReport['rejected'][number]): Html =>
  html`<details>
    <summary>${outcome}: ${Said({ text: bug, most: 200 })}</summary>
    <p class="note">${Said({ text: reason, most: 600 })}</p>
    ${diff === null ? Block({ text: answer, most: TEXT }) : Block({ text: diff, most: DIFF })}
    <p class="note">${sampleCommand(sample)}</p>
  </details>`;

/** Nothing for a task that changes no code. */
export const fixed = ({ fixes: found }: Report): Html | null =>
  found &&
  Card({
    id: 'fixes',
    title: 'Fixes',
    note: 'what was accepted, and what became of the rest',
    children: [
      table(fixTable(found)),
      note(fixSentence(found)),
      ...found.fixes.slice(0, SHOWN).map(mended),
      found.fixes.length > SHOWN ? note(`… and ${found.fixes.length - SHOWN} more`) : null,
      ...(found.rejected.length === 0
        ? []
        : [
            html`<h3>Rejected</h3>`,
            note('Of each outcome one or two answers, chosen by a digest of their ids, not by anybody.'),
            ...found.rejected.map(refused),
          ]),
    ],
  });
