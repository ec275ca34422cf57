/** The end of a run: every message has its answer, and the run's row says what became of it. */
import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { RunOutcome } from '../activities/run/run.ts';
import { failureType, firstLine, rootCause } from './failures.ts';
import { durable } from './proxies.ts';
import type { Session } from './session.ts';

/**
 * @param halt why no further iteration began
 * @param unread why the final benchmark was not read
 */
export async function closeRun(
  session: Session,
  { halt, unread }: { halt?: string; unread?: string },
): Promise<RunOutcome> {
  const { runId, control } = session;
  const stopper = control.shown.findLast((one) => one.name === 'stop' && one.accepted)?.args.by;
  const reason = control.stop
    ? `stopped by ${stopper ?? 'a message'}`
    : [halt, unread].filter(Boolean).join('; ');
  const status = control.stop !== undefined || unread !== undefined ? 'stopped' : 'completed';
  control.phase = 'ended';
  await session.settle();
  const outcome = await durable.finishRun({ runId, status, reason: reason || undefined });
  await session.settle();
  await session.track();
  session.refresh(status);
  return outcome!;
}

/** @returns what the workflow is to throw */
export async function closeFailedRun(session: Session, error: unknown): Promise<unknown> {
  const { runId, control } = session;
  const failure = session.unrecorded?.error ?? error;
  const cancelled = isCancellation(failure);
  const reason = cancelled ? 'cancelled' : rootCause(failure).message;
  // The run's row must say what became of it, also when the workflow is being cancelled.
  await CancellationScope.nonCancellable(async () => {
    control.phase = 'ended';
    await session.settle();
    // Where a bug is in the way of that too, the workflow must end all the same.
    await durable.finishRun({ runId, status: cancelled ? 'stopped' : 'failed', reason }).catch(() => {});
    await session.settle();
    await session.track();
  });
  if (cancelled) return failure;
  session.refresh(`failed: ${firstLine(failure)}`);
  return ApplicationFailure.create({
    message: reason,
    type: failureType(failure),
    nonRetryable: true,
    cause: rootCause(failure),
  });
}
