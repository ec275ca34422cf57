/** Sends messages to a run, and says what starting an ended one again would skip. */
import { userInfo } from 'node:os';
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { Db } from '../../db/connect.ts';
import {
  benchmarkProgress,
  listStages,
  newestIteration,
  openJob,
  storedCounts,
} from '../../db/queries/iterations.ts';
import { listDecisions } from '../../db/queries/history.ts';
import { findRun } from '../../db/queries/runs.ts';
import type { MessageArgs } from '../../loop/control.ts';
import type { MessageName } from '../../loop/messages.ts';
import { fairnessKey, WORKFLOW } from '../../workflows/names.ts';
import { mainQueue } from '../temporal.ts';
import { UsageError } from '../../process/errors.ts';
import { workersPolling, workflowState } from '../temporal.ts';

/** The person at this terminal, for the audit trail. */
export function whoami(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no name.
    return 'command line';
  }
}

/** A run will not do what it was told; `answer` is what it says. */
export class Refused extends UsageError {
  readonly answer: string;

  constructor(answer: string) {
    super(`Refused: ${answer}`);
    this.answer = answer;
  }
}

/**
 * Sends a message and answers what it does. Without a worker there is nobody to answer: then it is sent as a signal, and
 * is acted on when a worker comes.
 *
 * @throws UsageError when the message is impossible now, with the reason
 */
export async function sendMessage(
  client: Client,
  runId: string,
  name: MessageName,
  args: MessageArgs,
): Promise<string> {
  const handle = client.workflow.getHandle(runId);
  const state = await workflowState(client, runId);
  if (state.state !== 'open') {
    const how = state.state === 'absent' ? 'was never started' : 'has ended';
    throw new UsageError(
      `The run "${runId}" ${how}, so it can't be told to ${name}. To go on with an unfinished one: ratchet resume ${runId}`,
    );
  }
  const message = { by: whoami(), ...args };
  if ((await workersPolling(client)) === false) {
    await handle.signal(name, message);
    return 'no worker is running: the run acts on it when one is (ratchet up)';
  }
  try {
    const { answer } = await handle.executeUpdate<{ answer: string }, [MessageArgs]>(name, {
      args: [message],
    });
    return answer;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new Refused(`${error.cause?.message}.`);
    if (error instanceof WorkflowNotFoundError) throw new UsageError(`The run "${runId}" has just ended.`);
    throw error;
  }
}

/** What is done of a run and will not be done again, in lines. */
export async function whatIsDone(db: Db, runId: string): Promise<string[]> {
  const decided = await listDecisions(db, runId);
  const lines: string[] = [];
  if (decided.length > 0) {
    lines.push(
      `skips ${decided.length === 1 ? 'iteration' : 'iterations'} ${ranges(decided.map((d) => d.index))}: decided`,
    );
  }
  const newest = await newestIteration(db, runId);
  if (!newest || decided.some((d) => d.index === newest.index)) {
    const next = (newest?.index ?? 0) + 1;
    const planned = (await findRun(db, runId))?.settings.iterations ?? next;
    const measured = await benchmarkProgress(db, runId, null);
    if (measured.unfinished > 0) lines.push(`goes on measuring: ${ofAnswers(measured)}`);
    lines.push(
      next > planned ? 'reads the final benchmark: all iterations are decided' : `begins iteration ${next}`,
    );
    return lines;
  }
  const stages = await listStages(db, newest.id);
  const done = stages.filter((stage) => stage.status === 'done').map((stage) => stage.name);
  lines.push(`goes on in iteration ${newest.index}${done.length > 0 ? `, skips ${done.join(', ')}` : ''}`);
  const stored = await storedCounts(db, newest.id);
  const counts = [
    [stored.samples + stored.resampled, 'samples'],
    [stored.critiques, 'critiques'],
  ] as const;
  const kept = counts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  if (kept.length > 0) lines.push(`keeps ${kept.join(' and ')}`);
  const job = await openJob(db, newest.id);
  if (job) {
    const { step, steps } = stages.find((stage) => stage.name === 'adapt')?.output ?? {};
    const where =
      typeof step === 'number' && typeof steps === 'number' ? `, last seen at step ${step} of ${steps}` : '';
    lines.push(`follows the fine-tuning job ${job.remoteId}${where}`);
  }
  const answers = await benchmarkProgress(db, runId, newest.id);
  if (answers.done > 0 && !done.includes('benchmark')) lines.push(ofAnswers(answers));
  return lines;
}

const ofAnswers = ({ done, total }: { done: number; total: number }) =>
  `${done} of ${total} benchmark answers are stored`;

function ranges(indices: number[]): string {
  const parts: [number, number][] = [];
  for (const index of indices.toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else parts.push([index, index]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

/**
 * Starts an ended, unfinished run again with the input that is stored with it.
 *
 * @throws UsageError for a run that is not known, or completed
 */
export async function startAgain(db: Db, client: Client, runId: string): Promise<void> {
  const run = await findRun(db, runId);
  if (!run) throw new UsageError(`There is no run "${runId}". See them with: ratchet list`);
  if (run.status === 'completed') {
    throw new UsageError(
      `The run "${runId}" is completed: its final benchmark has been read. Start another: ratchet run ${run.task}`,
    );
  }
  await client.workflow.start(WORKFLOW.improve, {
    workflowId: runId,
    taskQueue: mainQueue(),
    priority: { fairnessKey: fairnessKey(runId), priorityKey: run.settings.priority },
    args: [{}],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Ratchet run of ${run.task}`,
  });
}
