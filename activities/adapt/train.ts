import { cancellationDetails, cancellationSignal } from '@temporalio/activity';
import { addCheckpoint, findCheckpoint } from '../../db/queries/runs.ts';
import { endpointOf, iterationContext, servedAs, type Deps } from '../../engine/context.ts';
import { toFailure } from '../../models/failure.ts';
import { loadAdapter } from '../../models/adapters.ts';
import type { Job } from '../../models/job.ts';
import {
  abandonJob,
  abandonJobs,
  ensureJob,
  followJob,
  noteEnd,
  trainedModel,
  trainingOf,
  type StoredJob,
  type Training,
} from './jobs.ts';
import { inspectAdapter, probeAdapter } from './proof.ts';

export type Trained = { checkpointId: number; jobId: string; trainedTokens: number; seconds: number };

/**
 * Adapt, second part: one fine-tuning job, then a probe that the adapter is served. When the activity is cancelled, so is
 * the job.
 *
 * Reads: the dataset with its examples, earlier jobs. Writes: the job, the stage's progress, the probe's call, the checkpoint.
 * Safe to repeat: the job is found again by its key, in our rows or at the trainer; an iteration has one checkpoint.
 *
 * @throws TrainingFailed when the job failed or was cancelled at the trainer, or the adapter does not answer
 */
export async function train(
  { db }: Deps,
  { iterationId, datasetId }: { iterationId: number; datasetId: number },
): Promise<Trained> {
  const training = await trainingOf(db, await iterationContext(db, iterationId));
  const { trainer } = training;
  const signal = cancellationSignal();
  let stored: StoredJob | undefined;
  try {
    stored = await ensureJob(training, datasetId, signal);
    const job = await followJob(training, stored, signal);
    if (stored.status === 'running') await noteEnd(db, stored.id, job, job.status as StoredJob['status']);
    return await checkpointOf(training, stored, job, signal);
  } catch (error) {
    // A worker that shuts down leaves the job to the next attempt; a cancelled one must not be paid for.
    if (stored && cancellationDetails()?.cancelRequested) await abandonJob(training, stored);
    throw signal.aborted ? error : toFailure(error, `training with ${trainer.model} at ${trainer.baseURL}`);
  }
}

/** The checkpoint that a job has made, proven to be new and to be served, unless it is stored already. */
async function checkpointOf(
  training: Training,
  { id, remoteId }: StoredJob,
  job: Job,
  signal: AbortSignal,
): Promise<Trained> {
  const { db, context, trainer, parent } = training;
  const { run, iteration, settings, task } = context;
  const model = trainedModel(job);
  const trainedTokens = job.trained_tokens ?? 0;
  const seconds = job.finished_at ? Math.max(0, job.finished_at - job.created_at) : 0;
  const spent = { jobId: remoteId, trainedTokens, seconds };
  const stored = await findCheckpoint(db, run.id, iteration.index);
  if (stored) return { checkpointId: stored.id, ...spent };

  await inspectAdapter(remoteId, job.adapter_path, parent);
  const serving = servedAs(endpointOf('generator', settings, task), model, trainer);
  if (serving.baseURL !== trainer.baseURL && job.adapter_path) {
    await loadAdapter(serving, model, job.adapter_path, signal);
  }
  const fingerprint = await probeAdapter(training, serving, job, signal);
  const checkpoint = await addCheckpoint(db, {
    runId: run.id,
    iterationIndex: iteration.index,
    kind: 'adapter',
    model: model,
    parentId: parent.id,
    trainingJobId: id,
    fingerprint,
    path: job.adapter_path,
    trainedTokens,
    trainingSeconds: seconds,
  });
  return { checkpointId: checkpoint.id, ...spent };
}

/**
 * Cancels the job of an iteration that was given up, where the activity that follows it had no chance to: it had ended
 * with an earlier execution, or had not begun.
 *
 * Reads: the iteration's dataset and its jobs. Writes: their end. Safe to repeat: what is cancelled is cancelled again.
 */
export async function cancelTraining({ db }: Deps, { iterationId }: { iterationId: number }): Promise<void> {
  const training = await trainingOf(db, await iterationContext(db, iterationId));
  const signal = cancellationSignal();
  try {
    await abandonJobs(training, signal);
  } catch (error) {
    throw signal.aborted ? error : toFailure(error, `cancelling a job of ${training.trainer.baseURL}`);
  }
}
