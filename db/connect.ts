import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import * as schema from './schema.ts';
import { withoutSecrets } from '../process/secrets.ts';
import { storableText } from './storable.ts';

export type Db = NodePgDatabase<typeof schema> & { $client: pg.Pool };

/** Longest a statement may run, and a transaction wait for its next one: far above the largest report. */
const STATEMENT_MS = 5 * 60_000;
/** How much longer an answer is waited for: the server's own limit comes first, where there still is a server. */
const SILENCE_MS = 30_000;

/**
 * Opens a connection pool. `url` defaults to DATABASE_URL; a connection that nobody used for `idleMs` is closed.
 * The pool survives a restart of PostgreSQL: a client that breaks is dropped and replaced. No query waits for ever: the server
 * ends one after `statementMs`, and where no answer comes at all (a dropped connection) it fails `silenceMs` later.
 */
export function connect(
  url = process.env.DATABASE_URL,
  max = 10,
  idleMs = 10_000,
  { statementMs = STATEMENT_MS, silenceMs = SILENCE_MS } = {},
): Db {
  if (!url) throw new Error('No database: set DATABASE_URL, or start the local stack with `ratchet up`.');
  checkDatabaseUrl(url);
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: idleMs,
    keepAlive: true,
    query_timeout: statementMs + silenceMs,
    // Not among the start-up parameters: poolers between us and the server refuse those that they don't know. The pool waits
    // for it, as its types do not say yet.
    // oxlint-disable-next-line typescript/no-misused-promises
    onConnect: async (client: pg.ClientBase) => {
      await client.query(
        `set statement_timeout = ${statementMs}; set idle_in_transaction_session_timeout = ${statementMs}`,
      );
    },
  } as pg.PoolConfig);
  // Without a listener, the error of a client would end the process: of an idle one, and of one that is in use by a
  // transaction, whose query fails with the same error anyway.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    storeAnyText(client);
  });
  return drizzle(pool, { schema });
}

/** @throws Error that names the variable and quotes nothing of it */
export function checkDatabaseUrl(url: string): void {
  if (/^(\/|socket:)/.test(url) || (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url))) return;
  throw new Error(
    'DATABASE_URL is no address of a PostgreSQL database: write it as postgresql://USER:PASSWORD@HOST:PORT/NAME, with odd characters of the password as %XX (encodeURIComponent), or leave the password to PGPASSWORD.',
  );
}

type Query = (query: unknown, values?: unknown, callback?: unknown) => unknown;

/** Cleans the texts among a query's parameters, whoever sends it; see storable.ts. */
function storeAnyText(client: pg.ClientBase): void {
  const query = client.query.bind(client) as Query;
  const clean = (value: unknown): unknown => {
    // Whatever is stored has been through here: no key of this process may stand in it.
    if (typeof value === 'string') return withoutSecrets(storableText(value));
    return Array.isArray(value) ? value.map(clean) : value;
  };
  client.query = ((first: unknown, second: unknown, third: unknown) => {
    const { values } = (first ?? {}) as { values?: unknown };
    const cleaned = Array.isArray(values) ? Object.assign(first as object, { values: clean(values) }) : first;
    const done = query(cleaned, Array.isArray(second) ? clean(second) : second, third);
    if (done instanceof Promise) done.catch((error: unknown) => endSilent(client, error));
    return done;
  }) as typeof client.query;
}

/** pg gives the query up and keeps the connection, on which all that follows would wait as long again. */
function endSilent(client: pg.ClientBase, error: unknown): void {
  if (!(error instanceof Error) || error.message !== 'Query read timeout') return;
  const { connection } = client as unknown as { connection?: { stream?: { destroy(cause: Error): void } } };
  connection?.stream?.destroy(new Error('the database did not answer in time'));
}
