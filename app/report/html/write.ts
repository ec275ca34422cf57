import type { Db } from '../../../db/connect.ts';
import { writeWhole } from '../../../process/write-whole.ts';
import { pageData } from './data.ts';
import { renderPage } from './page.ts';

/**
 * Writes the page whole or not at all, over a file that is there.
 *
 * @returns where it lies, absolute
 * @throws Error when there is no such run, or the file cannot be written
 */
export async function writePage(db: Db, runId: string, file: string): Promise<string> {
  return writeWhole(file, await renderPage(await pageData(db, runId)));
}
