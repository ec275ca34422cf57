import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, cancellationDetails, cancellationSignal, heartbeat } from '@temporalio/activity';
import { and, eq, sql } from 'drizzle-orm';
import { addCalls } from '../db/calls.ts';
import { setStageProgress, setStageTotal } from '../db/iterations.ts';
import { addCheckpoint, findCheckpoint, rootOf, type Checkpoint } from '../db/runs.ts';
import { datasets, trainingJobs } from '../db/schema.ts';
import type { Endpoint } from '../models/endpoint.ts';
import { FAILURE } from '../models/errors.ts';
import { toFailure } from '../models/failure.ts';
import { readAdapter } from '../models/adapter-file.ts';
import {
  cancelJob,
  createJob,
  findJob,
  getJob,
  loadAdapter,
  resolvedParameters,
  TERMINAL,
  trainingProgress,
  type Job,
  type TrainingParameters,
} from '../models/fine-tuning.ts';
import { ledgerChat } from './calls.ts';
import { trainingSecondsLeft } from './budget.ts';
import { endpointOf, iterationContext, templateKwargs, type Deps, type IterationContext } from './context.ts';
import { datasetText, digestOf } from './dataset.ts';

export type Trained = { checkpointId: number; jobId: string; trainedTokens: number; seconds: number };

const POLL_MS = 500;

const trainingFailed = (message: string) => ApplicationFailure.nonRetryable(message, FAILURE.trainingFailed);

function parametersOf({ settings }: IterationContext): TrainingParameters {
  const { from: _from, replay: _replay, resetEvery: _resetEvery, ...parameters } = settings.training;
  return parameters;
}

/** The checkpoint that training starts from. `base` is the true base, also where the run began at an adapter. */
async function parentOf(db: Deps['db'], context: IterationContext): Promise<Checkpoint> {
  return context.settings.training.from === 'base' ? rootOf(db, context.checkpoint) : context.checkpoint;
}

/** How long the trainer is given to take a cancellation. */
const CANCEL_MS = 30_000;

type StoredJob = typeof trainingJobs.$inferSelect;

/** The base goes by its name at the trainer, an adapter by the id that the trainer gave it. */
const parentModelOf = (trainer: Endpoint, parent: Checkpoint) =>
  parent.kind === 'base' ? trainer.model : parent.model;

export function createTrainActivities({ db }: Deps) {
  const findStored = (key: string): Promise<StoredJob | undefined> =>
    db.query.trainingJobs.findFirst({ where: eq(trainingJobs.key, key) });

  /**
   * The one job for (dataset digest, parent, parameters): found in our rows, at the trainer, or created. A job that was
   * cancelled on purpose does not count.
   */
  async function ensureJob(
    context: IterationContext,
    trainer: Endpoint,
    parent: Checkpoint,
    datasetId: number,
    signal: AbortSignal,
  ): Promise<StoredJob> {
    const dataset = (await db.query.datasets.findFirst({ where: eq(datasets.id, datasetId) }))!;
    const { key, cancelled, job: known, store } = await jobsFor(context, trainer, parent, dataset);
    // The worker may have died between our note and the trainer's.
    for (const { remoteId } of cancelled) await cancelJob(trainer, remoteId, signal);
    if (known) return known;
    const { task, settings } = context;
    const text = await datasetText(db, task, datasetId, templateKwargs(settings, task));
    if (digestOf(text) !== dataset.digest)
      throw trainingFailed(`dataset ${datasetId} no longer has its digest`);
    const model = parentModelOf(trainer, parent);
    const parameters = parametersOf(context);
    const { seed } = context.iteration.plan;
    const suffix = `${context.run.task}-${context.iteration.index}`.replaceAll(/[^\w-]/g, '-').slice(0, 18);
    try {
      const job = await createJob(trainer, { key, model, dataset: text, parameters, seed, suffix }, signal);
      return await store(job.id);
    } catch (error) {
      // The trainer may have created the job before we were cancelled: it must not run on, unknown to anybody.
      if (cancellationDetails()?.cancelRequested) {
        const job = await findJob(trainer.client, key, AbortSignal.timeout(CANCEL_MS));
        if (job) await abandon(trainer, await store(job.id));
      }
      throw error;
    }
  }

  /**
   * What we know of jobs for (dataset digest, parent, parameters): those that were cancelled, and the one that counts, under
   * its key. A job that was cancelled has a successor with a key of its own.
   */
  async function jobsFor(
    context: IterationContext,
    trainer: Endpoint,
    parent: Checkpoint,
    dataset: typeof datasets.$inferSelect,
  ) {
    const parentModel = parentModelOf(trainer, parent);
    const parameters = parametersOf(context);
    const { seed } = context.iteration.plan;
    const identity = [context.run.id, dataset.digest, parent.id, parentModel, parameters, seed];
    const cancelled: StoredJob[] = [];
    for (;;) {
      const key = digestOf(
        JSON.stringify(cancelled.length === 0 ? identity : [...identity, cancelled.length]),
      );
      const job = await findStored(key);
      if (job?.status === 'cancelled') {
        cancelled.push(job);
        continue;
      }
      const store = async (remoteId: string) => {
        await db
          .insert(trainingJobs)
          .values({
            key,
            datasetId: dataset.id,
            parentCheckpointId: parent.id,
            parentModel,
            parameters,
            remoteId,
          })
          .onConflictDoNothing();
        return (await findStored(key))!;
      };
      return { key, cancelled, job, store };
    }
  }

  /** Cancels a job at the trainer, noting it first: whoever resumes cancels it again. */
  async function abandon(trainer: Endpoint, job: StoredJob): Promise<void> {
    await db.update(trainingJobs).set({ status: 'cancelled' }).where(eq(trainingJobs.id, job.id));
    await cancelJob(trainer, job.remoteId, AbortSignal.timeout(CANCEL_MS));
    const ended = await getJob(trainer, job.remoteId, AbortSignal.timeout(CANCEL_MS));
    await noteEnd(job.id, ended, 'cancelled');
  }

  /** What the job cost, as far as the trainer says. */
  async function noteEnd(id: number, job: Job, status: StoredJob['status']): Promise<void> {
    const seconds = (job.finished_at ?? Date.now() / 1000) - job.created_at;
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
  async function follow(
    context: IterationContext,
    trainer: Endpoint,
    stored: StoredJob,
    signal: AbortSignal,
  ): Promise<Job> {
    const iterationId = context.iteration.id;
    const jobId = stored.remoteId;
    const secondsLeft = await trainingSecondsLeft(db, context);
    for (;;) {
      const job = await getJob(trainer, jobId, signal);
      if (TERMINAL.has(job.status)) return job;
      const seconds = Date.now() / 1000 - job.created_at;
      if (secondsLeft !== undefined && seconds > secondsLeft) {
        await abandon(trainer, stored);
        throw ApplicationFailure.nonRetryable(
          `fine-tuning job ${jobId} was cancelled after ${Math.round(seconds)} s: the budget had ` +
            `${Math.max(0, Math.round(secondsLeft))} s of training left`,
          FAILURE.budgetExceeded,
        );
      }
      const progress = await trainingProgress(trainer, jobId, signal);
      heartbeat({ job: jobId, status: job.status, ...progress });
      if (progress) {
        await setStageTotal(db, iterationId, 'adapt', progress.total);
        await setStageProgress(db, iterationId, 'adapt', {
          step: progress.step,
          steps: progress.total,
          loss: progress.loss,
        });
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /**
   * Proves that the new adapter is the one that answers: the served fingerprint is the trained one, and
   * differs from the parent's. A server that still serves the old weights would otherwise be measured twice.
   */
  async function probe(
    context: IterationContext,
    serving: Endpoint,
    job: Job,
    parent: Checkpoint,
    signal: AbortSignal,
  ) {
    const { run, iteration, task } = context;
    const { reply, call } = await ledgerChat(
      db,
      serving,
      { messages: task.ask('0'), maxTokens: 1, temperature: 0 },
      { runId: run.id, iterationId: iteration.id, stage: 'adapt', role: 'generator' },
      signal,
    );
    await addCalls(db, [call]);
    const trained = job.system_fingerprint ?? undefined;
    if (trained && reply.fingerprint && reply.fingerprint !== trained) {
      throw trainingFailed(
        `${serving.model} answers with the weights ${reply.fingerprint}, but the job made ${trained}`,
      );
    }
    if (reply.fingerprint && trained && reply.fingerprint === parent.fingerprint) {
      throw trainingFailed(
        `${serving.model} has the weights of its parent (${reply.fingerprint}): training changed nothing`,
      );
    }
    return reply.fingerprint ?? trained;
  }

  /**
   * Looks into the new weights, where they can be read here: a benchmark is not spent on an adapter that holds no numbers
   * or is its parent once more.
   */
  async function inspect(
    jobId: string,
    folder: string | null | undefined,
    parent: Checkpoint,
  ): Promise<void> {
    const made = folder
      ? await readAdapter(folder).catch((error: unknown) => {
          throw trainingFailed(`fine-tuning job ${jobId}: ${(error as Error).message}`);
        })
      : undefined;
    if (!made) return;
    const whose = `the adapter that fine-tuning job ${jobId} made (${folder})`;
    if (made.nonFinite) {
      const { tensor, values, of } = made.nonFinite;
      throw trainingFailed(
        `${whose} holds values that are no finite numbers (NaN or infinite): ${values} of ${of} in ${tensor}. ` +
          'Training diverged: lower training.learningRate',
      );
    }
    // A parent that can't be read any more proves nothing.
    const before = parent.path ? await readAdapter(parent.path).catch(() => undefined) : undefined;
    const same = before?.digest === made.digest;
    if (same || (made.addsNothing && parent.kind === 'base')) {
      throw trainingFailed(
        `${whose} ${same ? 'has the weights of its parent' : 'adds nothing to its base, every lora_B is zero'}: ` +
          'training changed nothing',
      );
    }
  }

  return {
    /**
     * Cancels the job of an iteration that was given up, where the activity that follows it had no chance to: it had ended
     * with an earlier execution, or had not begun.
     */
    async cancelTraining({ iterationId }: { iterationId: number }): Promise<void> {
      const context = await iterationContext(db, iterationId);
      const { settings, task } = context;
      const signal = cancellationSignal();
      const trainer = endpointOf('trainer', settings, task);
      const dataset = await db.query.datasets.findFirst({ where: eq(datasets.iterationId, iterationId) });
      if (!dataset) return;
      try {
        const running = and(eq(trainingJobs.datasetId, dataset.id), eq(trainingJobs.status, 'running'));
        for (const job of await db.query.trainingJobs.findMany({ where: running }))
          await abandon(trainer, job);
        // One may have been created and not stored.
        const parent = await parentOf(db, context);
        const { key, job: known, store } = await jobsFor(context, trainer, parent, dataset);
        const job = known ? undefined : await findJob(trainer.client, key, signal);
        if (job && !TERMINAL.has(job.status)) await abandon(trainer, await store(job.id));
      } catch (error) {
        throw signal.aborted ? error : toFailure(error, `cancelling a job of ${trainer.baseURL}`);
      }
    },

    /**
     * Adapt, second part: one fine-tuning job, re-attached to after a crash, then a probe that the adapter
     * is served.
     *
     * When the activity is cancelled, so is the job.
     *
     * @throws TrainingFailed when the job failed or was cancelled at the trainer, or the adapter does not answer
     */
    async train({ iterationId, datasetId }: { iterationId: number; datasetId: number }): Promise<Trained> {
      const context = await iterationContext(db, iterationId);
      const { run, iteration, settings, task } = context;
      const signal = cancellationSignal();
      const trainer = endpointOf('trainer', settings, task);
      const parent = await parentOf(db, context);
      const known = await findCheckpoint(db, run.id, iteration.index);
      let stored: StoredJob | undefined;
      try {
        stored = await ensureJob(context, trainer, parent, datasetId, signal);
        const { id, remoteId } = stored;
        const job = await follow(context, trainer, stored, signal);
        if (stored.status === 'running') await noteEnd(id, job, job.status as StoredJob['status']);
        if (job.status !== 'succeeded' || !job.fine_tuned_model) {
          throw trainingFailed(
            `fine-tuning job ${remoteId} ${job.status}: ${job.error?.message ?? 'no reason given'}`,
          );
        }
        const trainedTokens = job.trained_tokens ?? 0;
        const seconds = job.finished_at ? job.finished_at - job.created_at : 0;
        if (known) return { checkpointId: known.id, jobId: remoteId, trainedTokens, seconds };

        await inspect(remoteId, job.adapter_path, parent);
        const serving = { ...endpointOf('generator', settings, task), model: job.fine_tuned_model };
        if (serving.baseURL !== trainer.baseURL && job.adapter_path) {
          await loadAdapter(serving, job.fine_tuned_model, job.adapter_path, signal);
        }
        const fingerprint = await probe(context, serving, job, parent, signal);
        const checkpoint = await addCheckpoint(db, {
          runId: run.id,
          iterationIndex: iteration.index,
          kind: 'adapter',
          model: job.fine_tuned_model,
          parentId: parent.id,
          trainingJobId: id,
          fingerprint,
          path: job.adapter_path,
          trainedTokens,
          trainingSeconds: seconds,
        });
        return { checkpointId: checkpoint.id, jobId: remoteId, trainedTokens, seconds };
      } catch (error) {
        // A worker that shuts down leaves the job to the next attempt; a cancelled one must not be paid for.
        if (stored && cancellationDetails()?.cancelRequested) await abandon(trainer, stored);
        throw signal.aborted
          ? error
          : toFailure(error, `training with ${trainer.model} at ${trainer.baseURL}`);
      }
    },
  };
}

export type TrainActivities = ReturnType<typeof createTrainActivities>;
