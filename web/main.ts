/** The web page as a process of its own: `npx node --import tsx web/main.ts`, or the part `web` of the local stack. */
import { serve } from '@hono/node-server';
import type { Client } from '@temporalio/client';
import { findAddresses } from '../app/addresses.ts';
import { whoami } from '../app/runs/steer.ts';
import { connectTemporal } from '../app/temporal.ts';
import { connect } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';
import { dieWithoutSecrets } from '../process/secrets.ts';
import { importNoTasks } from '../tasks/access.ts';
import { urlHost } from '../process/access.ts';
import { createApp } from './app.tsx';
import { webSettings } from './settings.ts';

dieWithoutSecrets();
importNoTasks();
const settings = webSettings(process.env);
const addresses = findAddresses();
await migrate(addresses.database);
// A page asks several things at once: to log in for each of them anew would take longer than to answer.
const db = connect(addresses.database, 8, 600_000);

let client: Promise<Client> | undefined;
function temporal(): Promise<Client> {
  client ??= connectTemporal(addresses).catch((error: unknown) => {
    client = undefined;
    throw error;
  });
  return client;
}

const app = createApp({ db, settings, temporal, ui: addresses, operator: whoami() });
const server = serve({ fetch: app.fetch, hostname: settings.host, port: settings.port }, ({ port }) => {
  console.log(`web ready: http://${urlHost(settings.host)}:${port}`);
});
server.on('error', (error) => {
  console.error(`The web page cannot listen at ${settings.host}:${settings.port}: ${error.message}`);
  process.exit(1);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // Open pages hold their stream of events for as long as they are open.
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close(() => process.exit(0));
    setTimeout(() => process.exit(0), 2_000).unref();
  });
}
