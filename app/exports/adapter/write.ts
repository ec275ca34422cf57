/** `export --adapter`: writes the folder whole or not at all, after everything about it was checked. */
import { existsSync } from 'node:fs';
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from '../../../process/folder.ts';
import { readRun, taskOf, endpointOf } from '../../../engine/context.ts';
import type { Db } from '../../../db/connect.ts';
import { checkpointsMade, type Made } from '../../../db/queries/lineage.ts';
import { baseAndBest, findRun, newestRun, rootOf } from '../../../db/queries/runs.ts';
import { ADAPTER_FILE } from '../../../models/adapter-file.ts';
import { UsageError } from '../../../process/errors.ts';
import { plain } from '../../../process/text.ts';
import { findTarget } from '../../lineage/target.ts';
import { licenceOf, publicBaseId } from './base-id.ts';
import { modelCard, type Card } from './card.ts';
import { adapterFacts } from './facts.ts';
import { inspectWeights, readConfig, sameAsMeasured, type Measured } from './inspect.ts';
import { CONFIG_FILE, findSource, sha256File } from './source.ts';

const PROVENANCE_FILE = 'ratchet.json';

export type AdapterOptions = {
  /** The folder to write. */
  folder: string;
  /** A run, whose best is meant, or a checkpoint as `why` takes it; the newest run when left out. */
  what?: string;
  /** The public id of the base, where it can't be known. */
  base?: string;
  signal?: AbortSignal;
};

export type AdapterExported = {
  folder: string;
  checkpoint: number;
  run: string;
  base: string;
  from: string;
  sha256: string;
  bytes: number;
  measured: Measured;
};

/** @throws UsageError when it names nothing, or something without an adapter */
async function meant(db: Db, text: string | undefined): Promise<Made> {
  const run = text === undefined ? await newestRun(db) : await findRun(db, text);
  if (!run && text === undefined)
    throw new UsageError('There are no runs yet. Start one with: ratchet run arithmetic');
  const target = run
    ? { kind: 'checkpoint', id: (await baseAndBest(db, run.id)).best.id }
    : await findTarget(db, text!, { checkpoint: true });
  const [made] = target.kind === 'checkpoint' && 'id' in target ? await checkpointsMade(db, [target.id]) : [];
  if (!made)
    throw new UsageError(`There is no run or checkpoint "${plain(text ?? '')}". See them with: ratchet list`);
  const { checkpoint } = made;
  if (checkpoint.kind === 'base')
    throw new UsageError(
      run
        ? `The best of run "${plain(run.id)}" is the base: nothing was promoted, so there is no adapter to export. Name a checkpoint to export another one (ratchet report lists them).`
        : `Checkpoint ${checkpoint.id} is a base model: it has no adapter.`,
    );
  if (made.job && made.dataset) return made;
  // A run that began at an adapter has a checkpoint of its own for it: what was trained is its parent.
  if (checkpoint.parentId !== null) return meant(db, `checkpoint:${checkpoint.parentId}`);
  throw new UsageError(`Checkpoint ${checkpoint.id} was not trained in a run: nothing is known of it.`);
}

/** Refuses a folder that holds anything. */
async function refuseFull(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const entries = await readdir(folder).catch(() => {
    throw new UsageError(`--adapter ${plain(folder)}: this is no folder.`);
  });
  if (entries.length > 0)
    throw new UsageError(`--adapter ${plain(folder)}: the folder is not empty. Name a new one.`);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name that servers, shells and the hub take. */
const nameOf = (folder: string) =>
  basename(folder)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+/, '') || 'adapter';

/**
 * @throws UsageError for what does not exist, a folder that is in use, or a base without a public id
 * @throws Error when the adapter can't be read, holds no numbers, or is not the one that was measured
 */
export async function exportAdapter(db: Db, options: AdapterOptions): Promise<AdapterExported> {
  const folder = resolve(options.folder);
  await refuseFull(folder);
  const made = await meant(db, options.what);
  const { checkpoint } = made;
  const run = await readRun(db, checkpoint.runId);
  const task = taskOf(run);
  const source = await findSource(
    checkpoint,
    () => endpointOf('trainer', run.settings, task),
    options.signal,
  );
  const config = readConfig(source.config, source.from);
  const root = await rootOf(db, checkpoint);
  const base = publicBaseId(options.base, source.base, [root.model]);
  const part = `${folder}.${process.pid}.part`;
  makeFolder(part);
  try {
    await source.saveWeights(join(part, ADAPTER_FILE));
    await inspectWeights(part, config);
    const measured = await sameAsMeasured(part, checkpoint.fingerprint, source.base.digest);
    const facts = await adapterFacts(db, made);
    const weights = { file: ADAPTER_FILE, sha256: await sha256File(join(part, ADAPTER_FILE)) };
    const card: Card = {
      facts,
      config,
      base,
      licence: licenceOf(source.base),
      measured,
      name: nameOf(folder),
    };
    const texts = {
      [CONFIG_FILE]: JSON.stringify({ ...config, base_model_name_or_path: base }, null, 2),
      [PROVENANCE_FILE]: JSON.stringify(
        { format: 1, base: { id: base, digest: source.base.digest ?? null }, weights, measured, ...facts },
        null,
        2,
      ),
      'README.md': modelCard(card),
    };
    for (const [name, text] of Object.entries(texts))
      await writeFile(join(part, name), text.endsWith('\n') ? text : `${text}\n`);
    for (const name of await readdir(part)) await sync(join(part, name));
    options.signal?.throwIfAborted();
    await rename(part, folder);
    await sync(dirname(folder));
    return {
      folder,
      checkpoint: checkpoint.id,
      run: checkpoint.runId,
      base,
      from: source.from,
      sha256: weights.sha256,
      bytes: (await stat(join(folder, ADAPTER_FILE))).size,
      measured,
    };
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
