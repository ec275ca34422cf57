import { ApplicationFailure } from '@temporalio/common';
import { APIError, APIUserAbortError } from 'openai';
import { adviceOn, type Advice } from './advice.ts';
import { FAILURE } from '../loop/failures.ts';
import { errorText, isRetryable, retryAfterMs } from './errors.ts';

/** Details of a failure: the advice, which a workflow shows when it parks. */
export function detailsOf(error: unknown): [Advice] | undefined {
  const advice = adviceOn(error);
  return advice && [advice];
}

/**
 * Maps an error of a model call to the failure that Temporal should see. Anything that is no API error is
 * a bug or a cancellation and is passed through.
 */
export function toFailure(error: unknown, what: string): unknown {
  if (error instanceof APIUserAbortError || !(error instanceof APIError)) return error;
  const retryable = isRetryable(error);
  return ApplicationFailure.create({
    type: FAILURE.modelUnavailable,
    message: `${what}: ${errorText(error)}`,
    nonRetryable: !retryable,
    details: detailsOf(error),
    nextRetryDelay: retryable ? retryAfterMs(error.headers) : undefined,
    cause: error,
  });
}
