/** A table is described once: what it is of, its columns, its rows. Terminal, HTML report and web page each draw it their own way. */
import type { Html } from '../../html/parts.ts';

export type Face = 'terminal' | 'report' | 'page';

/**
 * A column with `text` alone is drawn everywhere. `terminal` and `html` say it otherwise there; without `text` they say where the column
 * is drawn at all. Every text may be a stranger's: it is made safe where it is drawn, but for what `terminal` and `html` make.
 */
export type Column<Row> = {
  title: string;
  /** What the terminal writes in place of the title. */
  short?: string;
  /** Numbers stand at the right. */
  align?: 'right';
  /** Null is `–`. */
  text?(row: Row): string | number | null;
  terminal?(row: Row): string;
  html?(row: Row, face: Face): Html | string | number | null;
  /** Of a cell in HTML. */
  class?: string;
  /** It names the row, as a heading does. */
  head?: boolean;
  /** The only faces that draw it. */
  on?: readonly Face[];
  /** Not drawn where this is false. */
  shown?: boolean;
};

export type Table<Row> = { title: string; columns: Column<Row>[]; rows: Row[] };

export const numbers = <Row>(titles: Record<string, (row: Row) => string | number | null>): Column<Row>[] =>
  Object.entries(titles).map(([title, text]) => ({ title, align: 'right', text }));

/** The columns that a face draws. */
export const columnsOn = <Row>(face: Face, columns: Column<Row>[]): Column<Row>[] =>
  columns.filter(
    ({ on, shown = true, text, terminal, html }) =>
      shown && (!on || on.includes(face)) && (text ?? (face === 'terminal' ? terminal : html)) !== undefined,
  );

export const textOf = <Row>({ text }: Column<Row>, row: Row): string => String(text?.(row) ?? '–');
