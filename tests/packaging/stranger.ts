/** Somebody who has the package and nothing else: an empty folder, this machine's Node and npm, no variable of ours. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { usersServices } from '../../stack/first-state.ts';
import { freePort } from '../support/ports.ts';

export const clone = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm test` sets for its tests, and npm for what it runs. */
const OURS =
  /^(RATCHET_|VITEST|NODE_(ENV|OPTIONS|COMPILE_CACHE)$|npm_(package|lifecycle|config_local_prefix|config_omit)|PYTHONPATH$)/;

/** Where npm is, of the clone's own packages there are none. */
const withoutPackages = (path: string): string =>
  path
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter);

export type Stranger = {
  folder: string;
  /** Runs a command there and answers what it printed. Throws with all of it where it fails. */
  does(command: string, ...args: string[]): Promise<string>;
};

/** The stack's Python environment takes gigabytes: the one of the tests is lent, as an earlier `ratchet up` would have left it. */
export async function stranger(): Promise<Stranger> {
  const python = process.env.RATCHET_PYTHON;
  if (!python) throw new Error('RATCHET_PYTHON is not set: run these tests with `npm test`.');
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-package-'));
  mkdirSync(join(folder, '.ratchet'));
  symlinkSync(dirname(dirname(python)), join(folder, '.ratchet/python'));
  const kept = Object.entries(process.env).filter(
    ([name]) => !OURS.test(name) && !usersServices.includes(name),
  );
  const ports = ['POSTGRES', 'TEMPORAL', 'TEMPORAL_UI', 'MODELSERVER', 'WEB', 'GATEWAY'];
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(
      await Promise.all(ports.map(async (part) => [`RATCHET_${part}_PORT`, String(await freePort())])),
    ),
    PATH: withoutPackages(process.env.PATH ?? ''),
    NO_COLOR: '1',
  };
  const does = async (command: string, ...args: string[]): Promise<string> => {
    try {
      const { stdout } = await promisify(execFile)(command, args, { cwd: folder, env, maxBuffer: 2 ** 26 });
      return stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${command} ${args.join(' ')}:\n${stdout}\n${stderr}`, { cause: error });
    }
  };
  return { folder, does };
}
