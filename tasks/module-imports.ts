/**
 * Imports a task's module so that a change of it or of any file that it imports, directly or not, is seen: Node keeps a module for as long as
 * the process lives, and under another address it is another module. Files of packages and of this program are not the task's own.
 */
import { registerHooks } from 'node:module';
import { dirname, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { programFolder } from '../process/program.ts';

/** Stands behind the address of each file of a task, with what tells its state. */
const MARK = 'ratchet-task';

/** One import of a task under way or done: where the module lies and what it has imported of its own so far. */
type Import = { folder: string; files: Set<string> };
const imports = new Map<string, Import>();

let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const token = tokenOf(context.parentURL);
      const whose = token === undefined ? undefined : imports.get(token);
      if (!whose || !found.url.startsWith('file:') || !context.conditions.includes('import')) return found;
      const file = fileURLToPath(found.url);
      if (!isOwn(file, whose.folder)) return found;
      whose.files.add(file);
      return { ...found, url: addressOf(file, token!) };
    },
  });
}

const addressOf = (file: string, token: string): string => {
  const url = pathToFileURL(file);
  url.searchParams.set(MARK, token);
  return url.href;
};

const tokenOf = (url: string | undefined): string | undefined =>
  url?.startsWith('file:') ? (new URL(url).searchParams.get(MARK) ?? undefined) : undefined;

/** Examples lie in the program's folder, and are tasks all the same. */
function isOwn(file: string, folder: string): boolean {
  if (file.includes(`${sep}node_modules${sep}`)) return false;
  const under = (parent: string) => file.startsWith(parent.endsWith(sep) ? parent : parent + sep);
  return under(folder) || !under(programFolder);
}

/**
 * @param token tells one state of the module's files from every other: the same one gives the same module again
 * @returns the module, and the files that it imports of its own, sorted
 */
export async function importOwn(
  path: string,
  token: string,
): Promise<{ module: Record<string, unknown>; files: string[] }> {
  watch();
  if (!imports.has(token)) imports.set(token, { folder: dirname(path), files: new Set() });
  const module = (await import(addressOf(path, token))) as Record<string, unknown>;
  return { module, files: [...imports.get(token)!.files].filter((file) => file !== path).toSorted() };
}
