import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../loop/failures.ts';

/** The failure of a run or an answer whose input can't be used: one sentence per problem. */
export const invalidInput = (problems: string[]): ApplicationFailure =>
  ApplicationFailure.nonRetryable(problems.join('\n'), FAILURE.invalidInput, { problems });
