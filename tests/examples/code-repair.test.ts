/** The example repositories of code repair: two suites that pass, and written reports of bugs that both of them notice. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';

const examples = fileURLToPath(new URL('../../examples/code-repair', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-code-repair-'));
afterAll(() => rmSync(folder, { recursive: true }));

const repositories = {
  python: { command: ['python3', '-B', '-m', 'unittest'], ran: /^Ran (\d+) tests/m },
  typescript: { command: [process.execPath, '--test', '--test-isolation=none'], ran: /^\D*tests (\d+)$/m },
};
type Repository = keyof typeof repositories;
type Plant = { path: string; search: string; replace: string };

const reportSchema = z.strictObject({
  id: z.string().regex(/^(py|ts)(-[a-z]+)+$/),
  repository: z.enum(['python', 'typescript']),
  title: z.string().min(10).max(80),
  text: z.string().min(80),
  log: z.string().optional(),
  plant: z.array(z.strictObject({ path: z.string(), search: z.string(), replace: z.string() })).min(1),
});
const reports = readFileSync(join(examples, 'reports.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => reportSchema.parse(JSON.parse(line)));

/** Runs one suite in a copy of its repository with something planted in it. A file that can't be read runs fewer tests. */
function run(repository: Repository, suite: string, plants: Plant[] = []) {
  const { command, ran } = repositories[repository];
  const copy = mkdtempSync(join(folder, 'copy-'));
  cpSync(join(examples, repository), copy, {
    recursive: true,
    filter: (path) => !['tests', '__pycache__'].includes(basename(path)),
  });
  cpSync(join(examples, suite, 'tests'), join(copy, 'tests'), { recursive: true });
  for (const { path, search, replace } of plants) {
    const source = readFileSync(join(copy, path), 'utf8');
    expect(source.split(search), search).toHaveLength(2);
    writeFileSync(
      join(copy, path),
      source.replace(search, () => replace),
    );
  }
  const [file = '', ...args] = command;
  return new Promise<{ passed: boolean; tests: number; output: string }>((resolve) => {
    execFile(file, args, { cwd: copy, timeout: 60_000 }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      resolve({ passed: error === null, tests: Number(ran.exec(output)?.[1]), output });
    });
  });
}

const suites = (repository: Repository) => [repository, join('hidden', repository)];
const clean = (repository: Repository) =>
  Promise.all(suites(repository).map((suite) => run(repository, suite)));
const sizes = { python: clean('python'), typescript: clean('typescript') };

test.each(['python', 'typescript'] as const)('both suites of the %s repository pass', async (repository) => {
  const [first, hidden] = await sizes[repository];
  expect(first, first!.output).toMatchObject({ passed: true });
  expect(first!.tests).toBeGreaterThan(150);
  expect(hidden, hidden!.output).toMatchObject({ passed: true });
  expect(hidden!.tests).toBeGreaterThan(40);
});

test('fifteen reports, each by a name of its own', () => {
  expect(new Set(reports.map(({ id }) => id)).size).toBe(15);
  expect(reports.filter(({ repository }) => repository === 'python')).toHaveLength(8);
});

test.each(reports)('both suites notice $id, and all of their tests run', async ({ repository, plant }) => {
  const results = await Promise.all(suites(repository).map((suite) => run(repository, suite, plant)));
  const before = await sizes[repository];
  expect(results.map(({ passed }) => passed)).toEqual([false, false]);
  expect(results.map(({ tests }) => tests)).toEqual(before.map(({ tests }) => tests));
});
