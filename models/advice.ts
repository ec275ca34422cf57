/** What an operator can do about a call that failed: an endpoint that can't be reached is told from one that refuses. */
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { connectionCode, isUntrusted, mismatch } from './errors.ts';

/** `retryHelps`: false where the same request would be refused again, whatever the operator mends at the run. */
export type Advice = { advice: string; retryHelps: boolean };

/** The setting that changes a field of a request. */
const SETTING_OF: [RegExp, string][] = [
  [
    /chat_template_kwargs|enable_thinking/,
    '`thinking` of the task file, or models.ROLE.extra.chat_template_kwargs',
  ],
  [/response_format|json_schema|json_object/, 'models.critic (another model), or gates.critique.mode=off'],
  [/\btemperature\b/, 'sampling.temperature (a benchmark asks with 0)'],
  [/\btop_p\b/, 'sampling.topP'],
  [/\bmax_(completion_)?tokens\b/, 'sampling.maxTokens, or maxTokens of the task file'],
  [/["'`]n["'`]/, 'sampling.samples'],
];

const TOO_LONG =
  /context (length|window|size)|maximum (context|prompt)|too long|too many tokens|prompt is longer/i;

/** Advice on a failed call to a model's endpoint; undefined where its status says nothing of its own. */
export function adviceOn(error: unknown): Advice | undefined {
  if (isUntrusted(error))
    return mended(
      'The endpoint answers with a certificate that the workers do not trust: set NODE_EXTRA_CA_CERTS to the file of its authority for the workers, and restart them.',
    );
  if (error instanceof APIConnectionTimeoutError)
    return mended(
      'The endpoint took too long: see that it is not overloaded, or raise RATCHET_REQUEST_TIMEOUT_MS.',
    );
  if (error instanceof APIConnectionError) return mended(onConnection(error));
  if (!(error instanceof APIError)) return undefined;
  const { status, code, message, type } = error;
  if (type === 'redirect')
    return mended(
      'The endpoint sends its callers elsewhere: name the address that it gives as the base URL (models.ROLE.baseURL, or MODEL_BASE_URL), or log in where it asks for that.',
    );
  if (code === 'insufficient_quota') return mended('The endpoint’s quota is spent: raise it there.');
  if (type === 'unasked_stream')
    return mended('Turn streaming off in what stands before the model, or name the model’s own address.');
  if (status === 401 || status === 403)
    return mended(
      'The endpoint answers, and refuses the key: set the variable that apiKeyEnv names for the workers, and restart them.',
    );
  if (status === 404 || status === 405) return mended(onMissing(code, message));
  if (status === 400 || status === 413 || status === 422) return onRefusal(message);
  if (status === 429) return mended('The endpoint limits its rate: lower paging.callsInFlight, or wait.');
  if (status !== undefined && status >= 500)
    return mended('The endpoint answers with faults of its own: see its log.');
  return undefined;
}

const mended = (advice: string): Advice => ({ advice, retryHelps: true });

const WRONG_ADDRESS = {
  http: 'A server answers there without TLS: write the base URL (models.ROLE.baseURL, or MODEL_BASE_URL) with http:// in place of https://, or put TLS before it.',
  tls: 'What answers there is no HTTP: write the base URL (models.ROLE.baseURL, or MODEL_BASE_URL) with https:// in place of http://, and see that its port is that of the API.',
  neither:
    'The endpoint and the workers agree on no TLS: see which versions and client certificates it asks for.',
  address:
    'The base URL (models.ROLE.baseURL, or MODEL_BASE_URL) is no address that can be called: it takes http:// or https://, a host, a usual port, and no user name or password; a key goes into the variable that apiKeyEnv names.',
};

function onConnection(error: APIConnectionError): string {
  const code = connectionCode(error);
  const wrong = mismatch(error);
  if (wrong) return WRONG_ADDRESS[wrong];
  if (/no list of choices|empty list of choices|no JSON/.test(`${error.message} ${String(error.cause)}`))
    return 'Something answers there that gives no completions: see that the base URL is that of an OpenAI-compatible server, and ends in /v1.';
  const why =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'Its name is not known here'
      : code === 'ECONNREFUSED'
        ? 'Nothing listens there'
        : 'It can’t be reached';
  return `${why}: see that the server runs, and that the workers reach its address (models.ROLE.baseURL, or MODEL_BASE_URL).`;
}

function onMissing(code: unknown, message: string): string {
  return code === 'model_not_found' || /\bmodel\b/i.test(message)
    ? 'The endpoint answers, and does not serve this model: load it there, under the name that models.ROLE.model gives.'
    : 'Something answers, but not on this path: the base URL (models.ROLE.baseURL, or MODEL_BASE_URL) most often ends in /v1.';
}

function onRefusal(message: string): Advice {
  if (TOO_LONG.test(message))
    return {
      advice:
        'The endpoint answers, and its context is too short: lower sampling.maxTokens, or serve the model with a longer one.',
      retryHelps: false,
    };
  const setting =
    SETTING_OF.find(([field]) => field.test(message))?.[1] ?? 'models.ROLE.extra, or the task file';
  return {
    advice: `The endpoint answers, and refuses what is asked, as said above. What changes it: ${setting}.`,
    retryHelps: false,
  };
}
