/**
 * How errors become Temporal's failures. Half a surrogate pair in a message, which an endpoint's reply or a person's input may
 * hold, is no UTF-8: the SDK's core takes it for a broken worker and ends all of its workers.
 */
import { DefaultFailureConverter, type PayloadConverter } from '@temporalio/common';

type Failure = ReturnType<DefaultFailureConverter['errorToFailure']>;

/** Every text in a failure is well-formed; bytes and numbers stay as they are. */
function wellFormed<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(wellFormed) as T;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, wellFormed<unknown>(one)]),
  ) as T;
}

class WellFormedFailureConverter extends DefaultFailureConverter {
  override errorToFailure(error: unknown, payloads: PayloadConverter): Failure {
    return wellFormed(super.errorToFailure(error, payloads));
  }
}

export const failureConverter = new WellFormedFailureConverter();
