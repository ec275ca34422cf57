import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, cancellationSignal, heartbeat } from '@temporalio/activity';
import { demonstrationsOf, noteAnswer, type AnswerDemonstration } from '../../db/queries/answers.ts';
import { answerContext, opinionOf, type AnswerContext } from '../../engine/answering.ts';
import { answerJobKey, freeAdapter } from '../../engine/answer-adapters.ts';
import { seedOf, templateKwargs, trainableModel, type Deps } from '../../engine/context.ts';
import { epochsFor } from '../../loop/answer-input.ts';
import { chat } from '../../models/chat.ts';
import { FAILURE } from '../../loop/failures.ts';
import { toFailure } from '../../models/failure.ts';
import { loadAdapter } from '../../models/adapters.ts';
import { cancelJob, createJob, getJob } from '../../models/fine-tuning.ts';
import { secondsTaken, TERMINAL, type Job } from '../../models/job.ts';
import { toJsonl } from '../adapt/dataset.ts';
import { trainedModel } from '../adapt/jobs.ts';
import type { Answered } from './open.ts';

const POLL_MS = 100;
const BATCH = 16;
/** More steps than anybody takes: an adapter that lives for seconds needs no copies of itself on the way. */
const NEVER = 1_000_000;

/**
 * Trains the adapter of one answer, within its budget of seconds: one job under the answer's id, found again after a crash. The row
 * says that an adapter may be there before the trainer hears of it, so that whatever is killed, the sweeper finds it.
 *
 * Reads the demonstrations, writes job, adapter and times into the answer's row. @throws TrainingFailed, ModelUnavailable
 */
export async function trainAnswer({ db }: Deps, { id }: { id: string }): Promise<void> {
  const context = await answerContext(db, id);
  const { row, trainer, generator, checkpoint, task, settings, run } = context;
  if (row.adapter !== null) return;
  const signal = cancellationSignal();
  await noteAnswer(db, id, { adapterState: 'held' });
  const lines = taught(context, await demonstrationsOf(db, id));
  const { adapt } = settings;
  try {
    const job = await createJob(
      trainer,
      {
        key: answerJobKey(row),
        model: trainableModel(trainer, checkpoint),
        dataset: toJsonl(task, lines, templateKwargs(run.settings, task)),
        parameters: {
          epochs: epochsFor(adapt.steps, lines.length, BATCH),
          batchSize: BATCH,
          learningRate: adapt.learningRate,
          // An adapter that goes on from another keeps its rank.
          loraRank: checkpoint.kind === 'base' ? adapt.loraRank : undefined,
          warmupSteps: 1,
          checkpointEverySteps: NEVER,
        },
        seed: seedOf(id, 'training'),
        suffix: 'answer',
      },
      signal,
    );
    await noteAnswer(db, id, { jobId: job.id });
    const done = await followed(context, job, signal);
    const adapter = trainedModel(done);
    if (generator.baseURL !== trainer.baseURL && done.adapter_path)
      await loadAdapter(generator, adapter, done.adapter_path, signal);
    const switchMs = await firstTokenMs(context, adapter, signal);
    await noteAnswer(db, id, {
      adapter,
      trainingSeconds: secondsTaken(done),
      switchMs,
    });
  } catch (error) {
    throw signal.aborted ? error : toFailure(error, `adapting at ${trainer.baseURL}`);
  }
}

/** Each demonstration in all forms that its task can tell it in. */
function taught({ task }: AnswerContext, demonstrations: AnswerDemonstration[]) {
  return demonstrations.flatMap(({ request, rationale }) => {
    const told = task.retellings?.({ prompt: request, answer: rationale }) ?? [
      { prompt: request, answer: rationale },
    ];
    return told.map(({ prompt, answer }) => ({ request: prompt, rationale: answer }));
  });
}

/** Polls the job to its end; one that outlasts its seconds is cancelled. */
async function followed({ trainer, settings }: AnswerContext, first: Job, signal: AbortSignal): Promise<Job> {
  const { seconds } = settings.adapt;
  for (let job = first; ;) {
    if (TERMINAL.has(job.status)) return job;
    if (Date.now() / 1000 - job.created_at > seconds) {
      await cancelJob(trainer, job.id, signal);
      throw ApplicationFailure.nonRetryable(
        `adapting took longer than its ${seconds} s and was cancelled`,
        FAILURE.budgetExceeded,
      );
    }
    heartbeat({ job: job.id, status: job.status });
    await sleep(POLL_MS, undefined, { signal });
    job = await getJob(trainer, job.id, signal);
  }
}

async function firstTokenMs(
  { generator, task }: AnswerContext,
  model: string,
  signal: AbortSignal,
): Promise<number> {
  const reply = await chat(
    { ...generator, model },
    { messages: task.ask('0'), maxTokens: 1, temperature: 0 },
    signal,
  );
  return reply.latencyMs;
}

/**
 * Asks the adapter, and says whether it is followed: an answer to given demonstrations always, one that related examples led to
 * only where the samples agree more than before. Reads the row, writes nothing but tokens.
 */
export async function askAdapted(
  { db }: Deps,
  { id, first }: { id: string; first: Answered },
): Promise<Answered> {
  const context = await answerContext(db, id);
  const { row, settings } = context;
  const { answer, agreement, rationale, ...tokens } = await opinionOf(db, context, row.adapter!);
  await noteAnswer(db, id, {}, tokens);
  const times = { trainingSeconds: row.trainingSeconds, switchMs: row.switchMs };
  const share = (value: number) => value.toFixed(2);
  const given = settings.adapt.demonstrations.length > 0;
  if (answer === undefined || (!given && agreement <= first.agreement)) {
    const why =
      answer === undefined
        ? 'the adapter gives no answer'
        : `agreement after it ${share(agreement)}, not more`;
    return { ...first, ...times, reason: `${first.reason}; ${why}` };
  }
  const reason = `${first.reason}; adapted, agreement ${share(agreement)}`;
  return { answer, agreement, rationale: rationale ?? null, adapted: true, reason, ...times };
}

/** Takes the adapter of an answer away, and whatever its job left. Done twice there is nothing left to do. */
export async function freeAnswer({ db }: Deps, { id }: { id: string }): Promise<void> {
  await freeAdapter(db, id, cancellationSignal());
}
