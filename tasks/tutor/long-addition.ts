/** A sum as the built-in model is asked it and works it: ten places, a line for each (`tasks/arithmetic/addition.ts`). */
import { WIDTH } from '../arithmetic/addition.ts';
import type { Item } from './skill.ts';
import { addColumn, columnsOf, type ColumnRule } from './skills/addition.ts';

export const askedLong = ({ numbers }: Pick<Item, 'numbers'>): string =>
  numbers.map((number) => number.padStart(WIDTH, '0')).join('+');

/**
 * The work of somebody who follows a rule on the columns that the numbers have, and adds rightly in front of them; undefined where the
 * rule writes or carries what the form has no room for.
 */
export function workedLong(
  { numbers }: Pick<Item, 'numbers'>,
  rule: ColumnRule = addColumn,
): string | undefined {
  const width = Math.max(...numbers.map(({ length }) => length));
  const columns = columnsOf(
    numbers.map((number) => number.padStart(WIDTH, '0')),
    (column) =>
      column.place < width ? rule({ ...column, last: column.place === width - 1 }) : addColumn(column),
  );
  if (columns.some(({ write, out }) => write > 9 || out > 1)) return undefined;
  const lines = columns.map(({ a, b, carry, write, out }) => `${a}+${b}+${carry}=${write},${out}`);
  const digits = columns
    .map(({ write }) => write)
    .toReversed()
    .join('');
  return [...lines, `#${digits}`].join('\n');
}
