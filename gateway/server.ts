/** Opens the gateway on its port, and closes it without dropping what is being answered. */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { connect, type Db } from '../db/connect.ts';
import { urlHost } from '../net/access.ts';
import { createGateway, type AppOptions } from './app.ts';
import type { GatewaySettings } from './environment.ts';
import type { Log } from './log.ts';
import { createRedact, loadHook } from './redact.ts';
import { openRoutes } from './routes.ts';

export type RunningGateway = {
  /** `http://127.0.0.1:8300`. */
  address: string;
  /** Reads what is served now, instead of at the next announcement. */
  refresh(): Promise<void>;
  /** Takes no more requests and waits for those under way, at most so long. */
  close(graceMs?: number): Promise<void>;
};

const CONNECTIONS = 10;
/** A client has this long to send its request. */
const REQUEST_MS = 60_000;

/**
 * @param observe told of each chat request when it is over
 * @throws Error when the port is taken, the database can't be read or the redaction module can't be loaded
 */
export async function startGateway(
  settings: GatewaySettings,
  log: Log,
  observe?: AppOptions['observe'],
): Promise<RunningGateway> {
  const { host, port, redact, redactModule } = settings;
  const hook = redactModule === undefined ? undefined : await loadHook(redactModule);
  const db: Db = connect(settings.databaseUrl, CONNECTIONS);
  try {
    const routes = await openRoutes(db, settings, log);
    const gateway = createGateway({
      ...settings,
      db,
      routes,
      redact: createRedact(redact, hook),
      log,
      observe,
    });
    const server = serve({
      fetch: gateway.app.fetch,
      hostname: host,
      port,
      overrideGlobalObjects: false,
    }) as Server;
    server.requestTimeout = REQUEST_MS;
    try {
      await new Promise<void>((resolve, reject) => {
        if (server.listening) resolve();
        server.once('listening', resolve);
        server.once('error', reject);
      });
    } catch (error) {
      await routes.close();
      throw error;
    }
    const bound = server.address();
    const actual = typeof bound === 'object' && bound ? bound.port : port;
    return {
      address: `http://${urlHost(host)}:${actual}`,
      refresh: routes.refresh,
      async close(graceMs = 20_000) {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        const late = setTimeout(() => server.closeAllConnections(), graceMs);
        await closed;
        clearTimeout(late);
        await gateway.settled();
        await routes.close();
        await db.$client.end();
      },
    };
  } catch (error) {
    await db.$client.end();
    throw error;
  }
}
