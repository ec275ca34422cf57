/** Where the rows of a task file come from: a file, a command, or a data set by name. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { allowedFile, importsTasks } from '../access.ts';
import { shownCommand } from './command.ts';
import { ratchetHome } from '../../process/program.ts';
import { keepRows, keptRows } from './kept.ts';

export const commandSchema = z
  .array(z.string().min(1).max(4000))
  .min(1)
  .max(50)
  .describe("a program and its arguments, run in the task file's folder");

/** Fields that say where rows come from; one of `file`, `command` and `dataset` is needed (`oneSource`). */
export const source = {
  file: z
    .string()
    .min(1)
    .optional()
    .describe('path, relative to the YAML file: JSON Lines, .csv, .tsv (each of them also .gz) or .parquet'),
  command: commandSchema.optional().describe('writes JSON Lines; run once, when the run begins, and kept'),
  dataset: z
    .string()
    .min(1)
    .optional()
    .describe("a data set of Hugging Face by name, or a folder, read by Python's `datasets`"),
  config: z.string().min(1).optional().describe('of a data set'),
  split: z.string().min(1).optional().describe('of a data set; default: train'),
  seconds: z.int().min(1).max(1500).optional().describe('for the command or the data set; default: 600'),
};

/** `kept`: digest of the rows that a command made; set when the task is resolved. */
export type Source = {
  file?: string;
  command?: string[];
  dataset?: string;
  config?: string;
  split?: string;
  seconds?: number;
  kept?: string;
};

export function oneSource(given: Source, context: z.RefinementCtx): void {
  const named = (['file', 'command', 'dataset'] as const).filter((name) => given[name] !== undefined);
  if (named.length !== 1)
    context.addIssue({
      code: 'custom',
      message:
        named.length === 0
          ? 'needs a file, a command or a dataset'
          : `has ${named.join(' and ')}: one is enough`,
    });
  for (const name of ['config', 'split'] as const)
    if (given[name] !== undefined && given.dataset === undefined)
      context.addIssue({ code: 'custom', path: [name], message: 'is of a dataset' });
  if (given.seconds !== undefined && given.file !== undefined)
    context.addIssue({ code: 'custom', path: ['seconds'], message: 'is of a command or a dataset' });
}

const DEFAULT_SECONDS = 600;
const READER = join(dirname(fileURLToPath(import.meta.url)), 'read_dataset.py');

function commandOf({ command: own, dataset, config = '', split = 'train' }: Source): string[] {
  // The environment that the stack made has the package.
  const made = join(ratchetHome(), 'python/bin/python');
  const python = process.env.RATCHET_PYTHON || (existsSync(made) ? made : 'python3');
  return own ?? [python, READER, dataset!, config, split];
}

/** Has something still to be run for it? So it is where a process resolves a task that runs nothing of it. */
export const isOpen = ({ file, kept }: Source): boolean => file === undefined && kept === undefined;

/**
 * A source as it is kept with a run: its path absolute, or its command run and its rows kept.
 *
 * @param yaml the task file, which must lie where code may come from
 * @throws InvalidInputError where the file may not be read, or the command may not be run, or fails
 */
export async function settle<One extends Source>(
  what: string,
  given: One,
  yaml: { path: string; folder: string },
): Promise<One> {
  if (given.file !== undefined)
    return { ...given, file: await allowedFile(`${what} file`, resolve(yaml.folder, given.file)) };
  await allowedFile(`task file (with a command for its ${what})`, yaml.path, 'module');
  // The web page runs nothing of a task's: the workers will.
  if (!importsTasks()) return given;
  const { seconds = DEFAULT_SECONDS, dataset } = given;
  const plain = what.replace(/:$/, '');
  const whose = dataset === undefined ? plain : `${plain}: the data set ${dataset} was not read`;
  return {
    ...given,
    kept: await keepRows(whose, { command: commandOf(given), folder: yaml.folder, seconds }),
  };
}

/** The file to read, and what it is called in errors. @throws InvalidInputError where rows of a command are not on this machine */
export async function placeOf(what: string, from: Source): Promise<{ file: string; called: string }> {
  if (from.file !== undefined) return { file: from.file, called: `${what} file ${from.file}` };
  const called = `${what}${what.endsWith(':') ? ' rows' : ''} of ${shownCommand(from.command ?? ['dataset', from.dataset ?? '?'])}`;
  return { file: await keptRows(called, from.kept ?? ''), called };
}
