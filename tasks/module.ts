/**
 * A task in code: a module whose default export is a `Task`, or a function that makes one. The module runs in the workers and in
 * whatever reads a run, with all their rights: use your own code only. Which may be imported, access.ts says; the web page imports
 * none. Neither the file nor what it imports of its own may change during a run; other files that it reads are not watched.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { digestOf } from '../process/digest.ts';
import { allowedFile, importsTasks } from './access.ts';
import { fileProblem, InvalidInputError } from './errors.ts';
import { importOwn } from './module-imports.ts';
import { EXAMPLES_IN, THINKING, type Task } from './task.ts';

/** The task is code, and this process runs none: what needs it must be asked for elsewhere. */
export class TaskIsCodeError extends InvalidInputError {
  constructor(path: string) {
    super([`task module ${path}: the web page runs no code of tasks; the ratchet command does`]);
  }
}

/**
 * `digest` is of the file as it was when the run was resolved, `imports` are those of the files that it imports of its own, by path. They
 * are missing where whoever resolved it runs no code of tasks, and in runs of earlier versions.
 */
export type ModuleSpec = {
  kind: 'module';
  path: string;
  digest: string;
  imports?: Record<string, string>;
  promptsFile?: string;
};

/** What the module's function is given. */
type ModuleOptions = {
  /** Absolute path of the file that the run names as its prompts. */
  promptsFile?: string;
};

const FUNCTIONS = ['prompts', 'ask', 'readAnswer', 'sameAnswer', 'checkFormat', 'checkCoherence'] as const;

const tasks = new Map<string, Task>();
const idOf = ({ path, digest, imports, promptsFile }: ModuleSpec) =>
  JSON.stringify([path, digest, imports, promptsFile]);

/** What a module imported when it was last loaded here: the files that may have changed since. */
const importedBy = new Map<string, string[]>();
/** Times that a module could not be loaded. Node keeps that too, so the next attempt needs another address. */
const failures = new Map<string, number>();

function digestOfFile(path: string): string {
  try {
    return digestOf(readFileSync(path));
  } catch (error) {
    throw new InvalidInputError([fileProblem('task module', path, error)]);
  }
}

const digestsOf = (files: readonly string[]): Record<string, string> =>
  Object.fromEntries(files.map((file) => [file, digestOfFile(file)]));

/**
 * Reads a task's module and checks what it exports.
 *
 * @throws InvalidInputError naming everything that is wrong
 */
export async function resolveModuleTask(path: string, promptsFile?: string): Promise<ModuleSpec> {
  const real = await allowedFile('task module', path, 'module');
  const spec: ModuleSpec = {
    kind: 'module',
    path: real,
    digest: digestOfFile(real),
    ...(promptsFile ? { promptsFile } : {}),
  };
  if (!importsTasks()) return spec;
  const { task, files } = await load(spec);
  const resolved = files.length === 0 ? spec : { ...spec, imports: digestsOf(files) };
  tasks.set(idOf(resolved), task);
  return resolved;
}

/**
 * Loads the module of a stored run, once per process and state of its files.
 *
 * @throws InvalidInputError when a file is gone, has changed, or the module exports no task
 */
export async function importTask(spec: ModuleSpec): Promise<void> {
  const { path, digest, imports = {} } = spec;
  if (!importsTasks()) throw new TaskIsCodeError(path);
  if (tasks.has(idOf(spec))) return;
  const changed = Object.entries({ [path]: digest, ...imports }).flatMap(([file, then]) => {
    const now = digestOfFile(file);
    if (now === then) return [];
    const what = file === path ? '' : ` ${file}, which it imports,`;
    return [
      `task module ${path}:${what} has changed since the run began (${then.slice(0, 12)}, now ${now.slice(0, 12)}): put the file back, or start another run`,
    ];
  });
  if (changed.length > 0) throw new InvalidInputError(changed);
  tasks.set(idOf(spec), (await load(spec)).task);
}

/** Imports the module as its files are now. */
async function load({ path, promptsFile }: ModuleSpec): Promise<{ task: Task; files: string[] }> {
  const known = (importedBy.get(path) ?? []).filter((file) => existsSync(file));
  const failed = failures.get(path) ?? 0;
  const token = digestOf(JSON.stringify([digestsOf([path, ...known]), failed])).slice(0, 16);
  let exported: unknown;
  let files: string[];
  try {
    const loaded = await importOwn(path, token);
    files = loaded.files;
    exported = loaded.module['default'];
    if (typeof exported === 'function')
      exported = (exported as (options: ModuleOptions) => unknown)({ promptsFile });
  } catch (error) {
    failures.set(path, failed + 1);
    throw new InvalidInputError([`task module ${path}: ${whyNotLoaded(error as Error)}`]);
  }
  importedBy.set(path, files);
  const problems = whatIsWrong(exported);
  if (problems.length > 0)
    throw new InvalidInputError(problems.map((problem) => `task module ${path}: ${problem}`));
  return { task: exported as Task, files };
}

/** @throws Error when the module was not imported before */
export function moduleTask(spec: ModuleSpec): Task {
  const task = tasks.get(idOf(spec));
  if (!task) throw new Error(`The task module ${spec.path} has not been imported.`);
  return task;
}

/** A name for a module that is not imported: its file's, or its folder's where it is `task.ts`. */
export function nameOfModule(path: string): string {
  const name = basename(path, extname(path));
  return name === 'task' ? basename(dirname(path)) : name;
}

/** A parser's error quotes the file; what the module itself throws is its own business. */
function whyNotLoaded(error: Error & { code?: unknown }): string {
  const parsing =
    error instanceof SyntaxError ||
    error.code === 'ERR_INVALID_TYPESCRIPT_SYNTAX' ||
    // tsx and others that compile on the way.
    /^(Transform failed|Parse failure)/.test(error.message);
  if (!parsing) return error.message.split('\n')[0]!;
  const line = /:(\d+)(?::\d+)?$/m.exec(error.stack?.split('\n')[0] ?? '')?.[1];
  return `is no valid code${line === undefined ? '' : ` (line ${line})`}`;
}

/** The types say all this to who writes the module; a run must not find out halfway. */
/** Names stand in keys, in ids and in the names of models. */
const MAX_NAME_LENGTH = 64;

function whatIsWrong(exported: unknown): string[] {
  if (typeof exported !== 'object' || exported === null)
    return ['its default export is no task: export a Task, or a function that returns one'];
  const task = exported as Partial<Task>;
  const problems: string[] = [];
  for (const name of ['name', 'title'] as const) {
    if (typeof task[name] !== 'string' || task[name] === '') problems.push(`${name} must be a text`);
  }
  if (typeof task.name === 'string' && task.name.length > MAX_NAME_LENGTH)
    problems.push(`name has ${task.name.length} characters, at most ${MAX_NAME_LENGTH} fit`);
  for (const name of FUNCTIONS) {
    if (typeof task[name] !== 'function') problems.push(`${name} must be a function`);
  }
  if (task.forTarget !== undefined && typeof task.forTarget !== 'function')
    problems.push('forTarget must be a function');
  if (!Array.isArray(task.strategies) || task.strategies.length === 0)
    problems.push('strategies must be a list of at least one way of asking');
  if (task.thinking !== undefined && !THINKING.includes(task.thinking))
    problems.push(`thinking must be one of ${THINKING.join(', ')}`);
  if (!Number.isInteger(task.maxTokens) || task.maxTokens! < 1)
    problems.push('maxTokens must be a whole number of tokens');
  if (!Array.isArray(task.benchmarks) || !task.benchmarks.some((one) => one?.role === 'target'))
    problems.push('benchmarks must have one with the role target');
  const { examples, examplesIn } = task;
  const isWorked = (one: unknown) =>
    ['prompt', 'answer'].every((name) => typeof (one as Record<string, unknown> | null)?.[name] === 'string');
  if (examples !== undefined && !(Array.isArray(examples) && examples.every(isWorked)))
    problems.push('examples must be a list of { prompt, answer }, both texts');
  if (examplesIn !== undefined && !EXAMPLES_IN.includes(examplesIn))
    problems.push(`examplesIn must be ${EXAMPLES_IN.join(' or ')}`);
  return problems;
}
