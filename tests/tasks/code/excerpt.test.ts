/** What a bug report is about. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { relevantCode, type Report } from '../../../tasks/code/excerpt.ts';
import { functionsIn } from '../../../tasks/code/source.ts';

const files = {
  'shop/cart.py': `def total(items, rate):
    """Sum of all prices."""
    return add_tax(sum(items), rate)


def add_tax(amount, rate):
    return amount * (1 + rate)


class Cart:
    def remove(self, item):
        """Takes an article out of the cart."""
        self.items.remove(item)
`,
  'shop/mail.py': `def greet(name):
    return "Dear " + name


def send_invoice(name):
    return greet(name)
`,
  'tests/test_cart.py': 'def test_total():\n    assert total([1], 0) == 1\n',
  'README.md': 'total',
};
const names = (report: { title?: string; text?: string; log?: string }, tokens = 1000): string[] =>
  relevantCode(files, { title: '', text: '', ...report }, { tokens }).map(({ name }) => name);

describe('relevant code', () => {
  it('begins with the innermost frame of a stack trace, and what it calls', () => {
    const log = `Traceback (most recent call last):
  File "/home/me/repo/tests/test_cart.py", line 2, in test_total
  File "/home/me/repo/shop/mail.py", line 6, in send_invoice
  File "/home/me/repo/shop/cart.py", line 3, in total
TypeError: unsupported operand`;
    const found = relevantCode(files, { title: 'Crash', text: '', log }, { tokens: 1000 });
    expect(found.map(({ name, why }) => [name, why])).toEqual([
      ['total', 'frame 1 of the stack trace, line 3'],
      ['add_tax', 'called by total'],
      ['send_invoice', 'frame 2 of the stack trace, line 6'],
    ]);
    const node = relevantCode(
      { 'src/a.ts': 'export function f() {\n  g();\n}\nfunction g() {\n  throw new Error();\n}\n' },
      { title: '', text: 'Error\n    at g (file:///x/src/a.ts:5:9)\n    at /x/src/a.ts:2:3' },
      { tokens: 1000 },
    );
    expect(node.map(({ name }) => name)).toEqual(['g', 'f']);
  });
  it('goes by the failing call, by names and by words', () => {
    expect(names({ text: '`total([1], 0.2)` gives 1' })[0]).toBe('total');
    expect(names({ text: 'Cart.remove does nothing' })[0]).toBe('Cart.remove');
    expect(names({ title: 'Invoices go to the wrong person' })[0]).toBe('send_invoice');
    expect(names({ title: 'Articles stay in the cart' })[0]).toBe('Cart.remove');
    expect(names({ title: 'It is slow' })).toEqual([]);
  });
  it('stays within its budget, cuts nothing and shows no tests', () => {
    const text = 'total() is wrong';
    const [first] = relevantCode(files, { title: '', text }, { tokens: 1000 });
    expect(first!.text.startsWith('def total')).toBe(true);
    const tokens = first!.text.length / 4;
    expect(names({ text }, tokens)).toEqual(['total']);
    expect(names({ text }, tokens - 0.25)).not.toContain('total');
    expect(names({ text }, 0)).toEqual([]);
    expect(names({ text: 'test_total() fails' })).not.toContain('test_total');
  });
});

type Written = Report & {
  id: string;
  repository: string;
  plant: { path: string; search: string; replace: string }[];
};
const examples = fileURLToPath(new URL('../../../examples/code-repair', import.meta.url));
const written = readFileSync(join(examples, 'reports.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Written);

it.each(written)(
  'the written report $id leads to the function with the bug',
  ({ repository, plant, ...report }) => {
    const folder = join(examples, repository);
    const files = Object.fromEntries(
      globSync('**/*.{py,ts}', { cwd: folder }).map((path) => [
        path,
        readFileSync(join(folder, path), 'utf8'),
      ]),
    );
    const [{ path, search, replace }] = plant as [Written['plant'][0]];
    const at = files[path]!.indexOf(search);
    const { name } = functionsIn(path, files[path]!).find(({ start, end }) => start <= at && at < end)!;
    files[path] = files[path]!.replace(search, () => replace);
    expect(relevantCode(files, report, { tokens: 1000 })[0]).toMatchObject({ path, name });
  },
);
