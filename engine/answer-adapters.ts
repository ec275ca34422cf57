/** Adapters that were made for one answer, and how they go away again whatever was killed. */
import { findAnswer, heldAnswers, noteAnswer, type AnswerRow } from '../db/queries/answers.ts';
import type { Db } from '../db/connect.ts';
import { getCheckpoint } from '../db/queries/runs.ts';
import { unloadAdapter } from '../models/adapters.ts';
import { cancelJob, deleteMade, findJob, getJob } from '../models/fine-tuning.ts';
import { TERMINAL } from '../models/job.ts';
import { endpointOf, readRun, seedOf, taskOf } from './context.ts';

/** The job of an answer goes by this at the trainer. */
export const answerJobKey = ({ id, promptDigest }: Pick<AnswerRow, 'id' | 'promptDigest'>): string =>
  `answer-${seedOf(id, promptDigest)}-${promptDigest.slice(0, 24)}`;

const POLL_MS = 200;

/**
 * Cancels the job of an answer where it still runs, and deletes what it made. The row says so last, so that a kill on the way costs
 * only doing it again.
 *
 * @throws APIError when trainer or server refuse, or can't be reached
 */
export async function freeAdapter(db: Db, id: string, signal: AbortSignal): Promise<void> {
  const row = await findAnswer(db, id);
  if (row?.adapterState !== 'held') return;
  const checkpoint = await getCheckpoint(db, row.checkpointId);
  const run = await readRun(db, checkpoint.runId);
  const task = taskOf(run);
  const trainer = endpointOf('trainer', run.settings, task);
  const generator = endpointOf('generator', run.settings, task, checkpoint);
  // A job that was created and not noted is found by its key.
  let job =
    row.jobId === null
      ? await findJob(trainer.client, answerJobKey(row), signal)
      : await getJob(trainer, row.jobId, signal);
  if (job && !TERMINAL.has(job.status)) {
    await cancelJob(trainer, job.id, signal);
    while (!TERMINAL.has(job.status)) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      signal.throwIfAborted();
      job = await getJob(trainer, job.id, signal);
    }
  }
  if (job) {
    if (generator.baseURL !== trainer.baseURL && job.fine_tuned_model)
      await unloadAdapter(generator, job.fine_tuned_model, signal);
    await deleteMade(trainer, job, signal);
  }
  await noteAnswer(db, id, { adapterState: 'freed' });
}

/** How many are looked at in one sweep; the rest is seen by the next. */
const SWEPT_AT_ONCE = 50;

/**
 * Frees the adapters of answers that nobody works on any more: their workflow was terminated, or is gone.
 *
 * @param isOpen is the workflow of this id under way?
 * @param failed told of each that could not be freed: its server is away, say; the next sweep tries again
 * @returns how many were freed
 */
export async function sweepAdapters(
  db: Db,
  isOpen: (id: string) => Promise<boolean>,
  failed: (id: string, error: unknown) => void,
  signal: AbortSignal,
): Promise<number> {
  let freed = 0;
  for (const { id } of await heldAnswers(db, SWEPT_AT_ONCE)) {
    if (await isOpen(id)) continue;
    try {
      await freeAdapter(db, id, signal);
      freed += 1;
    } catch (error) {
      failed(id, error);
    }
  }
  return freed;
}
