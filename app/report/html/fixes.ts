/** Each bug that was mended, with its diff and its proof. */
import { html } from 'hono/html';
import { Block, Card, Said, type Html } from '../../html/parts.ts';
import { fixSentence } from '../fixes.ts';
import { fixTable } from '../tables/fixes.ts';
import type { Report } from '../types.ts';
import { note, table } from './parts.ts';

/** More would make a page that nobody reads; all of them are in the export. */
const SHOWN = 60;

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
      ...found.fixes.slice(0, SHOWN).map(
        (fix) =>
          html`<details>
            <summary>
              ${Said({ text: fix.bug, most: 200 })}${fix.planted ? '' : ' (in the repository)'}
            </summary>
            <p class="note">
              example ${fix.example}, sample ${fix.sample}: ${Said({ text: fix.proof, most: 600 })}
            </p>
            ${Block({ text: fix.diff, most: 20_000 })}
          </details>`,
      ),
      found.fixes.length > SHOWN ? note(`… and ${found.fixes.length - SHOWN} more`) : null,
    ],
  });
