// Where Ratchet keeps its data: RATCHET_HOME, else `.ratchet` in the clone.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repoRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The data folder, absolute. It need not exist. */
export function ratchetHome(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.RATCHET_HOME || join(repoRoot, '.ratchet'));
}

/** Makes the data folder. A .gitignore keeps it out of any repository it may lie in. */
export function makeHome(home: string): void {
  try {
    mkdirSync(join(home, 'logs'), { recursive: true });
    const ignoreFile = join(home, '.gitignore');
    if (!existsSync(ignoreFile)) writeFileSync(ignoreFile, '*\n');
  } catch (error) {
    throw new Error(
      `The data folder ${home} cannot be made: ${(error as Error).message}. Set RATCHET_HOME to a folder that you may write to.`,
    );
  }
}

export function logFile(home: string, name: string): string {
  return join(home, 'logs', `${name}.log`);
}
