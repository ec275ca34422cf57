/** Where this program's files and its data lie: in a clone the TypeScript sources, in a package the JavaScript built of them (packaging/). */
import { lstatSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);

/** What holds for this file holds for all of them. */
export const isPackage = here.endsWith('.js');

export const programFolder = resolve(dirname(here), '..');

/** A module of the program, by its path in a clone. */
export const moduleFile = (path: string): string =>
  join(programFolder, isPackage ? path.replace(/\.tsx?$/, '.js') : path);

/**
 * RATCHET_HOME; without it `.ratchet` in the clone. A package keeps nothing beside its files, which the next install removes: there it is the
 * nearest `.ratchet` of this user, from the current folder upwards, else one to be made in the current folder.
 *
 * @returns an absolute path, which need not exist
 */
export function ratchetHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.RATCHET_HOME) return resolve(env.RATCHET_HOME);
  return isPackage ? nearestData(process.cwd()) : join(programFolder, '.ratchet');
}

/** @throws Error where the current folder has one of another user: it says which servers to talk to, and would be believed */
export function nearestData(from: string, user = process.getuid?.()): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const data = join(folder, '.ratchet');
    const ways = [lstatSync, statSync].map((stat) => stat(data, { throwIfNoEntry: false }));
    if (ways.every((found) => found?.uid === user) && ways[1]!.isDirectory()) return data;
    if (folder === from && ways[0])
      throw new Error(
        `${data} is no folder of yours. Set RATCHET_HOME to one, or start Ratchet in another folder.`,
      );
    if (dirname(folder) === folder) return join(from, '.ratchet');
  }
}
