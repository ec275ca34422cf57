// What is in the data folder, and for whom.
import { chmodSync, existsSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../process/folder.ts';

export { ratchetHome } from '../process/program.ts';

/** Where repositories that the sandbox reads are kept. */
export const archivesOf = (home: string): string => join(home, 'archives');

/** Of these no other user of the machine may read anything: prompts, answers, training files, passwords, what went wrong. */
const PRIVATE = ['logs', 'modelserver', 'tasks'];

/** Makes the data folder, for its user alone. A .gitignore keeps it out of any repository it may lie in. */
export function makeHome(home: string): void {
  try {
    const ignoreFile = join(home, '.gitignore');
    // A folder that was there for something else keeps its rights; ours within it are closed all the same.
    const ours = !existsSync(home) || existsSync(ignoreFile) || readdirSync(home).length === 0;
    makeFolder(home, 0o700);
    if (ours) close(home);
    for (const name of PRIVATE) {
      makeFolder(join(home, name), 0o700);
      close(join(home, name));
    }
    if (!existsSync(ignoreFile)) writeFileSync(ignoreFile, '*\n');
  } catch (error) {
    throw new Error(
      `The data folder ${home} cannot be made: ${(error as Error).message}. Set RATCHET_HOME to a folder that you may write to.`,
    );
  }
}

function close(folder: string): void {
  const { mode, uid } = lstatSync(folder);
  // Whose it is decides; a link leads to something that is not ours to close.
  if ((mode & 0o077) !== 0 && uid === process.getuid?.() && lstatSync(folder).isDirectory())
    chmodSync(folder, 0o700);
}

export function logFile(home: string, name: string): string {
  return join(home, 'logs', `${name}.log`);
}
