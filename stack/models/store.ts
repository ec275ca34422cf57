/** The models of the data folder: `models/NAME/` with its weights, or with a note of the folder that has them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { programFolder } from '../../process/program.ts';

const recordSchema = z.object({
  format: z.literal(1),
  /** The id under which it is served. */
  name: z.string(),
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('packaged'), name: z.string() }),
    z.object({ kind: z.literal('hub'), repo: z.string(), asked: z.string().optional() }),
    z.object({ kind: z.literal('gguf'), file: z.string() }),
    z.object({ kind: z.literal('folder'), path: z.string() }),
  ]),
  addedAt: z.string(),
  /** The hub id of what it is made from, where it is known. */
  publicId: z.string().optional(),
  /** The hub's commit. */
  revision: z.string().optional(),
  licence: z.string().optional(),
  parameters: z.number(),
  bytes: z.number(),
  dtype: z.string(),
  architecture: z.string().nullable().optional(),
  /** Tokens. */
  context: z.number().nullable().optional(),
  vocabulary: z.number().nullable().optional(),
  /** Whether it has a chat template. */
  template: z.boolean(),
  /** SHA-256: of the weights as the server's fingerprint is made of them; of the GGUF file they come from. */
  digests: z.record(z.string(), z.string()),
});

export type ModelRecord = z.infer<typeof recordSchema>;
export type ModelSource = ModelRecord['source'];

const recordFile = 'ratchet-model.json';

export function modelsFolder(home: string): string {
  return join(home, 'models');
}

export function modelFolder(home: string, name: string): string {
  return join(modelsFolder(home), name);
}

/** Where what is half-downloaded or half-converted lies. */
export function workFolder(home: string, name: string): string {
  return join(modelsFolder(home), '.adding', name);
}

export function makeModelsFolder(home: string): void {
  mkdirSync(join(modelsFolder(home), '.adding'), { recursive: true });
}

/** @throws Error naming the file when it is damaged */
export function readModel(home: string, name: string): ModelRecord | undefined {
  const file = join(modelFolder(home, name), recordFile);
  if (!existsSync(file)) return undefined;
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new Error(
      `${file} is damaged. Remove the model with: ratchet model remove ${name}, and add it again.`,
    );
  }
}

/** All that are there, by name. */
export function readModels(home: string): ModelRecord[] {
  if (!existsSync(modelsFolder(home))) return [];
  const names = readdirSync(modelsFolder(home)).filter((name) => !name.startsWith('.'));
  return names.toSorted().flatMap((name) => readModel(home, name) ?? []);
}

/** For a folder that stays where it is: only the note of it is ours. */
export function writeModel(home: string, record: ModelRecord): void {
  const folder = modelFolder(home, record.name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, recordFile), `${JSON.stringify(record, null, 2)}\n`);
}

export function deleteModel(home: string, name: string): void {
  rmSync(modelFolder(home, name), { recursive: true, force: true });
}

/** The folder with its weights. */
export function weightsFolder(home: string, record: ModelRecord): string {
  return record.source.kind === 'folder' ? record.source.path : modelFolder(home, record.name);
}

/** What the model server is started with. */
export type ServedModel = { name: string; folder: string };

export const builtin: ServedModel = {
  name: 'arithmetic',
  folder: join(programFolder, 'modelserver', 'builtin', 'arithmetic'),
};
/** Its critic: an adapter of it. */
export const builtinCritic: ServedModel = {
  name: 'arithmetic-critic',
  folder: join(programFolder, 'modelserver', 'builtin', 'arithmetic-critic'),
};
