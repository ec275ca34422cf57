import { redacted, saidBy } from '../process/secrets.ts';
import { APIConnectionError, APIError, APIUserAbortError } from 'openai';

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

/**
 * Something answered that gave no completion. `hopeless`: it never gave one to this process, so that waiting mends nothing (it is
 * no model's endpoint); one that did may have had a bad moment.
 */
export class NoCompletion extends APIConnectionError {
  readonly hopeless: boolean;
  constructor(options: { message: string; hopeless: boolean; cause?: Error }) {
    super(options);
    this.hopeless = options.hopeless;
  }
}

/** May the same request succeed later? 408, 409, 429, 5xx and connection errors may; quota and other 4xx may not. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof APIUserAbortError) return false;
  if (error instanceof NoCompletion) return !error.hopeless;
  if (error instanceof APIConnectionError) return !isUntrusted(error) && mismatch(error) === undefined;
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

/** Codes of two sides that speak different protocols, by what the one that was asked speaks. */
const SPEAKS: [RegExp, 'http' | 'tls' | 'neither'][] = [
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL)$/, 'http'],
  [/^HPE_(INVALID_CONSTANT|INVALID_VERSION)$/, 'tls'],
  [/^ERR_SSL_/, 'neither'],
];
/** What `fetch` says of an address that it won't call. */
const NO_ADDRESS = /unknown scheme|bad port|includes credentials|failed to parse url|invalid url/i;

/** What the address of an endpoint gets wrong, so that no second try mends it; undefined where nothing speaks for that. */
export function mismatch(error: unknown): 'http' | 'tls' | 'neither' | 'address' | undefined {
  const code = connectionCode(error);
  const found = code === undefined ? undefined : SPEAKS.find(([pattern]) => pattern.test(code))?.[1];
  if (found) return found;
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (NO_ADDRESS.test(cause.message)) return 'address';
  return undefined;
}

/** By code and type, and where they say nothing by the message. */
const STATUS_OF_KIND: [RegExp, number][] = [
  [/insufficient[_ ]quota|rate[_ -]?limit|too[_ ]many[_ ]requests/i, 429],
  [/overloaded|unavailable/i, 503],
  [/auth|api[_ -]?key|permission|forbidden/i, 401],
  [/not[_ ]found|does not exist/i, 404],
  [
    /content[_ ](filter|policy|management)|context[_ ]length|invalid_(request|prompt)|bad_?request|unsupported|moderation/i,
    400,
  ],
];

/** The error in a body without choices, wherever servers put one; undefined where it holds none. */
export function errorOfBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return undefined;
  const { error, errors, object, message, msg, detail } = body as Record<string, unknown>;
  if (error) return error;
  if (Array.isArray(errors) && errors.length > 0) return errors[0] as unknown;
  if (object === 'error' || typeof message === 'string') return body;
  const said = msg ?? detail;
  return typeof said === 'string' && 'code' in body ? { ...body, message: said } : undefined;
}

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
  const message = typeof error === 'string' ? error : given.message;
  const statusOf = (text: unknown) =>
    typeof text === 'string' ? STATUS_OF_KIND.find(([pattern]) => pattern.test(text))?.[1] : undefined;
  const status = said ?? statusOf(kind) ?? statusOf(message) ?? 500;
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

/**
 * What an error says, with the cause that clients of connections hide behind "Connection error.". It holds no key, no password and
 * nothing that a query was asked with: it is stored and logged.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return redacted(String(error));
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(saidBy(cause));
  return causes.length > 0 ? `${saidBy(error)} (${causes.join(': ')})` : saidBy(error);
}
