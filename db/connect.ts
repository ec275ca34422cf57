import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import * as schema from './schema.ts';
import { storableText } from './storable.ts';

export type Db = NodePgDatabase<typeof schema> & { $client: pg.Pool };

/**
 * Opens a connection pool. `url` defaults to DATABASE_URL; a connection that nobody used for `idleMs` is closed.
 * The pool survives a restart of PostgreSQL: a client that breaks is dropped and replaced.
 */
export function connect(url = process.env.DATABASE_URL, max = 10, idleMs = 10_000): Db {
  if (!url) throw new Error('No database: set DATABASE_URL, or start the local stack with `ratchet up`.');
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: idleMs,
  });
  // Without a listener, the error of a client would end the process: of an idle one, and of one that is in use by a
  // transaction, whose query fails with the same error anyway.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    storeAnyText(client);
  });
  return drizzle(pool, { schema });
}

type Query = (query: unknown, values?: unknown, callback?: unknown) => unknown;

/** Cleans the texts among a query's parameters, whoever sends it; see storable.ts. */
function storeAnyText(client: pg.ClientBase): void {
  const query = client.query.bind(client) as Query;
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return storableText(value);
    return Array.isArray(value) ? value.map(clean) : value;
  };
  client.query = ((first: unknown, second: unknown, third: unknown) => {
    const { values } = (first ?? {}) as { values?: unknown };
    const cleaned = Array.isArray(values) ? Object.assign(first as object, { values: clean(values) }) : first;
    return query(cleaned, Array.isArray(second) ? clean(second) : second, third);
  }) as typeof client.query;
}
