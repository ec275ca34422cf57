/** The gateway's metrics for Prometheus. docs/observability.md lists them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { urlHost } from '../process/access.ts';
import type { GatewayEvent } from './observe.ts';
import type { Route } from './routes.ts';

/** As workers have them for model calls (workers/observe.ts). */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** The label of requests that name no task that there is: what a client writes is no label. */
const NO_TASK = '';

export type GatewayMetrics = { registry: Registry; observe(event: GatewayEvent): void };

/** @param routes what is served now: read at each scrape */
export function createMetrics(routes: () => Route[]): GatewayMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `ratchet_gateway_${name}_total`, help, labelNames, registers });
  const requests = counter(
    'requests',
    'Chat requests that are over; by task, checkpoint, HTTP status and outcome',
    'task',
    'checkpoint',
    'status',
    'outcome',
  );
  const seconds = new Histogram({
    name: 'ratchet_gateway_request_seconds',
    help: 'Seconds from a chat request to the end of its answer, of those that were completed; by task and streamed',
    labelNames: ['task', 'streamed'],
    buckets: SECONDS,
    registers,
  });
  const tokens = counter(
    'tokens',
    'Tokens of answers, where the endpoint counts them; by task, checkpoint and kind (prompt, completion)',
    'task',
    'checkpoint',
    'kind',
  );
  const fallbacks = counter(
    'fallbacks',
    'Answers of another checkpoint than the served one; by task',
    'task',
  );
  const feedback = counter(
    'feedback',
    'Feedback that was stored; by task, rating (up, down, none) and what becomes of it',
    'task',
    'rating',
    'becomes',
  );
  const unrecorded = counter(
    'unrecorded',
    'Answers that could not be recorded in the database; by task',
    'task',
  );
  new Gauge({
    name: 'ratchet_gateway_serving_info',
    help: 'The checkpoint that each task serves; 1, or 0 where it cannot be served',
    labelNames: ['task', 'checkpoint', 'model', 'promoted'],
    registers,
    collect() {
      this.reset();
      for (const { task, target, promoted } of routes()) {
        const checkpoint = typeof target === 'string' ? undefined : target.checkpoint;
        this.set(
          {
            task,
            checkpoint: checkpoint?.id ?? '',
            model: checkpoint?.model ?? '',
            promoted: String(promoted),
          },
          checkpoint ? 1 : 0,
        );
      }
    },
  });

  return {
    registry,
    observe(event) {
      if (event.kind === 'unrecorded') {
        unrecorded.inc({ task: event.task });
        return;
      }
      if (event.kind === 'feedback') {
        const { task, rating = 'none', becomes } = event;
        feedback.inc({ task, rating, becomes });
        return;
      }
      const { status, outcome, streamed, latencyMs, promptTokens = 0, completionTokens = 0 } = event;
      const task = event.task ?? NO_TASK;
      const checkpoint = event.checkpoint ?? '';
      requests.inc({ task, checkpoint, status, outcome });
      if (outcome === 'completed') seconds.observe({ task, streamed: String(streamed) }, latencyMs / 1000);
      if (promptTokens > 0) tokens.inc({ task, checkpoint, kind: 'prompt' }, promptTokens);
      if (completionTokens > 0) tokens.inc({ task, checkpoint, kind: 'completion' }, completionTokens);
      if (event.fallback) fallbacks.inc({ task });
    },
  };
}

export type MetricsServer = { address: string; close(): Promise<void> };

/**
 * Serves metrics at `/metrics`, on a port of its own: clients of the gateway have no business there. Those of the process come along.
 *
 * @throws Error when the port is taken
 */
export async function serveMetrics(
  registry: Registry,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || new URL(request.url ?? '/', 'http://metrics').pathname !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(
          `RATCHET_GATEWAY_METRICS_PORT: cannot listen on ${host}:${port} (${error.message}); choose another one.`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    address: `http://${urlHost(host)}:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
