/** A simulator of one's own: one YAML file names the quantities, what may be set, and the program that measures. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { limitsSchema } from '../../sandbox/job.ts';
import { allowedFile } from '../access.ts';
import { fileProblem, InvalidInputError } from '../errors.ts';
import { readJsonl } from '../jsonl.ts';
import { parseAs, readYaml } from '../yaml.ts';
import { FORM_NAMES, type FormName } from './forms.ts';
import { hypothesesOf } from './grammar.ts';

const NAME = /^(?!k\d+$)[a-z][a-z0-9_]*$/i;
const name = z.string().max(40).regex(NAME, 'must be a name of letters, digits and _, and not k1, k2, …');

const quantitySchema = z
  .strictObject({
    name,
    min: z.number(),
    max: z.number(),
    unit: z.string().max(30).optional(),
    forms: z
      .array(z.enum(FORM_NAMES as [FormName, ...FormName[]]))
      .min(1)
      .optional(),
  })
  .refine(({ min, max }) => min < max, 'min must be below max');

const simulatorSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/i)
      .max(60),
    title: z.string().max(200).optional(),
    quantities: z.array(quantitySchema).min(1).max(4),
    measures: z.strictObject({ name, unit: z.string().max(30).optional() }),
    experiments: z
      .union([
        z.strictObject({ levels: z.int().min(2).max(1000) }),
        z.strictObject({ file: z.string().min(1) }),
      ])
      .describe(
        'evenly spaced values of each quantity, or a file of JSON Lines with the settings that there are',
      ),
    repeats: z
      .boolean()
      .default(true)
      .describe('false: the same settings measure the same again, so once is enough'),
    noise: z
      .strictObject({
        relative: z.number().min(0).max(10).default(0),
        absolute: z.number().min(0).default(0),
      })
      .refine(
        ({ relative, absolute }) => relative + absolute > 0,
        'one of relative and absolute must be above 0',
      )
      .describe('standard deviation of what is measured, where the program does not say'),
    command: z.array(z.string().min(1).max(4000)).min(1).max(50),
    files: z.array(z.string().min(1)).max(20).default([]),
    limits: limitsSchema.prefault({ memoryMb: 1024 }),
    hypotheses: z.array(z.string().min(1)).max(200).default([]),
  })
  .refine(
    ({ quantities }) => new Set(quantities.map((one) => one.name)).size === quantities.length,
    'two quantities have one name',
  );

/** As it is stored: with the settings and the files that it names. */
export type Simulator = Omit<z.output<typeof simulatorSchema>, 'experiments' | 'files'> & {
  options?: number[][];
  levels?: number;
  files: Record<string, string>;
};

/** They travel with every experiment. */
const FILE_BYTES = 64 * 1024;
const MOST_OPTIONS = 20_000;

/** @throws InvalidInputError naming everything that is wrong */
export async function readSimulator(path: string): Promise<Simulator> {
  const yaml = await readYaml(resolve(path));
  const { experiments, files: named, ...rest } = parseAs(simulatorSchema, yaml);
  const files: Record<string, string> = {};
  for (const file of named) files[basename(file)] = await readSmall(resolve(yaml.folder, file));
  const bytes = Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > FILE_BYTES)
    throw new InvalidInputError([`task file ${path}: files: ${bytes} bytes together, above ${FILE_BYTES}`]);
  const options =
    'file' in experiments
      ? await readOptions(resolve(yaml.folder, experiments.file), rest.quantities)
      : undefined;
  const grid = 'levels' in experiments ? experiments.levels ** rest.quantities.length : 0;
  if (grid > MOST_OPTIONS)
    throw new InvalidInputError([
      `task file ${path}: experiments.levels: ${grid} experiments, above ${MOST_OPTIONS}`,
    ]);
  // What can't be read is refused before anything is started.
  hypothesesOf(rest.quantities, { allowed: allowedForms(rest), more: rest.hypotheses });
  return {
    ...rest,
    files,
    ...(options ? { options } : { levels: (experiments as { levels: number }).levels }),
  };
}

export const allowedForms = ({ quantities }: Pick<Simulator, 'quantities'>): Record<string, FormName[]> =>
  Object.fromEntries(quantities.flatMap((one) => (one.forms ? [[one.name, one.forms]] : [])));

async function readSmall(path: string): Promise<string> {
  const real = await allowedFile('simulator file', path);
  try {
    return await readFile(real, 'utf8');
  } catch (error) {
    throw new InvalidInputError([fileProblem('simulator file', path, error)]);
  }
}

async function readOptions(path: string, quantities: { name: string }[]): Promise<number[][]> {
  const options: number[][] = [];
  for await (const { line, value, problem } of readJsonl('experiments file', path)) {
    const row = quantities.map((one) => value?.[one.name]);
    const missing = quantities.find((_, i) => typeof row[i] !== 'number' || !Number.isFinite(row[i]));
    if (problem ?? missing)
      throw new InvalidInputError([
        `Line ${line} of ${path} ${problem ?? `has no number "${missing!.name}"`}.`,
      ]);
    options.push(row as number[]);
    if (options.length > MOST_OPTIONS)
      throw new InvalidInputError([`${path} has more than ${MOST_OPTIONS} lines`]);
  }
  if (options.length < 3) throw new InvalidInputError([`${path} has fewer than 3 experiments`]);
  return options;
}

/** All files that a study of this simulator reads. @throws InvalidInputError */
export async function filesOfSimulator(path: string): Promise<string[]> {
  const yaml = await readYaml(resolve(path));
  const { experiments, files } = parseAs(simulatorSchema, yaml);
  const named = 'file' in experiments ? [...files, experiments.file] : files;
  return [resolve(path), ...named.map((file) => resolve(yaml.folder, file))];
}
