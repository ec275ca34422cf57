import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TemporalFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';

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
export const HALTED = 'Halted';

export const halted = () => ApplicationFailure.nonRetryable('stopped at a safe point', HALTED);

/** Thrown by workflow code itself: always a bug, whatever its class. */
const BUG = 'Bug';

/** Bad input and bugs: waiting mends neither, so the run must fail, visibly. `DatabaseRefused`: see db/errors.ts. */
const FATAL = new Set([
  'InvalidInput',
  'DatabaseRefused',
  BUG,
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
]);

/** What a workflow throws in place of an error of its own code: a plain one would fail its task only, again and again. */
export function asFailure(error: unknown): unknown {
  if (error instanceof TemporalFailure) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return ApplicationFailure.nonRetryable(`${name}: ${message}`, FATAL.has(name) ? name : BUG);
}

export function isFatal(error: unknown): boolean {
  return FATAL.has(failureType(error) ?? rootCause(error).name);
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
function toldBy(error: unknown): { advice?: unknown; retryHelps?: unknown } {
  const cause = rootCause(error);
  const [told] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  return typeof told === 'object' && told !== null ? told : {};
}

/** May what failed go well when it is tried again once the advice is followed? */
export const retryHelps = (error: unknown): boolean => toldBy(error).retryHelps !== false;

/** What an operator can do about a failure. */
export function adviceFor(error: unknown): string {
  const { advice } = toldBy(error);
  if (typeof advice === 'string') return advice;
  switch (failureType(error)) {
    case 'ModelUnavailable':
      return 'See that the endpoint answers (its address, key, quota and model name).';
    case 'GateAuditFailed':
      return 'No example of the iteration is used. Mend or replace what judged (the critic at its endpoint). A retry makes the whole judgement anew.';
    case 'BudgetExceeded':
      return 'Raise a limit with setBudget.';
    case 'DatabaseUnavailable':
      return 'See that PostgreSQL answers (its address, password, connections and disk).';
    default:
      return 'Mend what the message names; a worker’s log may say more.';
  }
}
