/** A table is described once: what a column says is drawn by every face, and made safe by each in its own way. */
import pc from 'picocolors';
import { expect, test } from 'vitest';
import { DataTable } from '../../app/html/table.ts';
import type { Column, Table } from '../../app/report/tables/table.ts';
import { section } from '../../cli/render/table.ts';

type Row = { name: string; count: number | null };
const rows: Row[] = [
  { name: 'one', count: 7 },
  { name: '<b>\u001b[31mred\u202e', count: null },
];
const described = (...columns: Column<Row>[]): Table<Row> => ({ title: 'Things', rows, columns });
const terminal = (table: Table<Row>) => section(table, pc.createColors(false)).join('\n');
const page = async (table: Table<Row>, face: 'report' | 'page' = 'page') =>
  (await DataTable({ ...table, face })).toString();

test('a column of text alone is on terminal, report and page, and a missing value is a dash', async () => {
  const table = described(
    { title: 'name', text: (one) => one.name },
    { title: 'count', align: 'right', text: (one) => one.count },
  );
  expect(terminal(table)).toBe(
    ['Things', '  name    count', '  one         7', '  <b>red      –', ''].join('\n'),
  );
  for (const face of ['report', 'page'] as const) {
    const html = await page(table, face);
    for (const drawn of ['>name</th>', '>count</th>', '<bdi>one</bdi>', '<bdi>7</bdi>', '<bdi>–</bdi>'])
      expect(html).toContain(drawn);
  }
});

test('a stranger’s text acts neither on a terminal nor in a page', async () => {
  const table = described({ title: 'name', text: (one) => one.name });
  for (const acts of ['\u001b', '\u202e']) {
    expect(terminal(table)).not.toContain(acts);
    expect(await page(table)).not.toContain(acts);
  }
  expect(await page(table)).not.toContain('<b>');
  expect(await page(table)).toContain('&lt;b&gt;');
});

test('a column is left out where it has nothing to say, is not shown, or is for another face', async () => {
  const table = described(
    { title: 'name', text: (one) => one.name },
    { title: 'drawn', html: () => 'bar' },
    { title: 'typed', terminal: () => 'typed' },
    { title: 'absent', shown: false, text: () => 'absent' },
    { title: 'reported', on: ['report'], text: () => 'x' },
  );
  const titles = (html: string) => [...html.matchAll(/<th [^>]*>([^<]*)<\/th>/g)].map((one) => one[1]);
  expect(terminal(table).split('\n')[1]!.trim().split(/\s+/)).toEqual(['name', 'typed']);
  expect(titles(await page(table))).toEqual(['name', 'drawn']);
  expect(titles(await page(table, 'report'))).toEqual(['name', 'drawn', 'reported']);
});

test('columns that do not fit on a terminal stand below, with what the row is of', () => {
  const named = (title: string): Column<Row> => ({ title, align: 'right', text: () => 1 });
  const wide = (...widths: number[]) =>
    terminal(
      described({ title: 'name', text: (one) => one.name }, ...widths.map((n) => named('x'.repeat(n)))),
    )
      .split('\n')
      .slice(1, -1);
  // Two blanks, six for the names, two before each column: 88 more fill the line.
  expect(wide(40, 48)).toHaveLength(3);
  expect(wide(40, 48)[0]).toHaveLength(100);
  const split = wide(40, 49);
  expect(split.map((line) => line.length)).toEqual([50, 50, 50, 59, 59, 59]);
  expect(split.map((line) => line.slice(0, 6).trim())).toEqual([
    'name',
    'one',
    '<b>r',
    'name',
    'one',
    '<b>r',
  ]);
});

test('a table without rows is not drawn on a terminal', () => {
  expect(terminal({ title: 'Things', rows: [], columns: [{ title: 'a', text: () => 'a' }] })).toBe('');
});
