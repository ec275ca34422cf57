/** Tables in Markdown. Free of I/O and of Node's modules, so that workflow code may import it. */

/** A column, and what stands in it. `shown: false` leaves it out. */
export type MarkdownColumn<Row> = { title: string; cell(row: Row): string; shown?: boolean };

/** Text from outside in one cell: no line breaks, no bar that would end the cell. */
export const cellText = (text: string): string =>
  text.replaceAll('|', '/').replaceAll('\n', ' ').slice(0, 200);

export function markdownTable<Row>(columns: readonly MarkdownColumn<Row>[], rows: readonly Row[]): string {
  const shown = columns.filter((column) => column.shown ?? true);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(shown.map(({ title }) => title)),
    `|${'---|'.repeat(shown.length)}`,
    ...rows.map((row) => line(shown.map(({ cell }) => cell(row)))),
  ].join('\n');
}
