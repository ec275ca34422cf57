import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Db } from '../../../db/connect.ts';
import { makeFolder } from '../../../process/folder.ts';
import { pageData } from './data.ts';
import { renderPage } from './page.ts';

/**
 * Writes the page whole or not at all, over a file that is there.
 *
 * @returns where it lies, absolute
 * @throws Error when there is no such run, or the file cannot be written
 */
export async function writePage(db: Db, runId: string, file: string): Promise<string> {
  const path = resolve(file);
  const text = await renderPage(await pageData(db, runId));
  const part = `${path}.${process.pid}.part`;
  try {
    makeFolder(dirname(path));
    writeFileSync(part, text);
  } catch (error) {
    throw notWritten(path, error);
  }
  try {
    renameSync(part, path);
  } catch (error) {
    rmSync(part);
    throw notWritten(path, error);
  }
  return path;
}

const notWritten = (path: string, error: unknown) =>
  new Error(`The report could not be written to ${path}: ${(error as Error).message}`, { cause: error });
