/**
 * Where an adapter's files come from: the folder that its trainer named, where this machine can read it, else the model
 * server by its route for them. Either way nothing but the two files of a PEFT folder is taken.
 */
import { createHash } from 'node:crypto';
import { fetchThrough } from '../../../process/proxy.ts';
import { createReadStream, createWriteStream, existsSync, readFileSync, readdirSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Checkpoint } from '../../../db/queries/runs.ts';
import { ADAPTER_FILE } from '../../../models/adapter-file.ts';
import type { Endpoint } from '../../../models/endpoint.ts';
import { errorText } from '../../../models/errors.ts';
import { plain } from '../../../process/text.ts';

export const CONFIG_FILE = 'adapter_config.json';

/** What is known of the base: where its trainer had it, what its config.json calls itself, its weights' digest. */
export type BaseFacts = { path?: string; name?: string; digest?: string };

export type AdapterSource = {
  /** For people. */
  from: string;
  config: string;
  base: BaseFacts;
  /** Copies the weights to a file that does not exist yet. */
  saveWeights(file: string): Promise<void>;
};

/** Longest part of an answer that is quoted in an error. */
const QUOTED_CHARACTERS = 200;

const filesSchema = z.object({
  base: z.object({ digest: z.string(), path: z.string(), name: z.string().nullable() }),
  data: z.array(z.object({ name: z.string(), sha256: z.string() })),
});

/** @throws Error that says where it was looked for and what to do */
export async function findSource(
  checkpoint: Checkpoint,
  server: () => Endpoint,
  signal?: AbortSignal,
): Promise<AdapterSource> {
  const folder = checkpoint.path;
  if (folder && existsSync(join(folder, ADAPTER_FILE))) return localSource(folder);
  const where = folder ? `Its folder ${plain(folder)} is not on this machine` : 'Its trainer told no folder';
  try {
    return await remoteSource(server(), checkpoint.model, signal);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(
      `The adapter of checkpoint ${checkpoint.id} (${plain(checkpoint.model)}) can't be read. ${where}, and the server does not ` +
        `give it: ${errorText(error).replace(/\.$/, '')}. Run this on the trainer's machine, or start the model server that trained it.`,
      { cause: error },
    );
  }
}

async function localSource(folder: string): Promise<AdapterSource> {
  const config = readFileSync(join(folder, CONFIG_FILE), 'utf8');
  const path = (JSON.parse(config) as { base_model_name_or_path?: unknown }).base_model_name_or_path;
  const base: BaseFacts = {};
  if (typeof path === 'string' && existsSync(join(path, 'config.json'))) {
    base.path = path;
    base.digest = await digestWeights(path);
    const named: unknown = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'))._name_or_path;
    if (typeof named === 'string') base.name = named;
  } else if (typeof path === 'string') base.name = path;
  return {
    from: folder,
    config,
    base,
    saveWeights: (file) => copyFile(join(folder, ADAPTER_FILE), file),
  };
}

async function remoteSource(
  { baseURL, client }: Endpoint,
  model: string,
  signal?: AbortSignal,
): Promise<AdapterSource> {
  const url = `${baseURL.replace(/\/$/, '')}/adapters/${encodeURIComponent(model)}/files`;
  const get = async (address: string) => {
    const headers = { authorization: `Bearer ${client.apiKey}` };
    const response = await fetchThrough(address, { headers, signal });
    if (response.ok && response.body) return response;
    const said = (await response.text()).slice(0, QUOTED_CHARACTERS);
    throw new Error(`GET ${address} answers ${response.status}: ${plain(said)}`);
  };
  const { base, data } = filesSchema.parse(await (await get(url)).json());
  const digestOf = (name: string) => data.find((one) => one.name === name)?.sha256;
  const config = await (await get(`${url}/${CONFIG_FILE}`)).text();
  return {
    from: `${baseURL} (${model})`,
    config,
    base: { path: base.path, name: base.name ?? undefined, digest: base.digest },
    async saveWeights(file) {
      const { body } = await get(`${url}/${ADAPTER_FILE}`);
      await pipeline(Readable.fromWeb(body as never), createWriteStream(file, { flags: 'wx' }));
      const came = await sha256File(file);
      if (came !== digestOf(ADAPTER_FILE))
        throw new Error(`${ADAPTER_FILE} did not come whole: its SHA-256 is ${came}. Run this again.`);
    },
  };
}

export async function sha256File(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const WEIGHTS = new Set(['.safetensors', '.bin', '.pt', '.pth']);

/** The digest of a folder's weight files as our model server makes it for its fingerprints (`registry.digest_weights`). */
export async function digestWeights(folder: string): Promise<string> {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && WEIGHTS.has(extname(entry.name)))
    .map((entry) => entry.name)
    .sort();
  const hash = createHash('sha256');
  for (const name of names) {
    hash.update(`${name}\0`);
    for await (const block of createReadStream(join(folder, name))) hash.update(block as Buffer);
  }
  return hash.digest('hex');
}
