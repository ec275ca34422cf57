/** From what an endpoint said to what is wrong and what mends it. */
import { APIConnectionError, APIError } from 'openai';
import { fetchThrough } from '../../process/proxy.ts';
import type { ChatReply, ChatRequest } from '../../models/chat.ts';
import { EndpointError, type Endpoint, type Role } from '../../models/endpoint.ts';
import { errorText, isUnknownModel } from '../../models/errors.ts';
import type { Form } from '../../models/forms.ts';
import { cut, plain } from '../../process/text.ts';
import type { Finding } from './types.ts';

/** Makes a request of a role; `onRefused` hears of each form of it that the endpoint does not take. */
export type Ask = (
  endpoint: Endpoint,
  request: ChatRequest,
  signal: AbortSignal | undefined,
  onRefused: ((form: Form, error: unknown) => void) | undefined,
  role: Role,
) => Promise<ChatReply>;

/** Whom to ask, and what is needed to name a mend: the variable of its key. */
export type Asked = { role: Role; endpoint: Endpoint; apiKeyEnv?: string; ask: Ask };

const QUOTED = 300;
const LIST_TIMEOUT_MS = 20_000;
const NAMED = 12;

const said = (error: unknown) => cut(plain(errorText(error)), QUOTED).replace(/\.$/, '');

/** Ids that an endpoint lists; undefined where it lists none. */
export async function listed({ client }: Endpoint, signal?: AbortSignal): Promise<string[] | undefined> {
  try {
    const page = await client.models.list({ timeout: LIST_TIMEOUT_MS, signal });
    return Array.isArray(page.data) ? page.data.map(({ id }) => id) : undefined;
  } catch {
    return undefined;
  }
}

/** Does the API begin one step further down? */
async function hasV1(baseURL: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const url = `${baseURL.replace(/\/+$/, '')}/v1/models`;
    const response = await fetchThrough(url, {
      signal: AbortSignal.any([AbortSignal.timeout(LIST_TIMEOUT_MS), ...(signal ? [signal] : [])]),
    });
    // Without a key it may refuse, but not say that there is no such thing.
    return (
      response.status !== 404 &&
      response.status < 500 &&
      (response.headers.get('content-type') ?? '').includes('json')
    );
  } catch {
    return false;
  }
}

const names = (models: string[]) =>
  models.slice(0, NAMED).map(plain).join(', ') +
  (models.length > NAMED ? ` and ${models.length - NAMED} more` : '');

const field = (role: Role, name: string) => `models.${role}.${name}`;

export async function faultOf(error: unknown, asked: Asked, signal?: AbortSignal): Promise<Finding> {
  const { role, endpoint, apiKeyEnv } = asked;
  const { baseURL, model } = endpoint;
  const fault = (what: string, mend: string, more: Partial<Finding> = {}): Finding => ({
    role,
    ok: false,
    what,
    mend,
    ...more,
  });
  signal?.throwIfAborted();
  if (error instanceof EndpointError) return fault(error.message, 'see above');
  if (!(error instanceof APIError)) throw error;
  const { status } = error;
  if (error instanceof APIConnectionError || status === undefined)
    return unreachable(error, asked, await hasV1(baseURL, signal));
  if (status === 401 || status === 403)
    return fault(
      `${baseURL} refuses the key (${status}): ${said(error)}`,
      apiKeyEnv
        ? `Correct the key in the environment variable ${apiKeyEnv}, here and for the workers.`
        : `No key was sent. Put it into an environment variable and name that: ${field(role, 'apiKeyEnv')}, or --api-key-env NAME.`,
    );
  if (status === 404 || status === 405) {
    const models = await listed(endpoint, signal);
    if (models === undefined && (await hasV1(baseURL, signal)))
      return fault(
        `${baseURL} has no such route (${status})`,
        `The address lacks /v1: give ${baseURL.replace(/\/+$/, '')}/v1`,
      );
    if (isUnknownModel(error) && models !== undefined && !models.includes(model))
      return fault(
        `${baseURL} does not serve ${plain(model)}`,
        models.length > 0
          ? `It serves: ${names(models)}. Name one with --model or ${field(role, 'model')}.`
          : 'It serves no model: start it with one.',
      );
    return fault(
      `${baseURL} answers ${status}: ${said(error)}`,
      'Correct the address: it usually ends in /v1.',
    );
  }
  if (error.code === 'insufficient_quota')
    return fault(`${baseURL} has no quota left: ${said(error)}`, 'Raise it there, or name another endpoint.');
  if (status === 429)
    return {
      role,
      ok: true,
      what: `${baseURL} is busy (429): ${said(error)}`,
      mend: 'A run waits and asks again; check once more later.',
    };
  if (/context|too long|too many tokens|maximum.{0,20}(length|tokens)|max_model_len/i.test(errorText(error)))
    return fault(
      `The context of ${plain(model)} is too short: ${said(error)}`,
      'Lower sampling.maxTokens (or maxTokens of the task), shorten prompts and examples, or serve it with a longer context.',
    );
  if (status >= 500)
    return fault(
      `${baseURL} answers ${status}: ${said(error)}`,
      'See its log; a run would ask again for a while and then wait for you.',
      { passing: true },
    );
  return fault(
    `${baseURL} refuses the request (${status}): ${said(error)}`,
    `Leave out what it does not take; ${field(role, 'extra')} and sampling hold what is sent.`,
  );
}

function unreachable(error: APIError, { role, endpoint: { baseURL } }: Asked, v1: boolean): Finding {
  const text = said(error);
  if (/no list of choices|no JSON/.test(text))
    return {
      role,
      ok: false,
      what: `${baseURL} answers, but not as OpenAI's API: ${text}`,
      mend: v1
        ? `The address lacks /v1: give ${baseURL.replace(/\/+$/, '')}/v1`
        : 'Correct the address: it usually ends in /v1.',
    };
  const here = /^https?:\/\/(127\.|localhost|\[::1\])/.test(baseURL);
  return {
    role,
    ok: false,
    what: `${baseURL} can't be reached${here ? '' : ' from here'}: ${text}`,
    mend: here
      ? 'Start it there, or correct the address (ratchet status shows the local stack).'
      : 'Start it, correct the address, or look where the workers run: they are the ones that ask it.',
    ...(here ? {} : { unreached: true }),
  };
}
