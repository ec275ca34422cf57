/**
 * An adapter that its server no longer knows (evicted, or the server was started anew) is loaded once more, or
 * named: a run must never go on with whatever else answers under that name, nor count a missing model as wrong.
 */
import { ApplicationFailure } from '@temporalio/common';
import { eq } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import type { Checkpoint } from '../db/queries/runs.ts';
import { trainingJobs } from '../db/schema.ts';
import type { Endpoint } from '../models/endpoint.ts';
import { errorText, isRetryable } from '../models/errors.ts';
import { FAILURE } from '../loop/failures.ts';
import { loadAdapter } from '../models/adapters.ts';
import { getJob } from '../models/fine-tuning.ts';

export type Reload = {
  /**
   * Brings the model back.
   *
   * @param error what the call that did not find the model threw
   * @param began when that call began, by performance.now()
   * @throws ModelUnavailable naming checkpoint, model, adapter and endpoint, and what to do
   */
  load(error: unknown, began: number): Promise<void>;
  /** The failure to report where the model is still missing after that. */
  stillMissing(error: unknown): ApplicationFailure;
};

/** The last reload of a model at an endpoint, under way or over. */
type Last = { done: Promise<void>; endedAt: number; abandoned: boolean };
const reloads = new Map<string, Last>();

async function adapterPath(
  db: Db,
  trainer: Endpoint,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (checkpoint.path !== null) return checkpoint.path;
  if (checkpoint.trainingJobId === null) return undefined;
  const row = await db.query.trainingJobs.findFirst({ where: eq(trainingJobs.id, checkpoint.trainingJobId) });
  const job = row && (await getJob(trainer, row.remoteId, signal));
  return job?.adapter_path ?? undefined;
}

/**
 * How the model of a checkpoint is brought back at the endpoint that serves it. Calls that miss it at the same
 * time share one reload. A failed one is final for the page, unless the server could not be reached.
 */
export function reloadOf(
  db: Db,
  serving: Endpoint,
  trainer: Endpoint,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Reload {
  let path: string | undefined;

  function missing(missed: unknown, reloading: string, cause?: unknown): ApplicationFailure {
    const adapter = path === undefined ? '' : `, adapter ${path}`;
    const remedy =
      checkpoint.kind === 'base'
        ? 'Start the server with this model'
        : 'Load the adapter there (POST …/load_lora_adapter) or restart the server with it';
    return ApplicationFailure.create({
      type: FAILURE.modelUnavailable,
      nonRetryable: !isRetryable(cause),
      message:
        `${serving.baseURL} does not serve checkpoint ${checkpoint.id} (model ${checkpoint.model}${adapter}): ` +
        `${errorText(missed).replace(/\.$/, '')}. ${reloading}${remedy}, then retry.`,
      cause: cause instanceof Error ? cause : undefined,
    });
  }

  async function load(missed: unknown): Promise<void> {
    if (checkpoint.kind === 'base') throw missing(missed, '');
    try {
      path = await adapterPath(db, trainer, checkpoint, signal);
      if (path === undefined) throw new Error('its adapter folder is not known');
      await loadAdapter(serving, checkpoint.model, path, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw missing(missed, `Loading it again failed: ${errorText(error)}. `, error);
    }
  }

  async function shared(missed: unknown, began: number): Promise<void> {
    const id = `${serving.baseURL} ${checkpoint.model}`;
    const last = reloads.get(id);
    // A call that began before the last reload ended saw the server as it was before it.
    if (last && began <= last.endedAt && !last.abandoned) {
      try {
        return await last.done;
      } catch (error) {
        // A page that was cancelled in the middle of it proves nothing to the others.
        if (!last.abandoned || signal.aborted) throw error;
        return shared(missed, began);
      }
    }
    const now: Last = { done: load(missed), endedAt: Infinity, abandoned: false };
    reloads.set(id, now);
    try {
      await now.done;
    } finally {
      now.endedAt = performance.now();
      now.abandoned = signal.aborted;
    }
  }

  return {
    load: shared,
    stillMissing: (missed) => missing(missed, 'Loading it again did not help. '),
  };
}
