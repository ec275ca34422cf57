import type OpenAI from 'openai';
import { APIError, toFile } from 'openai';
import type { Endpoint } from './endpoint.ts';
import { entriesOf, hasMore, idIn, progressIn, readJob, TERMINAL, type Job } from './job.ts';
import { isRetryable } from './errors.ts';

/** What is not set is left to the trainer. */
export type TrainingParameters = {
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  loraRank?: number;
  loraAlpha?: number;
  loraDropout?: number;
  weightDecay?: number;
  emaDecay?: number;
  warmupSteps?: number;
  checkpointEverySteps?: number;
};

/** Our names of hyperparameters, and those in a job. */
const NAMES: Record<keyof TrainingParameters, string> = {
  epochs: 'n_epochs',
  batchSize: 'batch_size',
  learningRate: 'learning_rate',
  loraRank: 'lora_rank',
  loraAlpha: 'lora_alpha',
  loraDropout: 'lora_dropout',
  weightDecay: 'weight_decay',
  emaDecay: 'ema_decay',
  warmupSteps: 'warmup_steps',
  checkpointEverySteps: 'checkpoint_every_steps',
};

/** They refuse hyperparameters that they do not know. */
const STANDARD_ONLY = /(^|\.)(openai\.com|azure\.com)$/;

/** Services whose jobs are not OpenAI's, by host: another route, other fields, files of their own kind. */
const OTHER_JOBS = [
  { host: /(^|\.)together\.(ai|xyz)$/, name: 'Together', route: '/v1/fine-tunes' },
  { host: /(^|\.)fireworks\.ai$/, name: 'Fireworks', route: '/v1/accounts/ACCOUNT/supervisedFineTuningJobs' },
];

/** Jobs looked through for one that an earlier, interrupted attempt created. */
const JOBS_SEARCHED = 200;

/** The fields of a job for what is set, as far as its service takes them. */
export function hyperparameters(endpoint: Endpoint, parameters: TrainingParameters): Record<string, unknown> {
  const standard = STANDARD_ONLY.test(new URL(endpoint.baseURL).hostname);
  return Object.fromEntries(
    (Object.keys(NAMES) as (keyof TrainingParameters)[])
      .filter((name) => parameters[name] !== undefined)
      .filter((name) => !standard || name === 'epochs' || name === 'batchSize')
      .map((name) => [NAMES[name], parameters[name]]),
  );
}

/** What the trainer says it trains with, by our names; without what it has not chosen yet. */
export function resolvedParameters(job: Job): TrainingParameters {
  const said = (job.method?.supervised?.hyperparameters ?? job.hyperparameters ?? {}) as Record<
    string,
    unknown
  >;
  return Object.fromEntries(
    Object.entries(NAMES)
      .map(([ours, theirs]) => [ours, said[theirs]])
      .filter(([, value]) => typeof value === 'number'),
  ) as TrainingParameters;
}

/** @throws Error for a service that has no jobs of this kind */
function refuseOtherJobs(endpoint: Endpoint): void {
  const { hostname } = new URL(endpoint.baseURL);
  const other = OTHER_JOBS.find(({ host }) => host.test(hostname));
  if (!other) return;
  throw new APIError(
    400,
    {
      message: `${other.name} has no OpenAI fine-tuning jobs (its own are at ${other.route}): name another models.trainer, or train through a command (docs/trainers.md)`,
    },
    undefined,
    new Headers(),
  );
}

/** Finds a job by the key that it was created with, for servers that know no idempotency header. */
export async function findJob(client: OpenAI, key: string, signal: AbortSignal): Promise<Job | undefined> {
  let after: string | undefined;
  for (let seen = 0; seen < JOBS_SEARCHED;) {
    // Not through the client's pages, which take any answer for one.
    const page: unknown = await client.get('/fine_tuning/jobs', { query: { limit: 100, after }, signal });
    const entries = entriesOf(page);
    const found = entries.find(({ metadata }) => (metadata as Job['metadata'])?.ratchet_key === key);
    if (found) return readJob(found);
    seen += entries.length;
    const last = entries.at(-1)?.id;
    if (typeof last !== 'string' || last === after || !hasMore(page)) return undefined;
    after = last;
  }
  return undefined;
}

/**
 * Creates the fine-tuning job for `key`, or returns the one that exists: looked for by its metadata first
 * and sent with an `Idempotency-Key`, so that a crash between creating and storing costs no second job.
 *
 * @param model base model, or a fine-tuned one to train on
 * @param dataset OpenAI chat JSONL
 */
export async function createJob(
  endpoint: Endpoint,
  options: {
    key: string;
    model: string;
    dataset: string;
    parameters: TrainingParameters;
    seed: number;
    suffix: string;
  },
  signal: AbortSignal,
): Promise<Job> {
  refuseOtherJobs(endpoint);
  const { client } = endpoint;
  const existing = await findJob(client, options.key, signal);
  if (existing) return existing;
  const file: unknown = await client.files.create(
    {
      file: await toFile(Buffer.from(options.dataset), `${options.key.slice(0, 16)}.jsonl`),
      purpose: 'fine-tune',
    },
    { signal },
  );
  const fileId = idIn(file, 'file');
  const created: unknown = await client.fineTuning.jobs.create(
    {
      model: options.model,
      training_file: fileId,
      seed: options.seed,
      suffix: options.suffix,
      metadata: { ratchet_key: options.key },
      method: {
        type: 'supervised',
        supervised: { hyperparameters: hyperparameters(endpoint, options.parameters) as never },
      },
    },
    { signal, headers: { 'Idempotency-Key': options.key } },
  );
  return readJob(created);
}

export async function getJob(endpoint: Endpoint, id: string, signal: AbortSignal): Promise<Job> {
  return readJob(await endpoint.client.fineTuning.jobs.retrieve(id, { signal }));
}

/**
 * Cancels a job. One that has ended already, or was never created, is no error. What the trainer says against it counts only
 * with the job's own word: a 429 or a 401 would else leave it training on.
 *
 * @throws APIError as the trainer answered, when the job goes on
 */
export async function cancelJob(endpoint: Endpoint, id: string, signal: AbortSignal): Promise<void> {
  const { jobs } = endpoint.client.fineTuning;
  try {
    await jobs.cancel(id, { signal });
  } catch (error) {
    if (!(error instanceof APIError) || (isRetryable(error) && error.status !== 409)) throw error;
    const job = await getJob(endpoint, id, signal).catch((other: unknown) => {
      if (other instanceof APIError && other.status === 404) return undefined;
      throw other;
    });
    if (job && !TERMINAL.has(job.status)) throw error;
  }
}

/**
 * Takes away all that a job made: the models of its checkpoints, its adapter, and its training file. What is gone already is no
 * error, nor is a service that keeps no such thing.
 */
export async function deleteMade(endpoint: Endpoint, job: Job, signal: AbortSignal): Promise<void> {
  const { client } = endpoint;
  const gone = (error: unknown) => {
    if (!(error instanceof APIError) || (error.status !== 404 && error.status !== 405)) throw error;
  };
  const path = `/fine_tuning/jobs/${encodeURIComponent(job.id)}/checkpoints`;
  const page: unknown = await client.get(path, { query: { limit: 100 }, signal }).catch(gone);
  const checkpoints = entriesOf(page).map((one) => one['fine_tuned_model_checkpoint']);
  for (const model of new Set([...checkpoints, job.fine_tuned_model]))
    if (typeof model === 'string' && model !== '') await client.models.delete(model, { signal }).catch(gone);
  if (typeof job.training_file === 'string')
    await client.files.delete(job.training_file, { signal }).catch(gone);
}

/** Training step and total, from the newest metrics event; undefined before the first. */
export async function trainingProgress(
  endpoint: Endpoint,
  id: string,
  signal: AbortSignal,
): Promise<{ step: number; total: number; loss?: number } | undefined> {
  const path = `/fine_tuning/jobs/${encodeURIComponent(id)}/events`;
  const page: unknown = await endpoint.client.get(path, { query: { limit: 20 }, signal });
  return progressIn(entriesOf(page));
}
