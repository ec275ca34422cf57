import { ApplicationFailure } from '@temporalio/common';
import { APIConnectionError, APIError, APIUserAbortError } from 'openai';

/** Types of the failures that retry policies and users see (design, section 4). */
export const FAILURE = {
  invalidInput: 'InvalidInput',
  budgetExceeded: 'BudgetExceeded',
  gateAuditFailed: 'GateAuditFailed',
  modelUnavailable: 'ModelUnavailable',
  trainingFailed: 'TrainingFailed',
} as const;

/** Server-named waits outside this are ignored: zero or absurd values must not rule the retry. */
const MAX_RETRY_AFTER_MS = 60_000;

/** The wait that the server asks for, from `retry-after-ms` or `retry-after` (seconds or an HTTP date). */
export function retryAfterMs(headers: Headers | undefined, now = Date.now()): number | undefined {
  const inMs = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  const after = headers?.get('retry-after') ?? '';
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(after)
    ? Number.parseFloat(after) * 1000
    : Date.parse(after) - now;
  const wait = Number.isFinite(inMs) ? inMs : seconds;
  return Number.isFinite(wait) && wait > 0 && wait <= MAX_RETRY_AFTER_MS ? wait : undefined;
}

/** May the same request succeed later? 408, 409, 429, 5xx and connection errors may; quota and other 4xx may not. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof APIUserAbortError) return false;
  if (error instanceof APIConnectionError) return true;
  if (!(error instanceof APIError)) return false;
  if (error.code === 'insufficient_quota') return false;
  const told = error.headers?.get('x-should-retry');
  if (told === 'true') return true;
  if (told === 'false') return false;
  const status = error.status;
  // No status: the connection broke before an answer came.
  if (status === undefined) return true;
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/**
 * Maps an error of a model call to the failure that Temporal should see. Anything that is no API error is
 * a bug or a cancellation and is passed through.
 */
export function toFailure(error: unknown, what: string): unknown {
  if (error instanceof APIUserAbortError || !(error instanceof APIError)) return error;
  const retryable = isRetryable(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return ApplicationFailure.create({
    type: FAILURE.modelUnavailable,
    message: `${what}: ${error.message}${cause}`,
    nonRetryable: !retryable,
    nextRetryDelay: retryable ? retryAfterMs(error.headers) : undefined,
    cause: error,
  });
}
