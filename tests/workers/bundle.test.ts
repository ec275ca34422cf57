import { globSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keptBundle } from '../../workers/bundle.ts';

let folder: string;
let bundled = 0;
const bundle = () => {
  bundled += 1;
  return Promise.resolve({ code: `bundle ${bundled}`, sourceMap: '' });
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ratchet-bundle-'));
  bundled = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kept = () => globSync('*', { cwd: folder });

it('bundles once for the same sources', async () => {
  const into = join(folder, 'new');
  expect((await keptBundle(into, bundle)).code).toBe('bundle 1');
  expect((await keptBundle(into, bundle)).code).toBe('bundle 1');
  expect(bundled).toBe(1);
});

it('bundles again where nothing can be kept', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect((await keptBundle(join(folder, 'file'), bundle)).code).toBe('bundle 1');
  expect((await keptBundle(join(folder, 'file'), bundle)).code).toBe('bundle 2');
});

it('keeps the newest four versions, and nothing half-written', async () => {
  for (let age = 1; age <= 6; age++) {
    const old = join(folder, `workflows-${age}.js`);
    writeFileSync(old, 'old');
    utimesSync(old, Date.now() / 1000 - 60 * age, Date.now() / 1000 - 60 * age);
  }
  await keptBundle(folder, bundle);
  expect(
    kept()
      .filter((name) => /^workflows-\d\.js$/.test(name))
      .toSorted(),
  ).toEqual([1, 2, 3].map((age) => `workflows-${age}.js`));
  expect(kept()).toHaveLength(4);
});
