import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { checkDatabaseUrl } from './connect.ts';

/** Any constant will do, as long as every version of the program uses the same. */
const LOCK = 7_223_411;

/**
 * Brings the database to the newest schema. Safe to call from many processes at once: drizzle's migrator
 * reads the last migration outside its transaction and takes no lock, so we hold an advisory one.
 */
export async function migrate(url: string): Promise<void> {
  checkDatabaseUrl(url);
  const client = await connectWhenUp(url);
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));
    await runMigrations(drizzle(client), { migrationsFolder });
  } finally {
    // Ending the session releases the lock, also after an error.
    await client.end();
  }
}

/** How long a server that is starting up or recovering from a crash is waited for. */
const PATIENCE_MS = 60_000;
const CANNOT_CONNECT_NOW = '57P03';

async function connectWhenUp(url: string): Promise<pg.Client> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return client;
    } catch (error) {
      const starting = error instanceof pg.DatabaseError && error.code === CANNOT_CONNECT_NOW;
      if (!starting || Date.now() > deadline) throw error;
      await sleep(250);
    }
  }
}
