/** What an operator can do about a call that failed: an endpoint that can't be reached is told from one that refuses. */
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { connectionCode, isUntrusted } from './errors.ts';

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

function onConnection(error: APIConnectionError): string {
  const code = connectionCode(error);
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
