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
const MAX_RETRY_AFTER_MS = 10 * 60_000;

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
  if (error instanceof APIConnectionError) return !isUntrusted(error);
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

/** What an endpoint's certificate can be, for which no second try mends it. */
const CERTIFICATE =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/** The code under an error of connection, e.g. `ECONNREFUSED`. */
export function connectionCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (!(cause instanceof APIError) && typeof code === 'string') return code;
  }
  return undefined;
}

/** Does the endpoint show a certificate that this machine does not trust? */
export const isUntrusted = (error: unknown): boolean => CERTIFICATE.test(connectionCode(error) ?? '');

const STATUS_OF_KIND: [RegExp, number][] = [
  [/insufficient_quota|rate_?limit|too_many/i, 429],
  [/overloaded|unavailable/i, 503],
  [/auth|api_key|permission|forbidden/i, 401],
  [/not_found/i, 404],
  [/content_(filter|policy)|context_length|invalid_request|bad_?request|unsupported/i, 400],
];

/**
 * An error that came in the body of an answer with status 200, with the status that is its own: what it says, or what its
 * type means. One that says nothing may be tried again.
 */
export function errorInBody(error: unknown, headers: Headers): APIError {
  const given = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
  const [said] = [given.status, given.status_code, given.code]
    .map(Number)
    .filter((status) => status >= 400 && status <= 599);
  const kind = [given.code, given.type].filter((one) => typeof one === 'string').join(' ');
  const status = said ?? STATUS_OF_KIND.find(([pattern]) => pattern.test(kind))?.[1] ?? 500;
  const message = typeof error === 'string' ? error : given.message;
  const body = {
    ...given,
    message: message ?? `an error without a message: ${JSON.stringify(error).slice(0, 200)}`,
  };
  return APIError.generate(status, { error: body }, undefined, headers);
}

/** Does the endpoint say that it has too much to do? Then all calls to it slow down, not just this one. */
export function isLimiting(error: unknown): error is APIError {
  return error instanceof APIError && isRetryable(error) && (error.status === 429 || error.status === 503);
}

/** The endpoint does not know the model, e.g. because its adapter was evicted or a server started anew. */
export function isUnknownModel(error: unknown): error is APIError {
  return (
    error instanceof APIError &&
    !isRetryable(error) &&
    (error.status === 404 || error.code === 'model_not_found')
  );
}

/**
 * The endpoint will not answer this one prompt, now or later: a content filter, a context that is too short,
 * a field that it does not take. Others may well be answered.
 */
export function isRefusal(error: unknown): error is APIError {
  if (!(error instanceof APIError) || isRetryable(error) || isUnknownModel(error)) return false;
  if (error.code === 'insufficient_quota') return false;
  return error.status === 400 || error.status === 413 || error.status === 422;
}

/** What an error says, with the cause that clients of connections hide behind "Connection error.". */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  return causes.length > 0 ? `${error.message} (${causes.join(': ')})` : error.message;
}
