/**
 * Where a harness asks: a door on this machine to one model at one endpoint, which keeps the endpoint's key and its limits to itself and
 * counts what is asked. In: requests of OpenAI's API for chat or text completions. Out: the endpoint's answers as they come.
 *
 * Covers: a key that must not reach the command, others on this machine (the path holds a secret), rate limits, servers that are away
 * for a while, adapters that were evicted, an answer that is none. Does not cover: streams, which are refused.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { APIError } from 'openai';
import type { CallContext } from '../calls.ts';
import { storableText } from '../../db/storable.ts';
import { adapterFields, forgetAdapters } from '../../models/adapters.ts';
import { readChoice } from '../../models/choices.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { errorInBody, errorOfBody, errorText, isRefusal, NoCompletion } from '../../models/errors.ts';
import { limiterOf } from '../../models/limiter.ts';
import { inSpan, traceHeaders } from '../../models/span.ts';
import { estimateTokens, tokenCount } from '../../models/tokens.ts';
import { attempt } from '../attempts.ts';
import { count } from '../metrics.ts';
import type { Reload } from '../reload.ts';

type Json = Record<string, unknown>;

/** What the requests so far took. */
type Spent = {
  requests: number;
  promptTokens: number;
  completionTokens: number;
  estimated: boolean;
  fingerprint: string | undefined;
};

export type Relay = {
  /** Base URL of the API, ending in /v1. */
  url: string;
  spent: Readonly<Spent>;
  /** Why requests were not answered, of each that was not answered in the end: refusals of the request itself apart. */
  unanswered(): { refused: unknown[]; failed: unknown[] };
  close(): Promise<void>;
};

const MAX_BODY_BYTES = 16 * 2 ** 20;

/** @param signal ends what is under way */
export async function openRelay(
  endpoint: Endpoint,
  { role, signal, reload }: { role: CallContext['role']; signal: AbortSignal; reload: Reload },
): Promise<Relay> {
  const secret = randomBytes(16).toString('hex');
  const spent: Spent = {
    requests: 0,
    promptTokens: 0,
    completionTokens: 0,
    estimated: false,
    fingerprint: undefined,
  };
  /** By request: a harness asks again what was not answered. */
  const open = new Map<string, unknown>();

  async function ask(
    route: 'chat/completions' | 'completions',
    body: Json,
    gone: AbortSignal,
  ): Promise<Json> {
    const asked = `${route} ${JSON.stringify(body)}`;
    const waiting = AbortSignal.any([signal, gone]);
    const call = async () => {
      const named = await adapterFields(endpoint, waiting);
      try {
        return await post(endpoint, route, { ...endpoint.extra, ...body, ...named }, waiting);
      } catch (error) {
        forgetAdapters(endpoint);
        throw error;
      }
    };
    try {
      const answer = await attempt(call, limiterOf(endpoint), waiting, reload);
      book(spent, role, body, answer);
      open.delete(asked);
      return answer;
    } catch (error) {
      // Whoever asked has gone: it says so itself, or asks again.
      if (!waiting.aborted) open.set(asked, error);
      count('ratchet_model_calls', 1, { role, outcome: 'error' });
      throw error;
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Json> {
    const [, path] = new RegExp(`^/${secret}/v1/([a-z/]+)$`).exec(request.url ?? '') ?? [];
    if (path === 'models')
      return { object: 'list', data: [{ id: endpoint.model, object: 'model', owned_by: 'ratchet' }] };
    if (path !== 'chat/completions' && path !== 'completions')
      throw refusal(404, 'a harness may ask for chat/completions, completions and models');
    const body = await bodyOf(request);
    if (body.model !== endpoint.model)
      throw refusal(
        404,
        `the model to measure is "${endpoint.model}" (RATCHET_MODEL), no other is served here`,
      );
    if (body.stream === true) throw refusal(400, 'answers are not streamed to a harness: leave "stream" out');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return ask(path, body, gone.signal);
  }

  const server = createServer((request, response) => {
    const send = (status: number, body: Json) => {
      if (!response.destroyed)
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    answer(request, response).then(
      (body) => send(200, body),
      (error: unknown) => {
        const status = error instanceof APIError ? (error.status ?? 502) : 502;
        const code = error instanceof APIError ? error.code : undefined;
        send(status, { error: { message: errorText(error), type: 'ratchet', code } });
      },
    );
  });
  // Clients keep connections for longer than Node's five seconds, and would send into one that is just being closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}/v1`,
    spent,
    unanswered: () => {
      const { refused = [], failed = [] } = Object.groupBy(open.values(), (error) =>
        isRefusal(error) ? 'refused' : 'failed',
      );
      return { refused, failed };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const refusal = (status: number, message: string) =>
  APIError.generate(status, { error: { message } }, undefined, new Headers());

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw refusal(413, `a request has more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as Json;
  } catch {
    throw refusal(400, 'the body is no JSON');
  }
}

function post(endpoint: Endpoint, route: string, body: Json, signal: AbortSignal): Promise<Json> {
  return inSpan('harness', endpoint, async () => {
    const { data, response } = await endpoint.client
      .post<Json>(`/${route}`, { body, signal, headers: traceHeaders() })
      .withResponse();
    const choices = Array.isArray(data?.choices) ? (data.choices as unknown[]) : [];
    const failed = choices.length === 0 ? errorOfBody(data) : choices.map(failureOf).find(Boolean);
    if (failed) throw errorInBody(failed, response.headers);
    if (choices.length === 0)
      throw new NoCompletion({ message: 'The answer has no list of choices', hopeless: false });
    return data;
  });
}

const failureOf = (choice: unknown) => readChoice(choice).failed;

function book(spent: Spent, role: CallContext['role'], asked: Json, answer: Json): void {
  const usage = (answer.usage ?? {}) as Json;
  const prompt = tokenCount(usage.prompt_tokens);
  const completion = tokenCount(usage.completion_tokens);
  const counts = {
    prompt: prompt || estimateTokens(JSON.stringify(asked.messages ?? asked.prompt ?? '')),
    completion: completion || estimateTokens(JSON.stringify(answer.choices)),
  };
  spent.requests += 1;
  spent.promptTokens += counts.prompt;
  spent.completionTokens += counts.completion;
  spent.estimated ||= prompt === 0 || completion === 0;
  if (typeof answer.system_fingerprint === 'string')
    spent.fingerprint ??= storableText(answer.system_fingerprint);
  count('ratchet_model_calls', 1, { role, outcome: 'ok' });
  count('ratchet_tokens', counts.prompt, { role, kind: 'prompt' });
  count('ratchet_tokens', counts.completion, { role, kind: 'completion' });
}
