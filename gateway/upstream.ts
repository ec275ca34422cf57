/**
 * Sends a request on to the endpoint of a checkpoint. The client's key stays here and the endpoint's key goes no further:
 * what comes back is searched for it, and an endpoint that refuses it is not quoted.
 */
import { reloadOf } from '../activities/reload.ts';
import type { Db } from '../db/connect.ts';
import { errorText } from '../models/errors.ts';
import { GatewayError, type ErrorBody } from './errors.ts';
import type { Log } from './log.ts';
import type { Route, Target } from './routes.ts';
import { startCall, type Call } from './spans.ts';

export type Answered = {
  target: Target;
  response: Response;
  /** Why another checkpoint than the served one answers. */
  fallback?: string;
  /** Called at each piece that comes: the endpoint is not silent. */
  alive(): void;
  /** Ends the request at the endpoint. */
  abort(): void;
  /** The body is over, or of no use because of a problem: nothing has to be watched any more. */
  over: Call['end'];
};

/** A reload reads an adapter from a disk, but the client waits for it. */
const RELOAD_MS = 60_000;
/** After a failed reload its checkpoint is not tried again for so long, so that not every request waits for another. */
const RELOAD_PAUSE_MS = 5000;
/** Most of an error body that is read. */
const ERROR_BYTES = 64_000;

/** Headers of the endpoint that mean something to a client; others (cookies, say) are no client's business. */
const PASSED =
  /^(content-type|retry-after|retry-after-ms|x-should-retry|x-request-id|openai-processing-ms|x-ratelimit-.*)$/;

export function passedHeaders(from: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of from) if (PASSED.test(name)) headers.set(name, value);
  return headers;
}

/** Never shorter keys: `none` stands in many texts. */
const SHORTEST_KEY = 8;

function withoutKey(text: string, { endpoint }: Target): string {
  const key = endpoint.client.apiKey;
  return key && key.length >= SHORTEST_KEY ? text.replaceAll(key, '[key]') : text;
}

function isOpenAiError(value: unknown): value is ErrorBody {
  const error = (value as { error?: unknown } | null)?.error;
  return typeof error === 'object' && error !== null && 'message' in error;
}

/** The endpoint's error for the client, in OpenAI's shape, with its status and the headers that say when to come back. */
export async function passedError(target: Target, response: Response): Promise<Response> {
  const headers = passedHeaders(response.headers);
  headers.delete('content-type');
  if (response.status === 401 || response.status === 403) {
    await response.body?.cancel();
    return new GatewayError(502, 'The endpoint behind the gateway refused the gateway.', {
      code: 'upstream_refused',
    }).response();
  }
  const text = withoutKey((await readSome(response)) ?? '', target);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (isOpenAiError(body)) return Response.json(body, { status: response.status, headers });
  // vLLM's older form has the error's fields at the top.
  const said = (body as { message?: unknown } | undefined)?.message;
  const message = typeof said === 'string' ? said : text.slice(0, 500) || `status ${response.status}`;
  return new GatewayError(response.status, message, { headers: Object.fromEntries(headers) }).response();
}

async function readSome(response: Response): Promise<string | undefined> {
  const reader = response.body?.getReader();
  if (!reader) return undefined;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < ERROR_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
    }
  } catch {
    // What has come says enough.
  }
  await reader.cancel().catch(() => undefined);
  return Buffer.concat(parts).toString('utf8');
}

/** Does the endpoint say that it has no such model? */
async function unknownModel(target: Target, response: Response): Promise<string | undefined> {
  if (response.status !== 404 && response.status !== 400) return undefined;
  const text = withoutKey((await readSome(response.clone())) ?? '', target);
  let code: unknown;
  let message = text.slice(0, 300);
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    code = error?.code;
    if (typeof error?.message === 'string') message = error.message;
  } catch {
    // Not JSON: the status alone counts.
  }
  return response.status === 404 || code === 'model_not_found' ? message || 'status 404' : undefined;
}

export type Upstream = {
  /**
   * @param body the request with the model's name in place of the task's, made by `bodyFor`
   * @param client ends when the client goes away
   * @throws GatewayError when no checkpoint can answer; whatever `client` was aborted with
   */
  send(
    route: Route,
    path: string,
    bodyFor: (model: string) => string,
    client: AbortSignal,
  ): Promise<Answered>;
};

export function createUpstream(db: Db, { timeoutMs }: { timeoutMs: number }, log: Log): Upstream {
  const failedReloads = new Map<number, { at: number; reason: string }>();

  async function ask(target: Target, path: string, body: string, client: AbortSignal): Promise<Answered> {
    const silent = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(
        () =>
          silent.abort(
            new GatewayError(504, `The endpoint was silent for ${timeoutMs / 1000} s.`, { code: 'timeout' }),
          ),
        timeoutMs,
      );
    };
    const call = startCall({ baseURL: target.endpoint.baseURL, model: target.checkpoint.model });
    const over: Call['end'] = (problem, tokens) => {
      clearTimeout(timer);
      call.end(problem, tokens);
    };
    const signal = AbortSignal.any([client, silent.signal]);
    alive();
    try {
      const response = await fetch(`${target.endpoint.baseURL.replace(/\/$/, '')}${path}`, {
        method: 'POST',
        headers: {
          ...call.headers,
          'content-type': 'application/json',
          authorization: `Bearer ${target.endpoint.client.apiKey}`,
        },
        body,
        signal,
      });
      alive();
      return { target, response, alive, over, abort: () => silent.abort() };
    } catch (error) {
      over(client.aborted ? 'the client went away' : errorText(error));
      if (client.aborted) throw client.reason;
      if (silent.signal.reason instanceof GatewayError) throw silent.signal.reason;
      log.error({ checkpoint: target.checkpoint.id, error: errorText(error) }, 'the endpoint did not answer');
      throw new GatewayError(502, 'The endpoint behind the gateway could not be reached.', {
        code: 'upstream_unreachable',
      });
    }
  }

  /** Loads an evicted adapter again. A text says why it could not be. */
  async function reload(target: Target, message: string, began: number): Promise<string | undefined> {
    const { checkpoint, endpoint, trainer } = target;
    const failed = failedReloads.get(checkpoint.id);
    if (failed && Date.now() - failed.at < RELOAD_PAUSE_MS) return failed.reason;
    try {
      // Not ended by the one client that happened to ask first: others wait for it.
      const signal = AbortSignal.timeout(RELOAD_MS);
      await reloadOf(db, endpoint, trainer, checkpoint, signal).load(new Error(message), began);
      failedReloads.delete(checkpoint.id);
      log.warn(
        { checkpoint: checkpoint.id, model: checkpoint.model },
        'was gone from its endpoint: loaded again',
      );
      return undefined;
    } catch (error) {
      const reason = withoutKey(errorText(error), target);
      failedReloads.set(checkpoint.id, { at: Date.now(), reason });
      log.error(
        { checkpoint: checkpoint.id, error: reason },
        'is gone from its endpoint and could not be loaded',
      );
      return reason;
    }
  }

  /** Undefined when the endpoint does not have the model, even after loading it again; `why` says so then. */
  async function askOrReload(
    target: Target,
    path: string,
    body: string,
    client: AbortSignal,
  ): Promise<{ answered?: Answered; why: string }> {
    const began = performance.now();
    const first = await ask(target, path, body, client);
    const missing = await unknownModel(target, first.response);
    if (missing === undefined) return { answered: first, why: '' };
    first.over(missing);
    await first.response.body?.cancel().catch(() => undefined);
    const problem = await reload(target, missing, began);
    if (problem !== undefined) return { why: problem };
    const second = await ask(target, path, body, client);
    const still = await unknownModel(target, second.response);
    if (still === undefined) return { answered: second, why: '' };
    second.over(still);
    await second.response.body?.cancel().catch(() => undefined);
    return { why: `${still} Loading it again did not help.` };
  }

  return {
    async send(route, path, bodyFor, client) {
      const { target, before } = route;
      if (typeof target === 'string') {
        log.error({ task: route.task, problem: target }, 'cannot be served');
        throw new GatewayError(
          503,
          `The task ${route.task} cannot be served now: its endpoint is not set up.`,
          {
            code: 'model_unavailable',
          },
        );
      }
      const { answered, why } = await askOrReload(target, path, bodyFor(target.checkpoint.model), client);
      if (answered) return answered;
      const id = target.checkpoint.id;
      if (before) {
        const second = await askOrReload(before, path, bodyFor(before.checkpoint.model), client);
        if (second.answered) {
          const fallback = `checkpoint ${id} is not served by its endpoint`;
          log.warn(
            { task: route.task, checkpoint: before.checkpoint.id, instead: id, why },
            'answers instead',
          );
          return { ...second.answered, fallback };
        }
      }
      throw new GatewayError(
        503,
        `Checkpoint ${id} of ${route.task} is not served by its endpoint and could not be loaded again.`,
        {
          code: 'model_unavailable',
        },
      );
    },
  };
}
