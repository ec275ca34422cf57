/**
 * The fine-tuning job of a dataset. Its key is made of what it trains, from what, and how, so that it is found again in our
 * rows or at the trainer, whichever process created it: nothing is trained and paid for twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, cancellationDetails, heartbeat } from '@temporalio/activity';
import { and, eq, sql } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import { setStageProgress, setStageTotal } from '../../db/queries/iterations.ts';
import { rootOf, type Checkpoint } from '../../db/queries/runs.ts';
import { datasets, trainingJobs } from '../../db/schema.ts';
import { trainingSecondsLeft } from '../../engine/budget.ts';
import { endpointOf, templateKwargs, trainableModel, type IterationContext } from '../../engine/context.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { FAILURE } from '../../loop/failures.ts';
import {
  cancelJob,
  createJob,
  findJob,
  getJob,
  resolvedParameters,
  trainingProgress,
  type TrainingParameters,
} from '../../models/fine-tuning.ts';
import { secondsTaken, TERMINAL, type Job } from '../../models/job.ts';
import { digestOf } from '../../process/digest.ts';
import { datasetText } from './dataset.ts';

const POLL_MS = 500;

/** How long the trainer is given to take a cancellation. */
const CANCEL_MS = 30_000;

type Dataset = typeof datasets.$inferSelect;
export type StoredJob = typeof trainingJobs.$inferSelect;

export const trainingFailed = (message: string) =>
  ApplicationFailure.nonRetryable(message, FAILURE.trainingFailed);

/** The model that an ended job made. @throws TrainingFailed for one that failed, was cancelled or made none */
export function trainedModel({ id, status, error, fine_tuned_model: model }: Job): string {
  if (status === 'succeeded' && model) return model;
  throw trainingFailed(`fine-tuning job ${id} ${status}: ${error?.message ?? 'no reason given'}`);
}

/** What an iteration trains with: where, from which checkpoint, and how. */
export type Training = {
  db: Db;
  context: IterationContext;
  trainer: Endpoint;
  parent: Checkpoint;
  parentModel: string;
  parameters: TrainingParameters;
};

export async function trainingOf(db: Db, context: IterationContext): Promise<Training> {
  const { settings, task, checkpoint } = context;
  const { from, replay: _replay, resetEvery: _resetEvery, ...parameters } = settings.training;
  const trainer = endpointOf('trainer', settings, task);
  // `base` is the true base, also where the run began at an adapter.
  const parent = from === 'base' ? await rootOf(db, checkpoint) : checkpoint;
  const parentModel = trainableModel(trainer, parent);
  return { db, context, trainer, parent, parentModel, parameters };
}

const findStored = (db: Db, key: string): Promise<StoredJob | undefined> =>
  db.query.trainingJobs.findFirst({ where: eq(trainingJobs.key, key) });

/** The job as a row, which another attempt may have written meanwhile. */
async function storeJob(
  { db, parent, parentModel, parameters }: Training,
  dataset: Dataset,
  key: string,
  remoteId: string,
): Promise<StoredJob> {
  await db
    .insert(trainingJobs)
    .values({ key, datasetId: dataset.id, parentCheckpointId: parent.id, parentModel, parameters, remoteId })
    .onConflictDoNothing();
  return (await findStored(db, key))!;
}

/**
 * What we know of jobs for (dataset digest, parent, parameters): those that were cancelled on purpose, and the one that
 * counts, under its key. A job that was cancelled has a successor with a key of its own.
 */
async function storedJobs(
  { db, context, parent, parentModel, parameters }: Training,
  dataset: Dataset,
): Promise<{ key: string; cancelled: StoredJob[]; job: StoredJob | undefined }> {
  const { run, iteration } = context;
  const identity = [run.id, dataset.digest, parent.id, parentModel, parameters, iteration.plan.seed];
  const cancelled: StoredJob[] = [];
  for (;;) {
    const key = digestOf(JSON.stringify(cancelled.length === 0 ? identity : [...identity, cancelled.length]));
    const job = await findStored(db, key);
    if (job?.status !== 'cancelled') return { key, cancelled, job };
    cancelled.push(job);
  }
}

/** The one job of a dataset: found in our rows, at the trainer, or created. */
export async function ensureJob(
  training: Training,
  datasetId: number,
  signal: AbortSignal,
): Promise<StoredJob> {
  const { db, context, trainer, parentModel: model, parameters } = training;
  const { run, iteration, task, settings } = context;
  const dataset = (await db.query.datasets.findFirst({ where: eq(datasets.id, datasetId) }))!;
  const { key, cancelled, job: storedJob } = await storedJobs(training, dataset);
  // The worker may have died between our note and the trainer's.
  for (const { remoteId } of cancelled) await cancelJob(trainer, remoteId, signal);
  if (storedJob) return storedJob;
  const text = await datasetText(db, task, datasetId, templateKwargs(settings, task));
  if (digestOf(text) !== dataset.digest)
    throw trainingFailed(`dataset ${datasetId} no longer has its digest`);
  const { seed } = iteration.plan;
  const suffix = `${run.task}-${iteration.index}`.replaceAll(/[^\w-]/g, '-').slice(0, 18);
  try {
    const job = await createJob(trainer, { key, model, dataset: text, parameters, seed, suffix }, signal);
    return await storeJob(training, dataset, key, job.id);
  } catch (error) {
    // The trainer may have created the job before we were cancelled: it must not run on, unknown to anybody.
    if (cancellationDetails()?.cancelRequested) {
      const job = await findJob(trainer.client, key, AbortSignal.timeout(CANCEL_MS));
      if (job) await abandonJob(training, await storeJob(training, dataset, key, job.id));
    }
    throw error;
  }
}

/** Cancels a job at the trainer, noting it first: whoever resumes cancels it again. */
export async function abandonJob({ db, trainer }: Training, job: StoredJob): Promise<void> {
  await db.update(trainingJobs).set({ status: 'cancelled' }).where(eq(trainingJobs.id, job.id));
  await cancelJob(trainer, job.remoteId, AbortSignal.timeout(CANCEL_MS));
  const ended = await getJob(trainer, job.remoteId, AbortSignal.timeout(CANCEL_MS));
  await noteEnd(db, job.id, ended, 'cancelled');
}

/** Cancels whatever trains on an iteration's dataset. */
export async function abandonJobs(training: Training, signal: AbortSignal): Promise<void> {
  const { db, context, trainer } = training;
  const dataset = await db.query.datasets.findFirst({
    where: eq(datasets.iterationId, context.iteration.id),
  });
  if (!dataset) return;
  const running = and(eq(trainingJobs.datasetId, dataset.id), eq(trainingJobs.status, 'running'));
  for (const job of await db.query.trainingJobs.findMany({ where: running })) await abandonJob(training, job);
  // One may have been created and not stored.
  const { key, job: storedJob } = await storedJobs(training, dataset);
  const job = storedJob ? undefined : await findJob(trainer.client, key, signal);
  if (job && !TERMINAL.has(job.status))
    await abandonJob(training, await storeJob(training, dataset, key, job.id));
}

/** What the job cost, as far as the trainer says. */
export async function noteEnd(db: Db, id: number, job: Job, status: StoredJob['status']): Promise<void> {
  const seconds = secondsTaken(job);
  await db
    .update(trainingJobs)
    .set({
      status,
      seconds,
      trainedTokens: job.trained_tokens ?? 0,
      parameters: sql`${trainingJobs.parameters} || ${JSON.stringify(resolvedParameters(job))}::jsonb`,
    })
    .where(eq(trainingJobs.id, id));
}

/**
 * Polls the job to its end. Beats carry the step, so that a watcher sees whether it moves.
 *
 * @throws BudgetExceeded when the job takes longer than the budget allows; it is cancelled then
 */
export async function followJob(training: Training, stored: StoredJob, signal: AbortSignal): Promise<Job> {
  const { db, context, trainer } = training;
  const iterationId = context.iteration.id;
  const jobId = stored.remoteId;
  const secondsLeft = await trainingSecondsLeft(db, context);
  for (;;) {
    const job = await getJob(trainer, jobId, signal);
    if (TERMINAL.has(job.status)) return job;
    const seconds = Date.now() / 1000 - job.created_at;
    if (secondsLeft !== undefined && seconds > secondsLeft) {
      await abandonJob(training, stored);
      throw ApplicationFailure.nonRetryable(
        `fine-tuning job ${jobId} was cancelled after ${Math.round(seconds)} s: the budget had ` +
          `${Math.max(0, Math.round(secondsLeft))} s of training left`,
        FAILURE.budgetExceeded,
      );
    }
    const progress = await trainingProgress(trainer, jobId, signal);
    heartbeat({ job: jobId, status: job.status, ...progress });
    if (progress) {
      const { step, total: steps, loss } = progress;
      await setStageTotal(db, iterationId, 'adapt', steps);
      await setStageProgress(db, iterationId, 'adapt', { step, steps, loss });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}
