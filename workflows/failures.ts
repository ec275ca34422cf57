import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TemporalFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { adviceOnType, endsRun, FAILURE } from '../loop/failures.ts';

/** What actually went wrong, under the wrapping that activities and children add. */
export function rootCause(error: unknown): Error {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause)
    cause = cause.cause;
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** The `type` of the failure at the root, e.g. `TrainingFailed`; undefined for other errors. */
export function failureType(error: unknown): string | undefined {
  const cause = rootCause(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}

/** Ends an iteration that was told to stop. */
export const HALTED = FAILURE.halted;

export const halted = () => ApplicationFailure.nonRetryable('stopped at a safe point', HALTED);

/** What a workflow throws in place of an error of its own code: a plain one would fail its task only, again and again. */
export function asFailure(error: unknown): unknown {
  if (error instanceof TemporalFailure) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return ApplicationFailure.nonRetryable(`${name}: ${message}`, endsRun(name) ? name : FAILURE.bug);
}

export function isFatal(error: unknown): boolean {
  return endsRun(failureType(error) ?? rootCause(error).name);
}

/** The first line of what went wrong, in the words of whatever failed. */
export function firstLine(error: unknown): string {
  const cause = rootCause(error);
  if (cause instanceof TerminatedFailure) return 'the iteration was terminated from outside';
  if (cause instanceof CancelledFailure) return 'the iteration was cancelled from outside';
  const text = cause instanceof TimeoutFailure ? timeoutText(error, cause) : cause.message;
  return (text || cause.name).split('\n')[0]!.slice(0, 500);
}

function timeoutText(error: unknown, timeout: TimeoutFailure): string {
  let activity = '';
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (e instanceof ActivityFailure) activity = e.activityType;
  }
  return `${activity || 'an activity'} timed out (${timeout.message}): no worker finished it`;
}

/** What the activity that failed knows about it: models/advice.ts. */
function toldBy(error: unknown): { advice?: unknown; retryHelps?: unknown; scope?: unknown } {
  const cause = rootCause(error);
  const [told] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  return typeof told === 'object' && told !== null ? told : {};
}

/** May what failed go well when it is tried again once the advice is followed? */
export const retryHelps = (error: unknown): boolean => toldBy(error).retryHelps !== false;

/** Is it the limit of a stage of the curriculum that would be passed, and no limit of the run or its iteration? */
export function exceedsStage(error: unknown): boolean {
  const { scope } = toldBy(error);
  return scope === 'stage';
}

/** What an operator can do about a failure. */
export function adviceFor(error: unknown): string {
  const { advice } = toldBy(error);
  return typeof advice === 'string' ? advice : adviceOnType(failureType(error));
}
