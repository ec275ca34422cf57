/** A file of bugs is written by a command and may be edited by people: what can't be used is named, by its line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bugsOf, prepareBugs } from '../../../tasks/code/bugs.ts';
import { folderOf } from '../../support/code-repair.ts';

const folder = folderOf({});
const bug = {
  id: 'kit/f',
  repository: 'kit',
  archive: '0'.repeat(64),
  set: 'practice',
  language: 'python',
  path: 'f.py',
  function: 'f',
  title: 'f is wrong',
  text: '',
  shown: [{ path: 'f.py', name: 'f', text: 'def f(a):\n    return -a' }],
  file: 'def f(a):\n    return -a\n',
  must: ['t'],
  keep: [],
  calls: ['f(1)'],
  asserted: [],
  expects: [],
  probes: ['f(2)', 'f(3)'],
  stale: ['-2', '-3'],
  planted: true,
};
let files = 0;
const fileOf = (...rows: object[]): string => {
  const file = join(folder, `bugs-${files++}.jsonl`);
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
};

test('what was there before a bug may be unknown, as in files of earlier versions', async () => {
  const known = { ...bug, sound: ['2', '3'], mended: 'def f(a):\n    return a' };
  const [before, now] = bugsOf(await prepareBugs(fileOf(bug, { ...known, id: 'kit/g' })));
  expect(before).not.toHaveProperty('sound');
  expect(now).toMatchObject({ sound: ['2', '3'], mended: known.mended });
});

test.each([
  [{ sound: ['2'] }, 'line 2 has 2 probes, and 1 values of them in stale or sound'],
  [{ stale: [] }, 'line 2 has 2 probes, and 0 values of them in stale or sound'],
  [{ set: 'train' }, 'line 2 is not as `ratchet bugs` writes it: set'],
  [{ id: 'kit/f' }, 'line 2 has an id that stands there twice'],
  [{ file: 'a\0b' }, 'line 2'],
])('%j is refused by name', async (wrong, message) => {
  await expect(prepareBugs(fileOf(bug, { ...bug, id: 'kit/g', ...wrong }))).rejects.toThrow(message);
});

test('a file without bugs is refused', async () => {
  await expect(prepareBugs(fileOf())).rejects.toThrow('has no rows');
});
