/** The checkpoints that a run begins with: where its model starts, and who teaches it. */
import { ApplicationFailure } from '@temporalio/activity';
import { NotFoundError } from 'openai';
import { addCalls } from '../../db/queries/calls.ts';
import type { Db } from '../../db/connect.ts';
import {
  addCheckpoint,
  adapterNamed,
  findCheckpoint,
  type Checkpoint,
  type Run,
} from '../../db/queries/runs.ts';
import { FAILURE } from '../../loop/failures.ts';
import { TEACHER } from '../../loop/words.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { refuseFaults } from '../../engine/check/start.ts';
import { callAll, ledgerChat } from '../../engine/calls.ts';
import { endpointOf, readRun, taskOf, type Deps } from '../../engine/context.ts';
import { servedCheckpoint } from '../../engine/serving.ts';

function adapterGone(origin: Checkpoint, baseURL: string): ApplicationFailure {
  const path = origin.path ? ` (its files: ${origin.path})` : '';
  return ApplicationFailure.nonRetryable(
    `${baseURL} no longer serves the adapter ${origin.model} of run ${origin.runId}, which the task serves and this run ` +
      `starts from (start: promoted). Serve it there again under that name${path}, or begin at the base with start: base.`,
    FAILURE.modelUnavailable,
  );
}

/** Asks a model for one token: proof that it answers, before any work is begun. @returns its fingerprint, where it tells one */
async function askOnce(
  db: Db,
  run: Run,
  endpoint: Endpoint,
  role: 'generator' | 'teacher',
): Promise<string | undefined> {
  let fingerprint: string | undefined;
  await callAll([0], {
    endpoint,
    concurrency: 1,
    what: `asking ${endpoint.model} at ${endpoint.baseURL}`,
    call: (_, signal) =>
      ledgerChat(
        db,
        endpoint,
        { messages: taskOf(run).ask('0'), maxTokens: 1, temperature: 0 },
        { runId: run.id, iterationId: null, stage: 'prepare', role },
        signal,
      ),
    store: async ([made]) => {
      await addCalls(db, [made!.call]);
      fingerprint = made!.reply.fingerprint;
    },
  });
  return fingerprint;
}

/**
 * Asks each role once as the run will, then the starting model for one token, and stores that as the run's first checkpoint with
 * its fingerprint: proof that all of them answer before any work is begun. With `start: promoted` that is
 * the adapter that the task serves, and the lineage goes on from there.
 *
 * Reads: the run, the checkpoint that its task serves. Writes: the call, checkpoint 0.
 * Safe to repeat: a run has one checkpoint of an iteration, and one that is there is answered without a call.
 *
 * @throws ModelUnavailable, not retried, with what is wrong and what mends it, or when the endpoint no longer serves that adapter
 */
export async function identifyBase(
  { db }: Deps,
  { runId }: { runId: string },
): Promise<{ checkpointId: number }> {
  const known = await findCheckpoint(db, runId, 0);
  if (known) return { checkpointId: known.id };
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const asked = endpointOf('generator', run.settings, task);
  const served =
    run.settings.start === 'promoted'
      ? await servedCheckpoint(db, run.task, { baseModel: asked.model })
      : undefined;
  // A task that was rolled back to its base begins there, as one that never promoted anything.
  const origin = served?.kind === 'adapter' ? served : undefined;
  if (!origin) await refuseFaults(db, run, task);
  const endpoint = origin ? { ...asked, model: origin.model } : asked;
  const fingerprint = await askOnce(db, run, endpoint, 'generator').catch((error: unknown) => {
    const gone = error instanceof ApplicationFailure && error.cause instanceof NotFoundError;
    throw origin && gone ? adapterGone(origin, endpoint.baseURL) : error;
  });
  const first = await addCheckpoint(db, {
    runId,
    iterationIndex: 0,
    kind: origin ? 'adapter' : 'base',
    model: endpoint.model,
    fingerprint: fingerprint ?? origin?.fingerprint,
    path: origin?.path,
    parentId: origin?.id,
  });
  return { checkpointId: first.id };
}

/**
 * Asks the teacher for one token and stores it among the run's checkpoints, which it is measured and held to account as. One
 * that a run of ours trained keeps its lineage: what it learnt from reaches its students.
 *
 * Reads: the run, checkpoints of that name. Writes: the call, the checkpoint. Safe to repeat: a run has one teacher.
 */
export async function identifyTeacher(
  { db }: Deps,
  { runId }: { runId: string },
): Promise<{ checkpointId: number }> {
  const known = await findCheckpoint(db, runId, TEACHER);
  if (known) return { checkpointId: known.id };
  const run = await readRun(db, runId);
  const endpoint = endpointOf('teacher', run.settings, taskOf(run));
  const fingerprint = await askOnce(db, run, endpoint, 'teacher');
  const named = await adapterNamed(db, endpoint.model);
  // Another server may have something else under that name.
  const origin = named && named.fingerprint === (fingerprint ?? null) ? named : undefined;
  const teacher = await addCheckpoint(db, {
    runId,
    iterationIndex: TEACHER,
    kind: origin ? 'adapter' : 'base',
    model: endpoint.model,
    fingerprint,
    path: origin?.path,
    parentId: origin?.id,
  });
  return { checkpointId: teacher.id };
}
