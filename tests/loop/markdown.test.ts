import { expect, it } from 'vitest';
import { cellText, markdownTable } from '../../loop/markdown.ts';

it('draws the columns that are shown, and each row in a line', () => {
  const columns = [
    { title: 'who', cell: (row: { who: string; n: number }) => row.who },
    { title: 'hidden', cell: () => 'never', shown: false },
    { title: 'n', cell: ({ n }: { n: number }) => String(n) },
  ];
  expect(markdownTable(columns, [{ who: 'a', n: 1 }])).toBe('| who | n |\n|---|---|\n| a | 1 |');
  expect(markdownTable(columns, [])).toBe('| who | n |\n|---|---|');
});

it("keeps a stranger's text within its cell", () => {
  expect(cellText('a|b\nc')).toBe('a/b c');
  expect(cellText('x'.repeat(201))).toHaveLength(200);
});
