/** Whether this process polls its task queues: GET /health, for container health checks and probes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type WorkerState = { queue: string; state: string };

export type HealthServer = { port: number; close(): Promise<void> };

/**
 * Answers 200 while every worker is RUNNING, else 503 (starting, draining, failed), with the states of all.
 * It does not ask Temporal or the database: a worker outlasts their restarts, and killing it would help nobody.
 *
 * @param states nothing yet means that the process is still starting
 * @throws Error when the port is taken
 */
export async function serveHealth(
  { host, port }: { host: string; port: number },
  states: () => WorkerState[],
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    if (request.url !== '/health') {
      response.writeHead(404).end();
      return;
    }
    const workers = states();
    const ok = workers.length > 0 && workers.every(({ state }) => state === 'RUNNING');
    response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: ok ? 'ok' : 'unavailable', workers }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(
          `RATCHET_HEALTH_PORT: cannot listen on ${host}:${port} (${error.message}); choose another one.`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
