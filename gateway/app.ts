/**
 * The gateway's routes: OpenAI's chat completions, answered by the checkpoint that the task named as the model serves, and
 * feedback.
 *
 * Covers: a bearer token (always where one is set, and one must be set off this machine), bodies over the limit, requests of
 * web pages and of names that only resolve to this machine (without a token), keys of endpoints in answers.
 * Does not cover: limits per client, TLS; put a proxy before it for those.
 */
import { randomUUID } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Db } from '../db/connect.ts';
import { errorText } from '../models/errors.ts';
import { bearer, hostName, isLoopback, sameSecret } from '../net/access.ts';
import { markBody, markStream, type Mark, type Seen } from './answer.ts';
import { GatewayError } from './errors.ts';
import { takeFeedback } from './feedback.ts';
import { parseExactly } from './json.ts';
import type { Log } from './log.ts';
import { createRecord } from './record.ts';
import type { Redact } from './redact.ts';
import type { Route, Routes } from './routes.ts';
import { createUpstream, passedError, passedHeaders, type Answered } from './upstream.ts';

export type AppOptions = {
  db: Db;
  routes: Routes;
  redact: Redact;
  log: Log;
  token: string | undefined;
  stores(task: string): boolean;
  maxBodyBytes: number;
  timeoutMs: number;
  /** Told of each chat request when it is over, for metrics. */
  observe?(event: {
    task: string;
    checkpoint: number | undefined;
    status: number;
    streamed: boolean;
    outcome: 'completed' | 'aborted' | 'failed';
    latencyMs: number;
    promptTokens?: number;
    completionTokens?: number;
  }): void;
};

export type Gateway = {
  app: Hono;
  /** Waits until what was answered is recorded. */
  settled(): Promise<void>;
};

/** What identifies the served checkpoint and, behind it, what the endpoint said of its weights. */
export function fingerprintFor(checkpointId: number, upstream: string | null | undefined): string {
  return `ratchet-${checkpointId}${upstream ? `-${upstream}` : ''}`;
}

/** @throws GatewayError for whoever may not ask */
function admit(c: Context, token: string | undefined): void {
  if (token !== undefined) {
    const given = bearer(c.req.header('authorization'));
    if (given !== undefined && sameSecret(given, token)) return;
    throw new GatewayError(401, 'Send the token of this gateway as API key (Authorization: Bearer …).', {
      code: 'invalid_api_key',
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
  // Without a token, only programs of this machine may ask: no page that a browser shows, under whatever name.
  const host = hostName(c.req.header('host'));
  const origin = c.req.header('origin');
  if (
    host === undefined ||
    !isLoopback(host) ||
    (origin !== undefined && !isLoopback(hostName(origin) ?? ''))
  )
    throw new GatewayError(403, 'Without a token, the gateway answers programs of its own machine only.', {
      code: 'forbidden',
    });
}

/** The request's JSON. A page of another site can't send this type without being asked first, which is not answered. */
async function jsonBody(c: Context): Promise<Record<string, unknown>> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw new GatewayError(415, 'Send the request as application/json.');
  let body: unknown;
  try {
    body = parseExactly(await c.req.text());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GatewayError(400, `The body is no JSON: ${error.message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new GatewayError(400, 'The body must be one JSON object.');
  return body as Record<string, unknown>;
}

export function createGateway(options: AppOptions): Gateway {
  const { db, routes, log } = options;
  const upstream = createUpstream(db, options, log);
  const { record, settled } = createRecord(db, options, log);
  const app = new Hono();

  function modelOf({ task, target, promoted }: Route) {
    const checkpoint = typeof target === 'string' ? undefined : target.checkpoint;
    return {
      id: task,
      object: 'model',
      created: Math.floor((checkpoint?.createdAt.getTime() ?? 0) / 1000),
      owned_by: 'ratchet',
      checkpoint: checkpoint?.id ?? null,
      promoted,
      serves: checkpoint?.model ?? null,
    };
  }

  /** @throws GatewayError naming the tasks there are */
  function routeFor(model: unknown): Route {
    if (typeof model !== 'string' || model === '')
      throw new GatewayError(400, 'Give the name of a task as `model`.', { param: 'model' });
    const route = routes.find(model);
    if (route) return route;
    const known = routes.all().map((one) => one.task);
    const which = known.length > 0 ? `There are: ${known.join(', ')}` : 'No task has runs yet';
    throw new GatewayError(404, `There is no task \`${model.slice(0, 200)}\`. ${which}.`, {
      code: 'model_not_found',
      param: 'model',
    });
  }

  app.onError((error, c) => {
    if (error instanceof GatewayError) return error.response();
    // Nobody is there to read it any more.
    if (c.req.raw.signal.aborted) return new Response(null, { status: 499 });
    log.error({ error: errorText(error) }, 'a request failed');
    return new GatewayError(500, 'The gateway failed. Its log says why.').response();
  });
  app.notFound((c) =>
    new GatewayError(404, `Unknown request URL: ${c.req.method} ${c.req.path}.`, {
      code: 'unknown_url',
    }).response(),
  );
  app.get('/health', (c) => c.json({ status: 'ok', tasks: routes.all().length }));
  app.use('/v1/*', async (c, next) => {
    admit(c, options.token);
    await next();
  });
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: options.maxBodyBytes,
      onError: () => {
        throw new GatewayError(413, `The body is larger than ${options.maxBodyBytes} bytes.`, {
          code: 'too_large',
        });
      },
    }),
  );

  app.get('/v1/models', (c) => c.json({ object: 'list', data: routes.all().map(modelOf) }));
  app.get('/v1/models/:model', (c) => c.json(modelOf(routeFor(c.req.param('model')))));
  app.post('/v1/feedback', async (c) => c.json(await takeFeedback(db, options.redact, await jsonBody(c))));

  app.post('/v1/chat/completions', async (c) => {
    const began = performance.now();
    const client = c.req.raw.signal;
    const body = await jsonBody(c);
    const route = routeFor(body.model);
    const streamed = body.stream === true;
    const latencyMs = () => Math.round(performance.now() - began);
    let answered: Answered;
    try {
      answered = await upstream.send(
        route,
        '/chat/completions',
        (model) => JSON.stringify({ ...body, model }),
        client,
      );
    } catch (error) {
      const status = error instanceof GatewayError ? error.status : 499;
      const outcome = client.aborted ? 'aborted' : 'failed';
      options.observe?.({
        task: route.task,
        checkpoint: undefined,
        status,
        streamed,
        outcome,
        latencyMs: latencyMs(),
      });
      throw error;
    }
    const { target, response, fallback } = answered;
    const { checkpoint } = target;
    const id = `chatcmpl-${randomUUID().replaceAll('-', '')}`;
    const mark: Mark = {
      id,
      fingerprintOf: (given) => fingerprintFor(checkpoint.id, given ?? checkpoint.fingerprint),
    };
    const seen: Seen = { replies: [] };

    const finish = async (outcome: 'completed' | 'aborted'): Promise<void> => {
      answered.over();
      const { replies, ...facts } = seen;
      options.observe?.({
        task: route.task,
        checkpoint: checkpoint.id,
        status: response.status,
        streamed,
        outcome,
        latencyMs: latencyMs(),
        promptTokens: facts.promptTokens,
        completionTokens: facts.completionTokens,
      });
      await record({
        id,
        task: route.task,
        target,
        fallback,
        streamed,
        outcome,
        latencyMs: latencyMs(),
        messages: body.messages,
        replies,
        ...facts,
      });
    };

    const headers = passedHeaders(response.headers);
    headers.set('x-ratchet-task', encodeURIComponent(route.task));
    headers.set('x-ratchet-checkpoint', String(checkpoint.id));
    headers.set('x-ratchet-model', encodeURIComponent(checkpoint.model));
    if (fallback) headers.set('x-ratchet-fallback', fallback);

    if (!response.ok) {
      const error = await passedError(target, response);
      answered.over();
      for (const [name, value] of headers) if (name.startsWith('x-ratchet-')) error.headers.set(name, value);
      options.observe?.({
        task: route.task,
        checkpoint: checkpoint.id,
        status: error.status,
        streamed,
        outcome: 'failed',
        latencyMs: latencyMs(),
      });
      return error;
    }
    if (response.body && /^text\/event-stream/i.test(response.headers.get('content-type') ?? '')) {
      headers.set('cache-control', 'no-cache');
      headers.set('x-accel-buffering', 'no');
      const stream = markStream(response.body, seen, mark, {
        piece: answered.alive,
        abort: answered.abort,
        end: (whole) => finish(whole ? 'completed' : 'aborted'),
      });
      return new Response(stream, { status: response.status, headers });
    }
    let text: string;
    try {
      text = await response.text();
    } catch (error) {
      await finish('aborted');
      if (client.aborted) throw error;
      throw error instanceof GatewayError
        ? error
        : new GatewayError(502, 'The endpoint behind the gateway broke off its answer.', {
            code: 'upstream_broke_off',
          });
    }
    const whole = markBody(text, seen, mark);
    await finish(whole === undefined ? 'aborted' : 'completed');
    if (whole === undefined)
      throw new GatewayError(502, 'The endpoint behind the gateway gave no completion.', {
        code: 'upstream_no_completion',
      });
    headers.set('content-type', 'application/json');
    return new Response(whole, { status: response.status, headers });
  });

  return { app, settled };
}
