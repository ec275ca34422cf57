/**
 * Which files a run may have read, and which code imported: decided by the process that reads, never by the input.
 *
 * Covers: task files, task modules, prompts files and every file that a task file names. They must lie in a folder of RATCHET_TASKS,
 * by their real path (no link leads out of it) and below no folder or file whose name begins with a dot; or the user of the local
 * stack has named them in a command (process/grants.ts). The command line reads what its user may read.
 * Does not cover: what a task module does once it is imported; it has the rights of its process.
 */
import { realpath, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { readGrants } from '../process/grants.ts';
import { programFolder } from '../process/program.ts';
import { fileProblem, InvalidInputError } from './errors.ts';

export type Kind = 'data' | 'module';

type Folder = { path: string; modules: boolean };

type Rules =
  /** Someone at a terminal: the operating system knows what they may read. */
  | { who: 'user' }
  /** `modules: false`: code is found, never imported. */
  | { who: 'server'; modules: boolean };

let rules: Rules = { who: 'server', modules: true };

/** For commands that a person types. What they read, the person reads. */
export function actAsUser(): void {
  rules = { who: 'user' };
}

/** For the web page: no code of a task comes into its process. */
export function importNoTasks(): void {
  rules = { who: 'server', modules: false };
}

export const importsTasks = (): boolean => rules.who === 'user' || rules.modules;

/** What RATCHET_TASKS names; without it the program's own folder (code from its examples alone) and the data folder's `tasks`. */
function folders(env: NodeJS.ProcessEnv): Folder[] {
  const given = (env.RATCHET_TASKS ?? '').split(delimiter).filter(Boolean);
  if (given.length > 0) return given.map((path) => ({ path: resolve(path), modules: true }));
  return [
    { path: join(programFolder, 'examples'), modules: true },
    { path: programFolder, modules: false },
    ...(env.RATCHET_HOME ? [{ path: join(resolve(env.RATCHET_HOME), 'tasks'), modules: true }] : []),
  ];
}

const within = (folder: string, path: string): string[] | undefined => {
  const way = relative(folder, path);
  return way === '' || isAbsolute(way) ? undefined : way.split(sep);
};

/** Is it below the folder, and nowhere below a name that begins with a dot or among installed packages? */
const isBelow = (folder: string, path: string): boolean =>
  within(folder, path)?.every((name) => !name.startsWith('.') && name !== 'node_modules') ?? false;

/** The data folder holds the database, logs and passwords: wherever it lies, of it only `tasks` may be read. */
function isOurs(home: string | undefined, path: string): boolean {
  const way = home ? within(home, path) : undefined;
  return way !== undefined && way[0] !== 'tasks' && way[0] !== '..';
}

function refusal(what: string, path: string, kind: Kind): InvalidInputError {
  const given = process.env.RATCHET_TASKS;
  const where = given
    ? `RATCHET_TASKS of the workers (${given})`
    : kind === 'module'
      ? 'examples/ of the program, or tasks/ of the data folder'
      : "the program's folder, or tasks/ of the data folder";
  return new InvalidInputError([
    `${what} ${path}: the workers may not ${kind === 'module' ? 'run' : 'read'} it. Put it into ${where}; or, on the machine of a local stack, start the run there with: ratchet run (docs/security.md)`,
  ]);
}

/**
 * The real path of a file that this process may read, or import as code.
 *
 * @param what names the file in errors, e.g. `prompts file`
 * @throws InvalidInputError when it may not, which tells nothing of whether there is such a file; or when it is none
 */
export async function allowedFile(what: string, path: string, kind: Kind = 'data'): Promise<string> {
  if (rules.who === 'user') return path;
  const real = await realpath(path).catch((error: unknown) => error as Error);
  const env = process.env;
  const may = folders(env).filter(({ modules }) => kind === 'data' || modules);
  const inside = await Promise.all(
    may.map(async (folder) => {
      const home = await realpath(folder.path).catch(() => folder.path);
      if (typeof real === 'string') return isBelow(home, real);
      return isBelow(folder.path, path) || isBelow(home, path);
    }),
  );
  const found = typeof real === 'string' ? real : path;
  const home = env.RATCHET_HOME && (await realpath(env.RATCHET_HOME).catch(() => resolve(env.RATCHET_HOME!)));
  const granted = () => readGrants(env.RATCHET_HOME).some((grant) => 'file' in grant && grant.file === found);
  if (isOurs(home || undefined, found) || !(inside.includes(true) || granted()))
    throw refusal(what, path, kind);
  if (typeof real !== 'string') throw new InvalidInputError([fileProblem(what, path, real)]);
  // A pipe or a device would be read for ever.
  const facts = await stat(real);
  if (facts.isDirectory()) throw new InvalidInputError([`${what} ${path}: is a folder, not a file`]);
  if (!facts.isFile()) throw new InvalidInputError([`${what} ${path}: is no file`]);
  return real;
}
