/** Draws a described table for a terminal. */
import type { createColors } from 'picocolors';
import { columnsOn, textOf, type Table } from '../../app/report/tables/table.ts';
import { plain, table, width, wrap } from '../../process/text.ts';

export type Colors = ReturnType<typeof createColors>;

/** No line of a report is wider. */
export const COLUMNS = 100;

const INDENT = '  ';

/** A paragraph below a table. */
export const paragraph = (text: string): string[] => wrap(text, COLUMNS - 2, '  ');

/** Columns in as many blocks as the width needs, each with the first column, which says what a row is of. */
function blocksOf(cells: string[][]): number[][] {
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => width(row[i]!))));
  const blocks: number[][] = [];
  let left = 0;
  for (let i = 1; i < widths.length; i++) {
    const needed = widths[i]! + 2;
    if (blocks.length === 0 || needed > left) {
      blocks.push([0]);
      left = COLUMNS - INDENT.length - widths[0]!;
    }
    blocks.at(-1)!.push(i);
    left -= needed;
  }
  return blocks.length === 0 ? [[0]] : blocks;
}

/** Heading and rows; columns that do not fit beside the others stand below them. */
function tableLines<Row>({ columns, rows }: Table<Row>, c: Colors): string[] {
  const drawn = columnsOn('terminal', columns);
  const heads = drawn.map(({ title, short, align }) => ({ title: short ?? title, align }));
  const cells = rows.map((row) => drawn.map((one) => one.terminal?.(row) ?? plain(textOf(one, row))));
  return blocksOf([heads.map(({ title }) => title), ...cells]).flatMap((block) => {
    const [heading, ...lines] = table(
      block.map((i) => heads[i]!),
      cells.map((row) => block.map((i) => row[i]!)),
      INDENT,
    );
    return [c.dim(heading!), ...lines];
  });
}

/** A table with its title and what is said below it; nothing where it has no rows. */
export function section<Row>(drawn: Table<Row>, c: Colors, below: string[] = []): string[] {
  return drawn.rows.length === 0 ? [] : [c.bold(drawn.title), ...tableLines(drawn, c), ...below, ''];
}
