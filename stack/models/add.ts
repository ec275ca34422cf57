/** Getting a model into the data folder: what the CLI decides and says; the work is the model server's `fetch`. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../process/errors.ts';
import { logFile, makeHome } from '../home.ts';
import { programFolder } from '../../process/program.ts';
import { withLock } from '../../process/lock.ts';
import { removeTree, startChild, type Child } from '../processes.ts';
import { preparePythonEnv } from '../python-env.ts';
import { findPython, findUv, installUv, runs } from '../python.ts';
import { step, type OnStep } from '../steps.ts';
import { packagedModel, type Packaged } from './packaged.ts';
import { readModelName } from './source.ts';
import {
  builtin,
  makeModelsFolder,
  modelFolder,
  modelsFolder,
  readModel,
  weightsFolder,
  workFolder,
  writeModel,
  type ModelRecord,
  type ModelSource,
  type ServedModel,
} from './store.ts';

export interface AddOptions {
  home: string;
  env?: NodeJS.ProcessEnv;
  onStep?: OnStep;
  signal?: AbortSignal;
  /** The user has agreed to the licence of a model that demands it. */
  acceptLicense?: boolean;
  /** The name that it is to have here. */
  as?: string;
  /** The model server's interpreter, where it is made ready already. */
  python?: string;
}

/**
 * The models of these names, got where they are missing: what `up --model` and `demo --model` serve, the first as default.
 * @throws UsageError for a name that stands for nothing, Error when a model can't be had; both say what to do
 */
export async function ensureModels(names: string[], options: AddOptions): Promise<ServedModel[]> {
  const served: ServedModel[] = [];
  for (const name of names) {
    const model = await ensureModel(name, options);
    if (!served.some((other) => other.name === model.name)) served.push(model);
  }
  return served;
}

/** Looks at the names before anything is started. @throws UsageError for one that stands for nothing or wants a yes first */
export function checkModelNames(names: string[], home: string): void {
  for (const name of names) {
    const asked = readModelName(name, home);
    if (asked.kind !== 'new' || asked.source.kind !== 'packaged') continue;
    const model = packagedModel(asked.source.name)!;
    if (model.mustAccept) throw new UsageError(acceptFirst(model));
  }
}

async function ensureModel(text: string, options: AddOptions): Promise<ServedModel> {
  const asked = readModelName(text, options.home, options.as);
  if (asked.kind === 'builtin') return builtin;
  const record = asked.kind === 'stored' ? asked.record : (await addModel(text, options)).record;
  const folder = weightsFolder(options.home, record);
  if (!existsSync(join(folder, 'config.json')))
    throw new Error(
      `The model ${record.name} is gone: ${folder} has no config.json. Bring the folder back, or remove the model with: ratchet model remove ${record.name}`,
    );
  return { name: record.name, folder };
}

/** Adds a model, or finds the one that is there: `added` says which. */
export async function addModel(
  text: string,
  options: AddOptions,
): Promise<{ record: ModelRecord; added: boolean }> {
  const { home } = options;
  const asked = readModelName(text, home, options.as);
  if (asked.kind === 'builtin')
    throw new UsageError(`${builtin.name} is the built-in model: it is always there.`);
  if (asked.kind === 'stored') return { record: asked.record, added: false };
  const { name, source } = asked;
  const packaged = source.kind === 'packaged' ? packagedModel(source.name) : undefined;
  const onStep = options.onStep ?? (() => undefined);
  if (packaged) tellLicence(packaged, options.acceptLicense ?? false, onStep);
  makeHome(home);
  makeModelsFolder(home);
  return withLock(
    join(modelsFolder(home), '.adding', `${name}.lock`),
    async () => {
      // Another process may have been quicker.
      const there = readModel(home, name);
      if (there) return { record: there, added: false };
      await fetchModel(name, source, packaged, { ...options, onStep });
      return { record: readModel(home, name)!, added: true };
    },
    (holder) =>
      onStep({ name: `Model ${name}`, phase: 'info', detail: `process ${holder.pid} is adding it: waiting` }),
  );
}

/** @throws UsageError when the licence demands a yes that was not given */
function tellLicence(model: Packaged, accepted: boolean, onStep: OnStep): void {
  const licence = `${model.licence} (${model.licenceUrl})`;
  onStep({
    name: `Model ${model.name}`,
    phase: 'info',
    detail: `${model.title}, ${model.parameters} parameters, ${Math.round(model.download / 1e6)} MB to download, licence: ${licence}`,
  });
  if (model.mustAccept && !accepted) throw new UsageError(acceptFirst(model));
}

function acceptFirst(model: Packaged): string {
  return `${model.title} is under the ${model.licence} (${model.licenceUrl}), which bind whoever uses it. Read them; if you agree: ratchet model add ${model.name} --accept-license`;
}

type Fetching = AddOptions & { onStep: OnStep };

async function fetchModel(
  name: string,
  source: ModelSource,
  packaged: Packaged | undefined,
  options: Fetching,
): Promise<void> {
  const { home, onStep } = options;
  const python = options.python ?? (await makePython(options));
  await step(`Model ${name}`, onStep, async (info) => {
    const record = {
      format: 1,
      name,
      source,
      addedAt: new Date().toISOString(),
      ...(packaged ? { publicId: packaged.publicId } : {}),
      ...(source.kind === 'hub' ? { publicId: source.repo } : {}),
    };
    const job = {
      record,
      work: workFolder(home, name),
      out: modelFolder(home, name),
      ...(await jobFor(source, packaged, options)),
    };
    // What lies there without a record is the rest of a removal that was killed.
    removeTree(job.out);
    const result = await runFetch(python, job, options, info);
    // The folder stays where it is: nothing was put there.
    const { weights, ...facts } = result as { weights: string } & Omit<ModelRecord, 'digests'>;
    if (source.kind === 'folder')
      writeModel(home, { ...(record as ModelRecord), ...facts, digests: { weights } });
    const added = readModel(home, name)!;
    return {
      detail: `${(added.parameters / 1e6).toFixed(0)} M parameters, in ${weightsFolder(home, added)}`,
    };
  });
}

async function makePython({ home, env = process.env, onStep, signal }: Fetching): Promise<string> {
  let python = '';
  await step('Python environment', onStep, async (info) => {
    const made = await preparePythonEnv({ home, env, info, signal });
    python = made.python;
    return made.made ? { detail: made.detail } : undefined;
  });
  return python;
}

async function jobFor(source: ModelSource, packaged: Packaged | undefined, options: Fetching) {
  if (source.kind === 'folder') return { kind: source.kind, path: source.path };
  if (source.kind === 'gguf') return { kind: source.kind, file: source.file };
  if (source.kind === 'hub') return { kind: source.kind, repo: source.repo, revision: source.asked };
  const { pieces, sha256, size, download, licence } = packaged!;
  return { kind: source.kind, pieces, sha256, size, download, licence, pip: await pipCommand(options) };
}

/** How to run pip: of the environment that we made for uv, by uv, or of the machine's Python. */
async function pipCommand({ home, env = process.env, signal }: Fetching): Promise<string[]> {
  const ours = join(home, 'uv', 'bin', 'python');
  if (existsSync(ours) && (await runs(ours, ['-m', 'pip', '--version'], env))) return [ours, '-m', 'pip'];
  const python = await findPython(env);
  if (python && (await runs(python.command, ['-m', 'pip', '--version'], env)))
    return [python.command, '-m', 'pip'];
  const uv = await findUv(home, env);
  if (uv) return [uv.command, 'tool', 'run', 'pip'];
  await installUv(home, python, signal);
  return [ours, '-m', 'pip'];
}

type Line = { phase?: string; done?: number | null; total?: number | null; result?: unknown; error?: string };

/** Runs the model server's `fetch` to its end. @throws Error with what it says went wrong */
async function runFetch(
  python: string,
  job: object,
  { home, env = process.env, signal }: Fetching,
  info: (detail: string) => void,
): Promise<unknown> {
  const log = logFile(home, 'models');
  const child = await startChild({
    command: python,
    args: ['-m', 'ratchet_modelserver.fetch', JSON.stringify(job)],
    env: {
      ...env,
      PYTHONPATH: join(programFolder, 'modelserver') + (env.PYTHONPATH ? delimiter + env.PYTHONPATH : ''),
    },
    logFile: log,
    graceMs: 5000,
  });
  const stop = () => void child.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await tellProgress(child, info);
    signal?.throwIfAborted();
    const last = linesOf(child).at(-1);
    if (last?.error) throw new Error(last.error);
    if (last?.result === undefined)
      throw new Error(
        `The model could not be made ready (${await child.ended}): see ${log}. What is downloaded is kept; run this again.`,
      );
    return last.result;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function linesOf(child: Child): Line[] {
  return child
    .output()
    .split('\n')
    .flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as Line] : [];
      } catch {
        return [];
      }
    });
}

/** Says each phase as it begins, and of a long one how far it is every ten seconds. */
async function tellProgress(child: Child, info: (detail: string) => void): Promise<void> {
  let said = '';
  let saidAt = 0;
  while (!child.hasEnded()) {
    await Promise.race([child.ended, sleep(300, undefined, { ref: false })]);
    const at = linesOf(child).findLast((line) => line.phase);
    if (!at) continue;
    const isNew = at.phase !== said;
    if (!isNew && Date.now() - saidAt < 10_000) continue;
    if (!isNew && !at.total) continue;
    const share =
      at.total && at.done ? ` ${Math.round((100 * at.done) / at.total)} % of ${megabytes(at.total)}` : '';
    info(`${at.phase}${share}`);
    said = at.phase!;
    saidAt = Date.now();
  }
}

export function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
