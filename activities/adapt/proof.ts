/** Proof that training made something new and that it is served: a benchmark is not spent on an adapter that is its parent. */
import { addCalls } from '../../db/queries/calls.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { ledgerChat } from '../../engine/calls.ts';
import { readAdapter } from '../../models/adapter-file.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import type { Job } from '../../models/job.ts';
import { trainingFailed, type Training } from './jobs.ts';

/** Looks into the new weights, where they can be read here: they are finite numbers, and not the parent's once more. */
export async function inspectAdapter(
  jobId: string,
  folder: string | null | undefined,
  parent: Checkpoint,
): Promise<void> {
  if (!folder) return;
  const adapter = await readAdapter(folder).catch((error: unknown) => {
    throw trainingFailed(`fine-tuning job ${jobId}: ${(error as Error).message}`);
  });
  if (!adapter) return;
  const whose = `the adapter that fine-tuning job ${jobId} made (${folder})`;
  if (adapter.nonFinite) {
    const { tensor, values, of } = adapter.nonFinite;
    throw trainingFailed(
      `${whose} holds values that are no finite numbers (NaN or infinite): ${values} of ${of} in ${tensor}. ` +
        'Training diverged: lower training.learningRate',
    );
  }
  // A parent that can't be read any more proves nothing.
  const before = parent.path ? await readAdapter(parent.path).catch(() => undefined) : undefined;
  const same = before?.digest === adapter.digest;
  if (same || (adapter.addsNothing && parent.kind === 'base')) {
    throw trainingFailed(
      `${whose} ${same ? 'has the weights of its parent' : 'adds nothing to its base, every lora_B is zero'}: ` +
        'training changed nothing',
    );
  }
}

/**
 * Proves that the new adapter is the one that answers: the served fingerprint is the trained one, and
 * differs from the parent's. A server that still serves the old weights would otherwise be measured twice.
 */
export async function probeAdapter(
  { db, context, parent }: Training,
  serving: Endpoint,
  job: Job,
  signal: AbortSignal,
): Promise<string | undefined> {
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
