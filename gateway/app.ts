/**
 * The gateway's routes: OpenAI's chat completions, answered by the checkpoint that the task named as the model serves, and
 * feedback.
 *
 * Covers: a bearer token (always where one is set, and one must be set off this machine), bodies over the limit, requests of
 * web pages and of names that only resolve to this machine (without a token), keys of endpoints in answers.
 * Does not cover: limits per client, TLS; put a proxy before it for those.
 */
import { Hono, type Context } from 'hono';
import type { Client } from '@temporalio/client';
import type { Db } from '../db/connect.ts';
import { errorText } from '../models/errors.ts';
import { addressProblem, bearer, hostName, isLoopback, sameSecret } from '../process/access.ts';
import { inAsked, type GatewayEnv } from './asked.ts';
import { limitBody } from './body.ts';
import { adaptingTask, createAdapting } from './adapting.ts';
import { createChat } from './chat.ts';
import { GatewayError } from './errors.ts';
import { takeFeedback } from './feedback.ts';
import { jsonBody } from './json.ts';
import type { Log } from './log.ts';
import type { Observe } from './observe.ts';
import { createRecord } from './record.ts';
import type { Redact } from './redact.ts';
import type { Route, Routes } from './routes.ts';
import { Upstream } from './upstream.ts';

export type AppOptions = {
  db: Db;
  routes: Routes;
  redact: Redact;
  log: Log;
  token: string | undefined;
  stores(task: string): boolean;
  maxBodyBytes: number;
  timeoutMs: number;
  /** Opens Temporal, for answers that adapt; undefined where no address is known. */
  temporal?: () => Promise<Client>;
  /** Told of what is over, for metrics. */
  observe?: Observe;
};

export type Gateway = {
  app: Hono<GatewayEnv>;
  /** Waits until what was answered is recorded. */
  settled(): Promise<void>;
};

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

export function createGateway(options: AppOptions): Gateway {
  const { db, routes, log, observe = () => undefined } = options;
  const upstream = new Upstream(db, options, log);
  const { record, settled } = createRecord(db, { ...options, observe }, log);
  const app = new Hono<GatewayEnv>();

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
  app.use(async (c, next) => {
    const problem = addressProblem(c.req.url);
    if (problem) throw new GatewayError(400, `The address ${problem}.`);
    await next();
  });
  app.get('/health', (c) => c.json({ status: 'ok', tasks: routes.all().length }));
  app.use('/v1/*', (c, next) => inAsked(c, observe, next));
  app.use('/v1/*', async (c, next) => {
    admit(c, options.token);
    await next();
  });
  app.use('/v1/*', limitBody(options.maxBodyBytes));

  app.get('/v1/models', (c) => c.json({ object: 'list', data: routes.all().map(modelOf) }));
  app.get('/v1/models/:model', (c) => c.json(modelOf(routeFor(c.req.param('model')))));
  app.post('/v1/feedback', async (c) => {
    const { answer, rating } = await takeFeedback(db, options.redact, await jsonBody(c));
    const { task, becomes, known } = answer;
    if (!known) observe({ kind: 'feedback', task, rating, becomes });
    return c.json(answer);
  });

  const adapting = createAdapting(options.temporal);
  const chat = createChat({ routeFor, upstream, record });
  app.post('/v1/chat/completions', async (c) => {
    const body = await jsonBody(c);
    const task = adaptingTask(body.model);
    // A task may be called so itself.
    if (task === undefined || routes.find(body.model as string)) return chat(c, body);
    return adapting(c, routeFor(task), body);
  });

  return { app, settled };
}
