/** Opens the gateway on its port, and closes it without dropping what is being answered. */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { connectTemporal } from '../app/temporal.ts';
import { connect, type Db } from '../db/connect.ts';
import { urlHost } from '../process/access.ts';
import { createGateway } from './app.ts';
import type { GatewaySettings } from './environment.ts';
import type { Log } from './log.ts';
import { createMetrics, serveMetrics } from './metrics.ts';
import type { Observe } from './observe.ts';
import { createRedact, loadHook } from './redact.ts';
import { openRoutes } from './routes.ts';

export type RunningGateway = {
  /** `http://127.0.0.1:8300`. */
  address: string;
  /** Where Prometheus scrapes it, where that was asked for. */
  metrics: string | undefined;
  /** Reads what is served now, instead of at the next announcement. */
  refresh(): Promise<void>;
  /** Takes no more requests and waits for those under way, at most so long. */
  close(graceMs?: number): Promise<void>;
};

const CONNECTIONS = 10;
/** A client has this long to send its request. */
const REQUEST_MS = 60_000;

/** Temporal, opened when somebody first needs it; tried again where that failed. */
function lazyTemporal(at: GatewaySettings['temporal']) {
  let client: ReturnType<typeof connectTemporal> | undefined;
  const open = () => {
    client ??= connectTemporal(at!).catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  };
  return {
    open: at && open,
    close: async () => (await client?.catch(() => undefined))?.connection.close(),
  };
}

/**
 * @param observe told of what is over, beside the gateway's own metrics
 * @throws Error when a port is taken, the database can't be read or the redaction module can't be loaded
 */
export async function startGateway(
  settings: GatewaySettings,
  log: Log,
  observe?: Observe,
): Promise<RunningGateway> {
  const { host, port, redact, redactModule } = settings;
  const hook = redactModule === undefined ? undefined : await loadHook(redactModule);
  const db: Db = connect(settings.databaseUrl, CONNECTIONS);
  // Undone in reverse, when it ends as when it cannot begin.
  const undo: (() => Promise<void>)[] = [() => db.$client.end()];
  const close = async () => {
    for (const one of undo.toReversed()) await one();
  };
  try {
    const routes = await openRoutes(db, settings, log);
    undo.push(() => routes.close());
    const metrics = createMetrics(routes.all);
    const temporal = lazyTemporal(settings.temporal);
    undo.push(temporal.close);
    const gateway = createGateway({
      ...settings,
      temporal: temporal.open,
      db,
      routes,
      redact: createRedact(redact, hook),
      log,
      observe(event) {
        metrics.observe(event);
        observe?.(event);
      },
    });
    undo.push(() => gateway.settled());
    const scraped = settings.metrics && (await serveMetrics(metrics.registry, settings.metrics));
    if (scraped) undo.push(() => scraped.close());
    const server = serve({
      fetch: gateway.app.fetch,
      hostname: host,
      port,
      overrideGlobalObjects: false,
    }) as Server;
    server.requestTimeout = REQUEST_MS;
    await new Promise<void>((resolve, reject) => {
      if (server.listening) resolve();
      server.once('listening', resolve);
      server.once('error', reject);
    });
    const bound = server.address();
    const actual = typeof bound === 'object' && bound ? bound.port : port;
    return {
      address: `http://${urlHost(host)}:${actual}`,
      metrics: scraped?.address,
      refresh: routes.refresh,
      async close(graceMs = 20_000) {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        const late = setTimeout(() => server.closeAllConnections(), graceMs);
        await closed;
        clearTimeout(late);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
