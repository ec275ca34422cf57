/** From the flags of `run` to the input of `improve`, checked before anything is started. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { problemsIn, improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { allowedFile, importsTasks } from '../../tasks/access.ts';
import { decodeFile } from '../../tasks/decode.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { parseExactly } from '../../tasks/exact-json.ts';
import { refuseOverlap } from '../../engine/overlap.ts';
import { loadTask, resolveTaskOf, type TaskSpec } from '../../tasks/index.ts';
import { nameOfModule } from '../../tasks/module.ts';
import { UsageError } from '../../process/errors.ts';

export type RunFlags = {
  prompts?: string;
  iterations?: string;
  seed?: string;
  set?: string[];
  input?: string;
  baseUrl?: string;
  model?: string;
  apiKeyEnv?: string;
  ungated?: boolean;
  control?: boolean;
};

type Tree = { [key: string]: unknown };

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** Sets one field by its dotted path, making the objects on the way. */
function setPath(tree: Tree, path: string, value: unknown): void {
  const names = path.split('.');
  if (names.some((name) => name === '' || forbidden.has(name)))
    throw new UsageError(`--set ${path}: this is no path of a field.`);
  let at = tree;
  for (const name of names.slice(0, -1)) {
    if (!isTree(at[name])) at[name] = {};
    at = at[name] as Tree;
  }
  at[names.at(-1)!] = value;
}

/** A JSON value where the text is one, else the text itself. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readInputFile(path: string): Tree {
  const file = resolve(path);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new UsageError(`--input ${path}: there is no readable file ${file}.`);
  }
  const decoded = decodeFile(bytes);
  const read = 'problem' in decoded ? decoded : parseExactly(decoded.text);
  if (read.problem !== undefined) throw new UsageError(`--input ${path}: the file ${read.problem}.`);
  const { value: parsed } = read as { value: unknown };
  if (!isTree(parsed)) throw new UsageError(`--input ${path}: the file must hold one JSON object.`);
  return parsed;
}

/** A task file's path is made absolute: the worker may live in another folder. A name stays a name. */
function taskReference(task: string): string {
  return /\.(ya?ml|[cm]?[jt]s)$/i.test(task) || task.includes('/') || task.includes('\\')
    ? resolve(task)
    : task;
}

/** Flags over --set over --input; nothing is checked yet. */
export function inputFromFlags(task: string | undefined, flags: RunFlags): Tree {
  const tree: Tree = flags.input ? readInputFile(flags.input) : {};
  for (const entry of flags.set ?? []) {
    const at = entry.indexOf('=');
    if (at < 1)
      throw new UsageError(`--set ${entry}: write it as path=value, for example --set sampling.samples=16`);
    setPath(tree, entry.slice(0, at).trim(), jsonOrText(entry.slice(at + 1)));
  }
  if (flags.ungated && flags.control)
    throw new UsageError('--ungated and --control are different experiments: give one of them.');
  if (flags.ungated) tree.experiment = 'ungated';
  if (flags.control) tree.experiment = 'control';
  if (flags.iterations !== undefined) tree.iterations = jsonOrText(flags.iterations);
  if (flags.seed !== undefined) tree.seed = jsonOrText(flags.seed);
  if (flags.prompts !== undefined) tree.promptsFile = flags.prompts;
  if (task !== undefined) tree.task = task;
  const endpoint = { baseURL: flags.baseUrl, model: flags.model, apiKeyEnv: flags.apiKeyEnv };
  for (const [field, value] of Object.entries(endpoint)) {
    if (value === undefined) continue;
    for (const role of ['generator', 'critic', 'trainer']) setPath(tree, `models.${role}.${field}`, value);
  }
  if (typeof tree.task === 'string') tree.task = taskReference(tree.task);
  if (typeof tree.promptsFile === 'string' && tree.promptsFile) tree.promptsFile = resolve(tree.promptsFile);
  return tree;
}

/** Every field that the schema refuses, one line each. */
export function schemaProblems(input: unknown): string[] {
  const parsed = improveInputSchema.safeParse(input);
  if (parsed.success) return [];
  return problemsIn(parsed.error);
}

async function promptsProblems(file: string): Promise<string[]> {
  try {
    if (existsSync(await allowedFile('prompts file', file))) return [];
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    if (!/there is no such file/.test(error.message)) return error.problems;
  }
  return [`promptsFile: there is no file ${file}`];
}

export type CheckedInput = {
  input: ImproveInput;
  /** The task's own name. */
  task: string;
  spec: TaskSpec;
};

/**
 * Checks an input as the run itself will, with the task's files read.
 * @throws UsageError naming every bad field
 */
export async function checkInput(tree: Tree): Promise<CheckedInput> {
  const problems = schemaProblems(tree);
  if (typeof tree.promptsFile === 'string') problems.push(...(await promptsProblems(tree.promptsFile)));
  let name = '';
  let spec: TaskSpec | undefined;
  if (problems.length === 0) {
    try {
      spec = await resolveTaskOf(improveInputSchema.parse(tree));
      await refuseOverlap(spec);
      name = spec.kind === 'module' && !importsTasks() ? nameOfModule(spec.path) : loadTask(spec).name;
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0)
    throw new UsageError(`The input is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  return { input: tree as ImproveInput, task: name, spec: spec! };
}

/** Ids of runs and schedules stand in addresses and in the ids of child workflows. */
export function checkRunId(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id)) return id;
  throw new UsageError(
    `--id ${id}: an id has 1 to 100 letters, digits, dots, dashes and underscores, and starts with a letter or a digit.`,
  );
}

/** A task's name as ids have it. */
export function taskSlug(task: string): string {
  const name = task.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replace(/^[-_]+/, '');
  // A date and a time come after it.
  return name.slice(0, 80) || 'run';
}

/** `arithmetic-20261122-140533`. */
export function defaultRunId(task: string, now = new Date()): string {
  const digits = (n: number, width = 2) => String(n).padStart(width, '0');
  const date = `${now.getFullYear()}${digits(now.getMonth() + 1)}${digits(now.getDate())}`;
  return `${taskSlug(task)}-${date}-${digits(now.getHours())}${digits(now.getMinutes())}${digits(now.getSeconds())}`;
}
