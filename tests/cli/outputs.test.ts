/** Where nothing can be written, a command says so and fails: an exit code of 0 says that all is there. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFolder } from '../../process/folder.ts';
import { makeHome } from '../../stack/home.ts';
import { programFolder } from '../../process/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sh = (command: string) =>
  promisify(execFile)('sh', ['-c', command], { cwd: programFolder, timeout: 120_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
const ratchet = `'${process.execPath}' --import tsx cli/main.ts`;

test.skipIf(!existsSync('/dev/full'))(
  'a full output device is named, and is a failure',
  async () => {
    const { code, stderr } = await sh(`${ratchet} settings --markdown > /dev/full`);
    expect(stderr).toMatch(/^✗ Standard output can't be written: ENOSPC.*Free some space/);
    expect(code).toBe(1);
  },
  120_000,
);

test('a reader that has gone is none', async () => {
  const { stdout } = await sh(
    `{ ${ratchet} settings --markdown; echo "code $?" >&2; } 2>&1 | head -c 20 >/dev/null; echo done`,
  );
  expect(stdout).toBe('done\n');
}, 120_000);

describe('a folder', () => {
  test('is made with those above it, and again without harm', () => {
    const deep = join(folder, 'a', 'b', 'c');
    makeFolder(deep, 0o700);
    makeFolder(deep);
    expect(statSync(deep).mode & 0o777).toBe(0o700);
  });
  test.each([
    ['under a file', 'file/x', /ENOTDIR/],
    ['that is a file', 'file', /ENOTDIR/],
    ['that is a link to nowhere', 'link', /ENOENT/],
  ])('%s can not be made, which is said at once', (_, name, said) => {
    writeFileSync(join(folder, 'file'), '');
    rmSync(join(folder, 'link'), { force: true });
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    expect(() => makeFolder(join(folder, name))).toThrow(said);
  });
  test.skipIf(!existsSync('/proc/self'))('of data where none can be is refused, by its variable', () => {
    for (const home of ['/proc/ratchet-home', '/proc/ratchet/home', '/dev/null/home'])
      expect(() => makeHome(home)).toThrow(/^The data folder .* cannot be made: .*Set RATCHET_HOME/);
    mkdirSync(join(folder, 'home'));
    makeHome(join(folder, 'home'));
  });
});
