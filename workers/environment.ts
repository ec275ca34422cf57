/** What a worker process reads from its environment: one schema, which the Compose file is checked against. */
import { z } from 'zod';
import { HOLDS_PASSWORD, WITH_PASSWORD } from '../process/endpoint-text.ts';
import type { MetricsTo } from './observe.ts';
import { queuePrefix, temporalSettings, withProfile } from '../process/temporal.ts';
import { requestTimeoutSchema } from '../models/endpoint.ts';

const count = (most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(1).max(most));
const port = count(65_535);

/** Where Temporal is, for every worker. */
export const temporalSchema = z.object({
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_API_KEY: z.string().optional(),
  TEMPORAL_TLS: z.enum(['true', 'false', '1', '0']).optional(),
  TEMPORAL_TLS_CLIENT_CERT_PATH: z.string().optional(),
  TEMPORAL_TLS_CLIENT_CERT_DATA: z.string().optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: z.string().optional(),
  TEMPORAL_TLS_CLIENT_KEY_DATA: z.string().optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: z.string().optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: z.string().optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  /** A profile of Temporal's configuration file, and that file where it is not in its usual place (process/temporal.ts). */
  TEMPORAL_PROFILE: z.string().optional(),
  TEMPORAL_CONFIG_FILE: z.string().optional(),
  /** Before the names of the queues, where installations share a namespace. */
  RATCHET_TASK_QUEUE_PREFIX: z.string().optional(),
  /** A module that encodes what Temporal stores (process/payload-codec.ts). */
  RATCHET_PAYLOAD_CODEC: z.string().optional(),
  RATCHET_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export const workerSchema = temporalSchema
  .extend({
    DATABASE_URL: z.string({ error: 'set it to a PostgreSQL URL, or start everything with `ratchet up`' }),
    /** Read by the PostgreSQL driver where DATABASE_URL holds no password. */
    PGPASSWORD: z.string().optional(),
    RATCHET_DB_CONNECTIONS: count(1000).default(10),
    TEMPORAL_DEPLOYMENT_NAME: z
      .string()
      .regex(/^[^.:/\s]+$/, 'must be a word without ".", ":" and "/"')
      .optional(),
    TEMPORAL_WORKER_BUILD_ID: z.string().optional(),
    RATCHET_VERSIONING: z.enum(['pinned', 'auto-upgrade']).default('auto-upgrade'),
    RATCHET_QUEUES: z
      .string()
      .default('main,llm,train')
      .transform((list) => list.split(',').map((name) => name.trim()))
      .pipe(z.array(z.enum(['main', 'llm', 'train'])).min(1)),
    RATCHET_SLOTS_MAIN: count(10_000).optional(),
    RATCHET_SLOTS_LLM: count(10_000).optional(),
    RATCHET_SLOTS_TRAIN: count(1000).optional(),
    RATCHET_MAX_CACHED_WORKFLOWS: count(100_000).optional(),
    RATCHET_HEALTH_PORT: port.optional(),
    RATCHET_HEALTH_HOST: z.string().default('127.0.0.1'),
    /** Prometheus metrics at /metrics (docs/observability.md). */
    RATCHET_METRICS_PORT: port.optional(),
    RATCHET_METRICS_HOST: z.string().default('127.0.0.1'),
    /** Traces go there (process/tracing.ts). */
    OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
    /** Metrics too, where it is set and no port is (workers/observe.ts). */
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: z.string().optional(),
    OTEL_METRICS_EXPORTER: z.string().optional(),
    RATCHET_REQUEST_TIMEOUT_MS: requestTimeoutSchema,
    /** Where runs are tracked (app/tracking/mlflow.ts). */
    RATCHET_MLFLOW_URI: z.string().optional(),
    MLFLOW_TRACKING_URI: z.string().optional(),
    MLFLOW_TRACKING_TOKEN: z.string().optional(),
    MLFLOW_TRACKING_USERNAME: z.string().optional(),
    MLFLOW_TRACKING_PASSWORD: z.string().optional(),
    /** Folders of tasks (tasks/access.ts), by the separator of PATH. */
    RATCHET_TASKS: z.string().optional(),
    /** Folder of rows that commands of tasks made (tasks/data/kept.ts), shared where workers run on several machines. */
    RATCHET_ROWS: z.string().optional(),
    /** The Python that reads data sets by name, with the package datasets. */
    RATCHET_PYTHON: z.string().optional(),
    /** Names of variables that a task's commands get beside the usual ones (tasks/data/command.ts). */
    RATCHET_PASS: z.string().optional(),
    /** Which keys go where (models/keys.ts). */
    RATCHET_KEYS: z.string().optional(),
    /** The data folder of a local stack: what its user has allowed stands there. */
    RATCHET_HOME: z.string().optional(),
    /** Read where a run names no endpoint (models/endpoint.ts). */
    MODEL_BASE_URL: z
      .url({ protocol: /^https?$/, error: 'must be an OpenAI-compatible base URL ending in /v1' })
      .refine((url) => !WITH_PASSWORD.test(url), HOLDS_PASSWORD)
      .optional(),
  })
  .superRefine((env, context) => {
    const { TEMPORAL_DEPLOYMENT_NAME: name, TEMPORAL_WORKER_BUILD_ID: build } = env;
    if (Boolean(name) === Boolean(build)) return;
    const [missing, given] = name
      ? ['TEMPORAL_WORKER_BUILD_ID', 'TEMPORAL_DEPLOYMENT_NAME']
      : ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'];
    const message = `missing, but ${given} is set: a versioned worker needs both, an unversioned one neither`;
    context.addIssue({ code: 'custom', path: [missing!], message });
  });

/** By Prometheus where a port is given, else by OTLP where a collector is; OTEL_METRICS_EXPORTER chooses where both are. */
function metricsOf(e: z.output<typeof workerSchema>): MetricsTo | undefined {
  const base = e.OTEL_EXPORTER_OTLP_ENDPOINT;
  const collector =
    e.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? (base && `${base.replace(/\/+$/, '')}/v1/metrics`);
  const chosen = e.OTEL_METRICS_EXPORTER;
  if (chosen === 'none') return undefined;
  if (e.RATCHET_METRICS_PORT && chosen !== 'otlp')
    return { prometheus: `${e.RATCHET_METRICS_HOST}:${e.RATCHET_METRICS_PORT}` };
  return collector ? { otlp: collector } : undefined;
}

/** For a worker, whose address has a default. @throws Error naming what can't be used */
export function temporalOf(env: NodeJS.ProcessEnv) {
  const { address, credentials } = temporalSettings(env);
  return { address: address ?? temporalSchema.parse({}).TEMPORAL_ADDRESS, ...credentials };
}

/**
 * What a worker reads from its environment. A variable that is set to nothing counts as not set, as Compose
 * files write it. @throws Error naming every bad variable
 */
export function workerEnvironment(env: NodeJS.ProcessEnv) {
  const given = withProfile(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  const parsed = workerSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The worker's environment is not usable:\n  ${problems.join('\n  ')}`);
  }
  const e = parsed.data;
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = e;
  return {
    databaseUrl: e.DATABASE_URL,
    databaseConnections: e.RATCHET_DB_CONNECTIONS,
    temporal: temporalOf(given),
    queuePrefix: queuePrefix(given),
    temporalNamespace: e.TEMPORAL_NAMESPACE,
    deployment:
      deploymentName && buildId ? { deploymentName, buildId, versioning: e.RATCHET_VERSIONING } : undefined,
    logLevel: e.RATCHET_LOG_LEVEL,
    queues: e.RATCHET_QUEUES,
    slots: { main: e.RATCHET_SLOTS_MAIN, llm: e.RATCHET_SLOTS_LLM, train: e.RATCHET_SLOTS_TRAIN },
    maxCachedWorkflows: e.RATCHET_MAX_CACHED_WORKFLOWS,
    metrics: metricsOf(e),
    health: e.RATCHET_HEALTH_PORT ? { host: e.RATCHET_HEALTH_HOST, port: e.RATCHET_HEALTH_PORT } : undefined,
  };
}
