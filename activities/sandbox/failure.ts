import { ApplicationFailure } from '@temporalio/activity';
import { FAILURE } from '../../loop/failures.ts';
import { SandboxUnavailable } from '../../sandbox/job.ts';

/** An error as Temporal is to see it: where no container can be made, trying again does not help. */
export const failureOf = (error: unknown): unknown =>
  error instanceof SandboxUnavailable
    ? ApplicationFailure.nonRetryable(error.message, FAILURE.sandboxUnavailable)
    : error;
