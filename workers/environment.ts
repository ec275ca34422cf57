import { z } from 'zod';
import { requestTimeoutSchema } from '../models/endpoint.ts';

const schema = z.object({
  DATABASE_URL: z.string().min(1, 'set it to a PostgreSQL URL, or start everything with `ratchet up`'),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  RATCHET_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  RATCHET_REQUEST_TIMEOUT_MS: requestTimeoutSchema,
  RATCHET_QUEUES: z
    .string()
    .default('main,llm,train')
    .transform((list) => list.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(['main', 'llm', 'train'])).min(1)),
});

/** What a worker reads from its environment. @throws Error naming every bad variable */
export function workerEnvironment(env: NodeJS.ProcessEnv) {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The worker's environment is not usable:\n  ${problems.join('\n  ')}`);
  }
  const e = parsed.data;
  return {
    databaseUrl: e.DATABASE_URL,
    temporalAddress: e.TEMPORAL_ADDRESS,
    temporalNamespace: e.TEMPORAL_NAMESPACE,
    logLevel: e.RATCHET_LOG_LEVEL,
    queues: e.RATCHET_QUEUES,
  };
}
