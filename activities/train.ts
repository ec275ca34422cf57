import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, cancellationSignal, heartbeat } from '@temporalio/activity';
import { eq } from 'drizzle-orm';
import { addCalls } from '../db/calls.ts';
import { setStageProgress, setStageTotal } from '../db/iterations.ts';
import { addCheckpoint, findCheckpoint, rootOf, type Checkpoint } from '../db/runs.ts';
import { datasets, trainingJobs } from '../db/schema.ts';
import type { Endpoint } from '../models/endpoint.ts';
import { FAILURE, toFailure } from '../models/errors.ts';
import {
  createJob,
  getJob,
  loadAdapter,
  trainingProgress,
  type Job,
  type TrainingParameters,
} from '../models/fine-tuning.ts';
import { ledgerChat } from './calls.ts';
import { endpointOf, iterationContext, type Deps, type IterationContext } from './context.ts';
import { datasetText, digestOf } from './dataset.ts';

export type Trained = { checkpointId: number; jobId: string; trainedTokens: number; seconds: number };

const POLL_MS = 500;
const TERMINAL = new Set(['succeeded', 'failed', 'cancelled']);

const trainingFailed = (message: string) => ApplicationFailure.nonRetryable(message, FAILURE.trainingFailed);

function parametersOf({ settings }: IterationContext): TrainingParameters {
  const { from: _from, replay: _replay, ...parameters } = settings.training;
  return parameters;
}

/** The checkpoint that training starts from. `base` is the true base, also where the run began at an adapter. */
async function parentOf(db: Deps['db'], context: IterationContext): Promise<Checkpoint> {
  return context.settings.training.from === 'base' ? rootOf(db, context.checkpoint) : context.checkpoint;
}

export function createTrainActivities({ db }: Deps) {
  /** The one job for (dataset digest, parent, parameters): found in our rows, at the trainer, or created. */
  async function ensureJob(
    context: IterationContext,
    trainer: Endpoint,
    parent: Checkpoint,
    datasetId: number,
    signal: AbortSignal,
  ): Promise<{ id: number; remoteId: string }> {
    const dataset = (await db.query.datasets.findFirst({ where: eq(datasets.id, datasetId) }))!;
    const parameters = parametersOf(context);
    // The base goes by its name at the trainer, an adapter by the id that the trainer gave it.
    const parentModel = parent.kind === 'base' ? trainer.model : parent.model;
    const seed = context.iteration.plan.seed;
    const key = digestOf(
      JSON.stringify([context.run.id, dataset.digest, parent.id, parentModel, parameters, seed]),
    );
    const known = await db.query.trainingJobs.findFirst({ where: eq(trainingJobs.key, key) });
    if (known) return known;

    const text = await datasetText(db, context.task, datasetId);
    if (digestOf(text) !== dataset.digest)
      throw trainingFailed(`dataset ${datasetId} no longer has its digest`);
    const suffix = `${context.run.task}-${context.iteration.index}`.replaceAll(/[^\w-]/g, '-').slice(0, 18);
    const job = await createJob(
      trainer,
      { key, model: parentModel, dataset: text, parameters, seed, suffix },
      signal,
    );
    await db
      .insert(trainingJobs)
      .values({ key, datasetId, parentCheckpointId: parent.id, parentModel, parameters, remoteId: job.id })
      .onConflictDoNothing();
    return (await db.query.trainingJobs.findFirst({ where: eq(trainingJobs.key, key) }))!;
  }

  /** Polls the job to its end. Beats carry the step, so that a watcher sees whether it moves. */
  async function follow(
    iterationId: number,
    trainer: Endpoint,
    jobId: string,
    signal: AbortSignal,
  ): Promise<Job> {
    for (;;) {
      const job = await getJob(trainer, jobId, signal);
      if (TERMINAL.has(job.status)) return job;
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

  return {
    /**
     * Adapt, second part: one fine-tuning job, re-attached to after a crash, then a probe that the adapter
     * is served.
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
      try {
        const { id, remoteId } = await ensureJob(context, trainer, parent, datasetId, signal);
        const job = await follow(iterationId, trainer, remoteId, signal);
        if (job.status !== 'succeeded' || !job.fine_tuned_model) {
          throw trainingFailed(
            `fine-tuning job ${remoteId} ${job.status}: ${job.error?.message ?? 'no reason given'}`,
          );
        }
        const trainedTokens = job.trained_tokens ?? 0;
        const seconds = job.finished_at ? job.finished_at - job.created_at : 0;
        if (known) return { checkpointId: known.id, jobId: remoteId, trainedTokens, seconds };

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
        throw signal.aborted
          ? error
          : toFailure(error, `training with ${trainer.model} at ${trainer.baseURL}`);
      }
    },
  };
}

export type TrainActivities = ReturnType<typeof createTrainActivities>;
