import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../loop/failures.ts';
import { errorText, isRefusal } from '../models/errors.ts';
import { detailsOf } from '../models/failure.ts';

/** `finishReason` of a sample that the endpoint would not give. */
export const REFUSED = 'refused';

/** How the reason of anything that was refused begins. */
export const REFUSAL = 'refused by the endpoint';

/** How many requests of one page the endpoint may refuse for good. Counts on while the page is asked. */
export type Allowance = {
  /** Takes one refusal into account. @throws ModelUnavailable when it is one too many */
  take(error: unknown): void;
};

/**
 * A page's allowance: a share of its requests, but at least one, unless the share is 0.
 *
 * @param total requests of the whole page
 * @param before requests of it that were refused in earlier attempts
 */
export function allowanceOf(
  what: string,
  options: { share: number; total: number; before: number },
): Allowance {
  const { share, total } = options;
  const most = share === 0 ? 0 : Math.max(1, Math.floor(share * total));
  let refused = options.before;
  let first: { error: unknown } | undefined;
  return {
    take(error) {
      refused += 1;
      first ??= { error };
      if (refused <= most) return;
      throw ApplicationFailure.create({
        type: FAILURE.modelUnavailable,
        message:
          `${what}: ${refused} of ${total} requests were refused, and paging.failureAllowance (${share}) lets ${most} pass. ` +
          `The first refusal: ${errorText(first.error)}`,
        nonRetryable: true,
        details: detailsOf(first.error),
      });
    },
  };
}

/** The reason that is stored with what was refused, or undefined when `error` is no refusal. */
export function refusalReason(error: unknown): string | undefined {
  return isRefusal(error) ? `${REFUSAL}: ${errorText(error).slice(0, 500)}` : undefined;
}
