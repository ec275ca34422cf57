/** What only the report's one page is made of; all else is of `app/html/`, as on the web page. */
import { html } from 'hono/html';
import type { Html } from '../../html/parts.ts';
import { DataTable } from '../../html/table.ts';
import type { Table } from '../tables/table.ts';

export const note = (text: unknown): Html => html`<p class="note">${text}</p>`;

export const table = <Row>(described: Table<Row>): Html => DataTable({ ...described, face: 'report' });

/** `2026-11-20 10:05 UTC` */
export const time = (iso: string): Html =>
  html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
