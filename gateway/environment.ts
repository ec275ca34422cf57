/** What the gateway reads from its environment: one schema. The flags of `ratchet serve` set these variables. */
import { z } from 'zod';
import { withProfile } from '../process/temporal.ts';
import { bareHost, isLoopback } from '../process/access.ts';
import { REDACTED_KINDS, type RedactedKind } from '../process/redact.ts';

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(least).max(most));

export const gatewaySchema = z.object({
  DATABASE_URL: z.string({ error: 'set it to a PostgreSQL URL, or start everything with `ratchet up`' }),
  RATCHET_GATEWAY_HOST: z.string().default('127.0.0.1'),
  RATCHET_GATEWAY_PORT: whole(0, 65_535).default(8300),
  /** Clients send it as their API key. Demanded where the host is not this machine alone. */
  RATCHET_GATEWAY_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  /** Tasks whose prompts and answers are stored, or `all`; none by default. */
  RATCHET_GATEWAY_STORE: z
    .string()
    .default('')
    .transform((list) =>
      list
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    ),
  /** What is taken out of stored texts: `none`, or some of the built-in patterns. */
  RATCHET_GATEWAY_REDACT: z
    .string()
    .default('email,phone,card')
    .transform((list) =>
      list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && name !== 'none'),
    )
    .pipe(z.array(z.enum(REDACTED_KINDS))),
  /** Path of a module with a redaction of your own. */
  RATCHET_GATEWAY_REDACT_MODULE: z.string().optional(),
  RATCHET_GATEWAY_MAX_BODY_BYTES: whole(1024, 1_000_000_000).default(4_000_000),
  /** The longest the endpoint may be silent: before its answer, and between two pieces of a stream. */
  RATCHET_GATEWAY_TIMEOUT_MS: whole(100, 1_800_000).default(300_000),
  /** How often to look for a promotion that was not announced. */
  RATCHET_GATEWAY_REFRESH_MS: whole(50, 600_000).default(2000),
  /** Prometheus metrics at /metrics (docs/observability.md). */
  RATCHET_GATEWAY_METRICS_PORT: whole(0, 65_535).optional(),
  RATCHET_GATEWAY_METRICS_HOST: z.string().default('127.0.0.1'),
  /** Where the workflows run: for answers that adapt to their prompt (`TASK+ttt`). */
  TEMPORAL_ADDRESS: z.string().optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  /** Traces go there (process/tracing.ts). */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  RATCHET_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export type GatewaySettings = {
  databaseUrl: string;
  host: string;
  port: number;
  token: string | undefined;
  stores(task: string): boolean;
  redact: RedactedKind[];
  redactModule: string | undefined;
  maxBodyBytes: number;
  timeoutMs: number;
  refreshMs: number;
  metrics: { host: string; port: number } | undefined;
  temporal: { temporal: string; namespace: string } | undefined;
  logLevel: string;
};

/** @throws Error naming every bad variable, and an open address without a token */
export function gatewaySettings(env: NodeJS.ProcessEnv): GatewaySettings {
  const given = withProfile(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  const parsed = gatewaySchema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (parsed.success) {
    const { RATCHET_GATEWAY_HOST: host, RATCHET_GATEWAY_TOKEN: token } = parsed.data;
    if (!isLoopback(host) && !token)
      problems.push(
        `RATCHET_GATEWAY_TOKEN: missing, but RATCHET_GATEWAY_HOST=${host} can be reached by others; make one with: openssl rand -hex 24`,
      );
  }
  if (!parsed.success || problems.length > 0)
    throw new Error(`The gateway's environment is not usable:\n  ${problems.join('\n  ')}`);
  const e = parsed.data;
  const stored = new Set(e.RATCHET_GATEWAY_STORE);
  return {
    databaseUrl: e.DATABASE_URL,
    host: bareHost(e.RATCHET_GATEWAY_HOST),
    port: e.RATCHET_GATEWAY_PORT,
    token: e.RATCHET_GATEWAY_TOKEN,
    stores: (task) => stored.has('all') || stored.has(task),
    redact: e.RATCHET_GATEWAY_REDACT,
    redactModule: e.RATCHET_GATEWAY_REDACT_MODULE,
    maxBodyBytes: e.RATCHET_GATEWAY_MAX_BODY_BYTES,
    timeoutMs: e.RATCHET_GATEWAY_TIMEOUT_MS,
    refreshMs: e.RATCHET_GATEWAY_REFRESH_MS,
    metrics:
      e.RATCHET_GATEWAY_METRICS_PORT === undefined
        ? undefined
        : { host: bareHost(e.RATCHET_GATEWAY_METRICS_HOST), port: e.RATCHET_GATEWAY_METRICS_PORT },
    temporal:
      e.TEMPORAL_ADDRESS === undefined
        ? undefined
        : { temporal: e.TEMPORAL_ADDRESS, namespace: e.TEMPORAL_NAMESPACE },
    logLevel: e.RATCHET_LOG_LEVEL,
  };
}
