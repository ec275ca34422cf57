import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keptBundle } from '../../workers/bundle.ts';

let sources: string;
let folder: string;
let bundled = 0;
const bundle = () => {
  bundled += 1;
  return Promise.resolve({ code: `bundle ${bundled}` });
};
const codeOf = async (options = {}) => (await keptBundle({ sources, bundle, ...options })).code;
const write = (file: string, text: string) => writeFileSync(join(sources, file), text);

beforeEach(() => {
  sources = mkdtempSync(join(tmpdir(), 'ratchet-bundle-'));
  folder = join(sources, 'node_modules/.cache/ratchet');
  for (const room of ['workflows', 'loop', 'node_modules']) mkdirSync(join(sources, room));
  write('workflows/index.ts', 'one');
  write('node_modules/.package-lock.json', '{}');
  bundled = 0;
});
afterEach(() => rmSync(sources, { recursive: true, force: true }));

const kept = () => globSync('*', { cwd: folder });

it('bundles once for the same sources', async () => {
  expect(await codeOf()).toBe('bundle 1');
  expect(await codeOf()).toBe('bundle 1');
  expect(bundled).toBe(1);
});

it.each(['workflows/index.ts', 'workflows/more.ts', 'loop/vote.ts', 'node_modules/.package-lock.json'])(
  'bundles again when %s changes, and knows the earlier one',
  async (file) => {
    const path = join(sources, file);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    expect(await codeOf()).toBe('bundle 1');
    write(file, 'changed');
    expect(await codeOf()).toBe('bundle 2');
    if (before === undefined) rmSync(path);
    else write(file, before);
    expect(await codeOf()).toBe('bundle 1');
  },
);

it('keeps nothing of sources that changed while they were bundled', async () => {
  const meanwhile = () => {
    write('workflows/index.ts', 'two');
    return bundle();
  };
  expect(await codeOf({ bundle: meanwhile })).toBe('bundle 1');
  write('workflows/index.ts', 'one');
  expect(await codeOf()).toBe('bundle 2');
});

it('keeps nothing where nobody says which packages are installed', async () => {
  rmSync(join(sources, 'node_modules/.package-lock.json'));
  expect(await codeOf()).toBe('bundle 1');
  expect(await codeOf()).toBe('bundle 2');
});

it('does not take one that was cut short', async () => {
  expect(await codeOf()).toBe('bundle 1');
  const [file] = kept();
  for (const damaged of ['', readFileSync(join(folder, file!), 'utf8').slice(0, -1)]) {
    writeFileSync(join(folder, file!), damaged);
    expect(await codeOf()).toBe(`bundle ${bundled}`);
  }
  expect(bundled).toBe(3);
});

it('bundles again where nothing can be kept', async () => {
  write('file', '');
  expect(await codeOf({ folder: join(sources, 'file') })).toBe('bundle 1');
  expect(await codeOf({ folder: join(sources, 'file') })).toBe('bundle 2');
});

it('keeps the newest four versions, and for an hour what may still be written', async () => {
  mkdirSync(folder, { recursive: true });
  const put = (name: string, minutes: number) => {
    writeFileSync(join(folder, name), 'old');
    utimesSync(join(folder, name), Date.now() / 1000 - 60 * minutes, Date.now() / 1000 - 60 * minutes);
  };
  for (let age = 1; age <= 6; age++) put(`workflows-${age}.js`, age);
  put('workflows-a.js.young', 59);
  put('workflows-b.js.old', 61);
  await codeOf();
  expect(new Set(kept().filter((name) => !/^workflows-[0-9a-f]{32}\.js$/.test(name)))).toEqual(
    new Set(['workflows-1.js', 'workflows-2.js', 'workflows-3.js', 'workflows-a.js.young']),
  );
  expect(kept()).toHaveLength(5);
});
