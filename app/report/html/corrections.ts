/** Corrections with their fate. */
import { html } from 'hono/html';
import { Card, type Html } from '../../html/parts.ts';
import { correctionSentence } from '../corrections.ts';
import { correctionCountTable, correctionTable } from '../tables/corrections.ts';
import type { Report } from '../types.ts';
import { note, table } from './parts.ts';

/** Nothing for a task that learns from no corrections. */
export const corrected = ({ corrections: found }: Report): Html | null =>
  found &&
  Card({
    id: 'corrections',
    title: 'Corrections',
    note: 'what users put right, and what became of it',
    children: [
      table(correctionCountTable(found)),
      note(correctionSentence(found)),
      html`<details>
        <summary>Each of them</summary>
        ${table(correctionTable(found))}
      </details>`,
    ],
  });
