/** `POST /v1/chat/completions`: answered by the checkpoint that the task named as the model serves. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { markBody, markStream, type Mark, type Seen } from './answer.ts';
import type { GatewayEnv } from './asked.ts';
import { GatewayError } from './errors.ts';
import type { Answer } from './record.ts';
import type { Route } from './routes.ts';
import { passedError, passedHeaders, type Upstream } from './upstream.ts';

/** What identifies the served checkpoint and, behind it, what the endpoint said of its weights. */
function fingerprintFor(checkpointId: number, upstream: string | null | undefined): string {
  return `ratchet-${checkpointId}${upstream ? `-${upstream}` : ''}`;
}

export function createChat({
  routeFor,
  upstream,
  record,
}: {
  routeFor(model: unknown): Route;
  upstream: Upstream;
  record(answer: Answer): Promise<void>;
}): (c: Context<GatewayEnv>, body: Record<string, unknown>) => Promise<Response> {
  return async (c, body) => {
    const began = performance.now();
    const asked = c.get('asked');
    const client = c.req.raw.signal;
    const route = routeFor(body.model);
    const streamed = body.stream === true;
    Object.assign(asked, { task: route.task, streamed });
    const answered = await upstream.send(
      route,
      '/chat/completions',
      (model) => JSON.stringify({ ...body, model }),
      client,
    );
    const { target, response, fallback } = answered;
    const { checkpoint } = target;
    Object.assign(asked, { checkpoint: checkpoint.id, fallback: fallback !== undefined });
    const id = `chatcmpl-${randomUUID().replaceAll('-', '')}`;
    const mark: Mark = {
      id,
      fingerprintOf: (given) => fingerprintFor(checkpoint.id, given ?? checkpoint.fingerprint),
    };
    const seen: Seen = { replies: [] };

    const finish = async (outcome: 'completed' | 'aborted', status = response.status): Promise<void> => {
      const { replies, ...facts } = seen;
      const { promptTokens, completionTokens } = facts;
      answered.over(outcome === 'aborted' ? 'the answer broke off' : undefined, {
        promptTokens,
        completionTokens,
      });
      const latencyMs = Math.round(performance.now() - began);
      asked.over({ status, outcome, promptTokens, completionTokens });
      const { task } = route;
      const { messages } = body;
      await record({
        id,
        task,
        target,
        fallback,
        streamed,
        outcome,
        latencyMs,
        messages,
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
      answered.over(`status ${response.status}`);
      for (const [name, value] of headers) if (name.startsWith('x-ratchet-')) error.headers.set(name, value);
      return error;
    }
    if (response.body && /^text\/event-stream/i.test(response.headers.get('content-type') ?? '')) {
      headers.set('cache-control', 'no-cache');
      headers.set('x-accel-buffering', 'no');
      asked.goesOn = true;
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
      const status = client.aborted ? 499 : error instanceof GatewayError ? error.status : 502;
      await finish('aborted', status);
      if (client.aborted) throw error;
      throw error instanceof GatewayError
        ? error
        : new GatewayError(502, 'The endpoint behind the gateway broke off its answer.', {
            code: 'upstream_broke_off',
          });
    }
    const whole = markBody(text, seen, mark);
    if (whole === undefined) {
      await finish('aborted', 502);
      throw new GatewayError(502, 'The endpoint behind the gateway gave no completion.', {
        code: 'upstream_no_completion',
      });
    }
    await finish('completed');
    headers.set('content-type', 'application/json');
    return new Response(whole, { status: response.status, headers });
  };
}
