/** The table of docs/security.md: every row that promises something names tests, and they are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(root, 'docs/security.md'), 'utf8');
const rows = text.split('\n').filter((line) => /^\| (?!who )/.test(line) && !line.startsWith('|-'));

test('each row of the table names its test', () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const cells = row.split(' | ');
    const tests = [...cells.at(-1)!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!);
    expect(tests.length, row).toBeGreaterThan(0);
    for (const path of tests) expect(existsSync(join(root, path)), path).toBe(true);
  }
});

test('the five kinds are there, and SECURITY.md says how to report', () => {
  for (const kind of ['Network', 'Tokens', 'Files', 'Keys', 'Code']) expect(text).toContain(`\n## ${kind}\n`);
  const policy = readFileSync(join(root, 'SECURITY.md'), 'utf8');
  expect(policy).toContain('docs/security.md');
  expect(policy).toMatch(/privately/);
});
