import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { makeFolder } from './folder.ts';

/**
 * Writes a file whole or not at all, over a file that is there.
 *
 * @returns where it lies, absolute
 * @throws Error when it cannot be written
 */
export function writeWhole(file: string, text: string): string {
  const path = resolve(file);
  const part = `${path}.${process.pid}.part`;
  try {
    makeFolder(dirname(path));
    try {
      writeFileSync(part, text);
      renameSync(part, path);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
  } catch (error) {
    throw notWritten(path, error);
  }
  return path;
}

const notWritten = (path: string, error: unknown) =>
  new Error(`The file could not be written to ${path}: ${(error as Error).message}`, { cause: error });
