/** A request under way: what its span and its metrics say once it is over. */
import type { Context } from 'hono';
import type { Span } from '@opentelemetry/api';
import type { ChatEvent, Observe } from './observe.ts';
import { endRequest, inRequest } from './spans.ts';

type Asked = {
  span: Span;
  task?: string;
  checkpoint?: number;
  streamed: boolean;
  fallback: boolean;
  /** The answer goes on after its beginning was handed over: whoever passes it on says when it is over. */
  goesOn: boolean;
  /** Only the first call counts. */
  over(end: Pick<ChatEvent, 'status' | 'outcome' | 'promptTokens' | 'completionTokens'>): void;
};

export type GatewayEnv = { Variables: { asked: Asked } };

const CHAT = '/v1/chat/completions';
/** Whatever else is asked for is no name of a span. */
const ROUTES = [CHAT, '/v1/feedback', '/v1/models'];

/** Handles a request within its span, and tells of chat requests when they are over, refused ones too. */
export async function inAsked(
  c: Context<GatewayEnv>,
  observe: Observe,
  next: () => Promise<void>,
): Promise<void> {
  const began = performance.now();
  const { method, path } = c.req;
  const route = ROUTES.find((one) => one === path) ?? '/v1/*';
  await inRequest({ method, route, headers: c.req.raw.headers }, async (span) => {
    let isOver = false;
    const asked: Asked = {
      span,
      streamed: false,
      fallback: false,
      goesOn: false,
      over(end) {
        if (isOver) return;
        isOver = true;
        const { task, checkpoint, streamed, fallback } = asked;
        if (method === 'POST' && path === CHAT) {
          const latencyMs = Math.round(performance.now() - began);
          observe({ kind: 'chat', task, checkpoint, streamed, fallback, latencyMs, ...end });
        }
        endRequest(span, end.status, { 'ratchet.task': task, 'ratchet.checkpoint': checkpoint });
      },
    };
    c.set('asked', asked);
    await next();
    const { status } = c.res;
    const failed = c.req.raw.signal.aborted ? 'aborted' : 'failed';
    if (!asked.goesOn) asked.over({ status, outcome: status < 400 ? 'completed' : failed });
  });
}
