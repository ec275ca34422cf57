// Temporal with its Web UI: the user's (TEMPORAL_ADDRESS, or TEMPORAL_PROFILE), else a dev server whose histories are in the data folder.
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectionOptions, CREDENTIALS } from '../process/temporal.ts';
import { SEARCH_ATTRIBUTE } from '../workflows/names.ts';
import { logFile } from './home.ts';
import type { ExternalPart, LocalPart, Part, PartContext } from './part.ts';
import { findTemporal } from './temporal-binary.ts';
import { hiddenAddress, startUiProxy } from './ui-proxy.ts';

/** Few and low-cardinality: what one filters runs by in the UI's list. */
export const searchAttributes = {
  [SEARCH_ATTRIBUTE.task]: 'Keyword',
  [SEARCH_ATTRIBUTE.stage]: 'Keyword',
  [SEARCH_ATTRIBUTE.iteration]: 'Int',
  [SEARCH_ATTRIBUTE.decision]: 'Keyword',
  [SEARCH_ATTRIBUTE.targetAccuracy]: 'Double',
} as const;

const valueType = proto.temporal.api.enums.v1.IndexedValueType;
const indexedTypes = {
  Keyword: valueType.INDEXED_VALUE_TYPE_KEYWORD,
  Int: valueType.INDEXED_VALUE_TYPE_INT,
  Double: valueType.INDEXED_VALUE_TYPE_DOUBLE,
};

export async function temporalPart(context: PartContext): Promise<Part> {
  const namespace = context.env.TEMPORAL_NAMESPACE || 'default';
  const configured = context.env.TEMPORAL_ADDRESS;
  return configured
    ? externalTemporal(configured, namespace, context.env)
    : localTemporal(context, namespace);
}

function externalTemporal(address: string, namespace: string, env: NodeJS.ProcessEnv): ExternalPart {
  const part: ExternalPart = {
    kind: 'external',
    address,
    env: {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      ...(env.TEMPORAL_UI_URL ? { TEMPORAL_UI_URL: env.TEMPORAL_UI_URL } : {}),
    },
    ready: async () => {
      const connection = await connect(address, env).catch((error: Error) => {
        throw new Error(
          `Temporal at ${address} (TEMPORAL_ADDRESS) does not answer: ${error.message}. Start it or correct the address, or unset TEMPORAL_ADDRESS to use the local dev server. Temporal Cloud needs TEMPORAL_API_KEY or a client certificate, a server behind TLS TEMPORAL_TLS=true (docs/temporal.md).`,
        );
      });
      try {
        await requireNamespace(connection, namespace, address);
        const missing = await registerSearchAttributes(connection, namespace);
        if (missing) part.note = missing;
        return await serverVersion(connection);
      } finally {
        await connection.close();
      }
    },
  };
  return part;
}

async function localTemporal(context: PartContext, namespace: string): Promise<LocalPart> {
  const { home, ports } = context;
  const binary = await findTemporal({ env: context.env, home, info: context.info, signal: context.signal });
  const address = `127.0.0.1:${ports.temporal}`;
  const ui = `http://127.0.0.1:${ports.temporalUi}`;
  const hidden = await hiddenAddress();
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(ports.temporal),
    '--ui-ip',
    hidden.host,
    '--ui-port',
    String(hidden.port),
    // Its HTTP API asks for no token and takes what any page may send: it answers under a name that nobody knows or can have.
    '--dynamic-config-value',
    `frontend.httpAllowedHosts=["${randomUUID()}.invalid"]`,
    ...fairnessArgs(home),
  ];
  args.push('--db-filename', join(home, 'temporal.db'), '--log-level', 'warn');
  if (namespace !== 'default') args.push('--namespace', namespace);
  for (const [name, type] of Object.entries(searchAttributes))
    args.push('--search-attribute', `${name}=${type}`);
  return {
    kind: 'local',
    address,
    note: `with its UI at ${ui}`,
    env: {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_UI_URL: ui,
      // Those of another server, which this one would not understand.
      ...Object.fromEntries(
        Object.keys(context.env)
          .filter((name) => CREDENTIALS.test(name))
          .map((name) => [name, '']),
      ),
    },
    spec: {
      command: binary,
      args,
      logFile: logFile(home, 'temporal'),
      stopSignal: 'SIGTERM',
      graceMs: 15_000,
    },
    readyTimeoutMs: 60_000,
    beside: () => startUiProxy(ports.temporalUi!, hidden),
    ready: async () => {
      const connection = await connect(address, {});
      try {
        await requireNamespace(connection, namespace, address);
        const missing = await registerSearchAttributes(connection, namespace);
        if (missing) throw new Error(missing);
        const response = await fetch(ui, { signal: AbortSignal.timeout(3000) });
        if (!response.ok) throw new Error(`the UI answers ${response.status}`);
        return await serverVersion(connection);
      } finally {
        await connection.close();
      }
    },
  };
}

/** What has a server hand out work by its fairness keys: runs share the workers evenly. */
export const FAIRNESS = ['--dynamic-config-value', 'matching.enableFairness=true'] as const;

/**
 * A server keeps what waits for workers in another table then, and does not look into the one before: a data folder that began without
 * stays without, since it may hold such work.
 */
function fairnessArgs(home: string): readonly string[] {
  const [database, mark] = [join(home, 'temporal.db'), join(home, 'temporal.fair')];
  if (existsSync(database) && !existsSync(mark)) return [];
  writeFileSync(mark, '');
  return FAIRNESS;
}

/** Connects with what the environment, or its profile, says of this server. */
export const connect = (address: string, env: NodeJS.ProcessEnv): Promise<Connection> =>
  Connection.connect({ ...connectionOptions(address, env), connectTimeout: '5s' });

async function serverVersion(connection: Connection): Promise<string> {
  const { serverVersion: version } = await connection.workflowService.getSystemInfo({});
  return version ?? '';
}

async function requireNamespace(connection: Connection, namespace: string, address: string): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (!(error as Error).message.includes('not found')) throw error;
    throw new Error(
      `Temporal at ${address} has no namespace ${namespace}. Make it with: temporal operator namespace create --address ${address} --namespace ${namespace}, or set TEMPORAL_NAMESPACE to one that exists.`,
    );
  }
}

/**
 * Registers what is missing; asking again is harmless. Where the server does not let us (Temporal Cloud), answers what
 * the user must register by hand, else undefined.
 */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<string | undefined> {
  let missing = Object.entries(searchAttributes);
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    missing = missing.filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return undefined;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, indexedTypes[type]])),
    });
    return undefined;
  } catch (error) {
    if ((error as Error).message.includes('already exist')) return undefined;
    return `search attributes could not be registered (${(error as Error).message}); register them by hand: ${missing
      .map(([name, type]) => `temporal operator search-attribute create --name ${name} --type ${type}`)
      .join('; ')}`;
  }
}

/** Asks the server for its version; throws when it does not answer. */
export async function probeTemporal(address: string, env: NodeJS.ProcessEnv): Promise<string> {
  const connection = await connect(address, env);
  try {
    return await serverVersion(connection);
  } finally {
    await connection.close();
  }
}
