/**
 * Where Temporal is and how one gets in, as all of Temporal's SDKs and its CLI have it: the TEMPORAL_* variables, over a profile of
 * Temporal's configuration file where TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE asks for one (docs/temporal.md).
 *
 * Covers: address, namespace, TLS with client certificates, server name and API key; that credentials go to the server that they were
 * given for, and not to a local dev server. Does not cover: TEMPORAL_CODEC_*, which are the CLI's (payload-codec.ts has ours).
 */
import { existsSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { grpcOptions } from './proxy.ts';

export type TemporalSettings = {
  /** `host:port`; undefined where nothing names one. */
  address: string | undefined;
  namespace: string;
  credentials: Pick<
    ReturnType<typeof loadClientConnectConfig>['connectionOptions'],
    'apiKey' | 'tls' | 'metadata'
  >;
};

/** Beside the address and the namespace, all that says how to get in: what a server of our own must not see. */
export const CREDENTIALS = /^TEMPORAL_(API_KEY|TLS|TLS_\w+|GRPC_META_\w+|PROFILE|CONFIG_FILE)$/;

const PAIR = ['TEMPORAL_TLS_CLIENT_CERT', 'TEMPORAL_TLS_CLIENT_KEY'] as const;

/** @throws Error naming the variable, the profile or the file that can't be used */
export function temporalSettings(env: NodeJS.ProcessEnv = process.env): TemporalSettings {
  // Compose files write a variable that is not set as an empty one.
  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  const { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: profile } = given;
  if (file && !existsSync(file)) throw new Error(`TEMPORAL_CONFIG_FILE: there is no file ${file}`);
  const has = (name: string) => [`${name}_PATH`, `${name}_DATA`].some((one) => given[one]);
  const missing = PAIR.filter((name) => !has(name));
  if (missing.length === 1 && !profile && !file)
    throw new Error(
      `${missing[0]}_PATH: missing, but ${PAIR.find((name) => name !== missing[0])}_… is set: a client certificate needs its key`,
    );
  const { connectionOptions, namespace } = loaded(given, !profile && !file);
  const { address, apiKey, tls, metadata } = connectionOptions;
  return {
    address,
    namespace: namespace ?? 'default',
    credentials: {
      ...(apiKey ? { apiKey } : {}),
      // An API key travels in a header, so it implies TLS.
      ...(tls || apiKey ? { tls: tls || true } : {}),
      ...(metadata ? { metadata } : {}),
    },
  };
}

/**
 * The file that `temporal config` writes is read only where it is asked for: a profile made for the CLI must not turn the local stack of
 * a user to a server somewhere else.
 */
function loaded(env: Record<string, string>, disableFile: boolean) {
  try {
    return loadClientConnectConfig({ overrideEnvVars: env, disableFile });
  } catch (error) {
    const asked = ['TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE']
      .filter((name) => env[name])
      .map((name) => `${name}=${env[name]}`)
      .join(', ');
    throw new Error(
      `Temporal's settings can't be used${asked && ` (${asked})`}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Options of a connection to a server. Credentials go along where it is the one that they were given for. */
export function connectionOptions(address: string, env: NodeJS.ProcessEnv = process.env) {
  const settings = temporalSettings(env);
  return {
    address,
    ...grpcOptions(address),
    ...(settings.address === address ? settings.credentials : {}),
  };
}

/** The environment with the address and the namespace of its profile, for whoever reads these two variables. */
export function withProfile<E extends NodeJS.ProcessEnv>(env: E): E {
  if (!env.TEMPORAL_PROFILE && !env.TEMPORAL_CONFIG_FILE) return env;
  const { address, namespace } = temporalSettings(env);
  return { ...env, ...(address ? { TEMPORAL_ADDRESS: address } : {}), TEMPORAL_NAMESPACE: namespace };
}

/** Stands before the names of the task queues, so that installations share a namespace. @throws Error where it is no such word */
export function queuePrefix(env: NodeJS.ProcessEnv = process.env): string {
  const prefix = env.RATCHET_TASK_QUEUE_PREFIX ?? '';
  if (!/^[\w.-]{0,64}$/.test(prefix))
    throw new Error(
      'RATCHET_TASK_QUEUE_PREFIX: give at most 64 letters, digits, "-", "_" and ".", as in team-a',
    );
  return prefix;
}
