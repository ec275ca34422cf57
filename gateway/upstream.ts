/**
 * Sends a request on to the endpoint of a checkpoint. The client's key stays here and the endpoint's key goes no further:
 * what comes back is searched for it, and an endpoint that refuses it is not quoted.
 */
import { reloadOf } from '../engine/reload.ts';
import type { Db } from '../db/connect.ts';
import { errorText } from '../models/errors.ts';
import { adapterFields, forgetAdapters } from '../models/adapters.ts';
import { fetchThrough } from '../process/proxy.ts';
import { GatewayError, type ErrorBody } from './errors.ts';
import type { Log } from './log.ts';
import type { Route, Target } from './routes.ts';
import { startCall, type Call } from './spans.ts';

type Answered = {
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
/** The request as the server calls the checkpoint. @throws GatewayError where it can't be asked how it does */
async function named({ endpoint }: Target, body: string): Promise<string> {
  let fields: Record<string, unknown>;
  try {
    fields = await adapterFields(endpoint);
  } catch (error) {
    throw new GatewayError(502, `The endpoint behind the gateway can't be asked: ${errorText(error)}`, {
      code: 'upstream_unreachable',
    });
  }
  if (Object.keys(fields).length === 0) return body;
  return JSON.stringify({ ...(JSON.parse(body) as object), ...fields });
}

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

/** Asks the endpoints of checkpoints, and loads an adapter again that its endpoint has evicted. */
export class Upstream {
  private readonly db: Db;
  private readonly timeoutMs: number;
  private readonly log: Log;
  private readonly failedReloads = new Map<number, { at: number; reason: string }>();

  /** @param timeoutMs how long an endpoint may be silent */
  constructor(db: Db, { timeoutMs }: { timeoutMs: number }, log: Log) {
    this.db = db;
    this.timeoutMs = timeoutMs;
    this.log = log;
  }

  /**
   * @param body the request with the model's name in place of the task's, made by `bodyFor`
   * @param client ends when the client goes away
   * @throws GatewayError when no checkpoint can answer; whatever `client` was aborted with
   */
  async send(
    { task, target, before }: Route,
    path: string,
    bodyFor: (model: string) => string,
    client: AbortSignal,
  ): Promise<Answered> {
    const unavailable = (message: string) => new GatewayError(503, message, { code: 'model_unavailable' });
    if (typeof target === 'string') {
      this.log.error({ task, problem: target }, 'cannot be served');
      throw unavailable(`The task ${task} cannot be served now: its endpoint is not set up.`);
    }
    const ask = async (of: Target) =>
      this.askOrReload(of, path, await named(of, bodyFor(of.checkpoint.model)), client);
    const { id } = target.checkpoint;
    const { answered, why } = await ask(target);
    if (answered) return answered;
    const second = before && (await ask(before)).answered;
    if (!second)
      throw unavailable(
        `Checkpoint ${id} of ${task} is not served by its endpoint and could not be loaded again.`,
      );
    this.log.warn({ task, checkpoint: before.checkpoint.id, instead: id, why }, 'answers instead');
    return { ...second, fallback: `checkpoint ${id} is not served by its endpoint` };
  }

  /** Without an answer when the endpoint does not have the model, even after loading it again; `why` says so then. */
  private async askOrReload(
    target: Target,
    path: string,
    body: string,
    client: AbortSignal,
  ): Promise<{ answered?: Answered; why: string }> {
    const began = performance.now();
    const first = await this.ask(target, path, body, client);
    const missing = await unknownModel(target, first.response);
    if (missing === undefined) return { answered: first, why: '' };
    await dropped(first, missing);
    const problem = await this.reload(target, missing, began);
    if (problem !== undefined) return { why: problem };
    const second = await this.ask(target, path, body, client);
    const still = await unknownModel(target, second.response);
    if (still === undefined) return { answered: second, why: '' };
    await dropped(second, still);
    return { why: `${still} Loading it again did not help.` };
  }

  private async ask(target: Target, path: string, body: string, client: AbortSignal): Promise<Answered> {
    const { endpoint, checkpoint } = target;
    const silent = new AbortController();
    const seconds = this.timeoutMs / 1000;
    const tooLong = () =>
      silent.abort(new GatewayError(504, `The endpoint was silent for ${seconds} s.`, { code: 'timeout' }));
    let timer: NodeJS.Timeout | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(tooLong, this.timeoutMs);
    };
    const call = startCall({ baseURL: endpoint.baseURL, model: checkpoint.model });
    const over: Call['end'] = (problem, tokens) => {
      clearTimeout(timer);
      call.end(problem, tokens);
    };
    alive();
    try {
      const response = await fetchThrough(`${endpoint.baseURL.replace(/\/$/, '')}${path}`, {
        method: 'POST',
        headers: {
          ...call.headers,
          'content-type': 'application/json',
          authorization: `Bearer ${endpoint.client.apiKey}`,
        },
        body,
        signal: AbortSignal.any([client, silent.signal]),
      });
      alive();
      return { target, response, alive, over, abort: () => silent.abort() };
    } catch (error) {
      over(client.aborted ? 'the client went away' : errorText(error));
      if (client.aborted) throw client.reason;
      forgetAdapters(endpoint);
      if (silent.signal.reason instanceof GatewayError) throw silent.signal.reason;
      this.log.error({ checkpoint: checkpoint.id, error: errorText(error) }, 'the endpoint did not answer');
      throw new GatewayError(502, 'The endpoint behind the gateway could not be reached.', {
        code: 'upstream_unreachable',
      });
    }
  }

  /** Loads an evicted adapter again. A text says why it could not be. */
  private async reload(target: Target, message: string, began: number): Promise<string | undefined> {
    const { checkpoint, endpoint, trainer } = target;
    const failed = this.failedReloads.get(checkpoint.id);
    if (failed && Date.now() - failed.at < RELOAD_PAUSE_MS) return failed.reason;
    try {
      // Not ended by the one client that happened to ask first: others wait for it.
      const signal = AbortSignal.timeout(RELOAD_MS);
      await reloadOf(this.db, endpoint, trainer, checkpoint, signal).load(new Error(message), began);
      this.failedReloads.delete(checkpoint.id);
      const { id, model } = checkpoint;
      this.log.warn({ checkpoint: id, model }, 'was gone from its endpoint: loaded again');
      return undefined;
    } catch (error) {
      const reason = withoutKey(errorText(error), target);
      this.failedReloads.set(checkpoint.id, { at: Date.now(), reason });
      this.log.error(
        { checkpoint: checkpoint.id, error: reason },
        'is gone from its endpoint and could not be loaded',
      );
      return reason;
    }
  }
}

/** Ends an answer that nobody reads. */
async function dropped({ over, response }: Answered, problem: string): Promise<void> {
  over(problem);
  await response.body?.cancel().catch(() => undefined);
}
