import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';

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
