/** Draws a described table as HTML. It scrolls by itself where the page is narrow. */
import { html } from 'hono/html';
import { columnsOn, textOf, type Column, type Face } from '../report/tables/table.ts';
import { Said, type Html } from './parts.ts';

type Drawn<Row> = {
  title: string;
  columns: Column<Row>[];
  rows: Row[];
  face?: Face;
  /** Of the table, and of a row. */
  class?: string;
  rowClass?: (row: Row) => string | undefined;
};

/** Characters of a cell that has no drawing of its own. */
const MOST = 600;

const attribute = (value: string | undefined) => (value ? html` class="${value}"` : '');

export function DataTable<Row>({ title, columns, rows, face = 'page', ...classes }: Drawn<Row>): Html {
  const drawn = columnsOn(face, columns).map((column) => ({
    ...column,
    classes: attribute(
      [column.align === 'right' ? 'number' : '', column.class ?? ''].filter(Boolean).join(' '),
    ),
  }));
  const cell = (column: (typeof drawn)[number], row: Row) => {
    const content = column.html ? column.html(row, face) : Said({ text: textOf(column, row), most: MOST });
    return column.head
      ? html`<th scope="row" ${column.classes}>${content}</th>`
      : html`<td${column.classes}>${content}</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}">
    <table${attribute(classes.class)}>
      <thead>
        <tr>
          ${drawn.map((column) => html`<th scope="col" ${column.classes}>${column.title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr${attribute(classes.rowClass?.(row))}>
              ${drawn.map((column) => cell(column, row))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
