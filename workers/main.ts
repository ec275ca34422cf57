/**
 * A worker process. By default it serves every task queue; RATCHET_QUEUES (a comma-separated list of
 * main, llm, train) makes one for some of them, to run on a machine of its own (docs/scale.md).
 */
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { connect } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { TASK_QUEUE } from '../workflows/names.ts';
import { bundleWorkflows, createWorkers } from './create.ts';
import { workerEnvironment } from './environment.ts';
import { serveHealth } from './health.ts';
import { prometheus } from './observe.ts';

const env = workerEnvironment(process.env);
const log = pino({ level: env.logLevel });
const write = { TRACE: log.trace, DEBUG: log.debug, INFO: log.info, WARN: log.warn, ERROR: log.error };
Runtime.install({
  logger: new DefaultLogger(
    env.logLevel.toUpperCase() as Uppercase<typeof env.logLevel>,
    ({ level, message, meta }) => write[level].call(log, meta ?? {}, message),
  ),
  telemetryOptions: env.metrics ? { metrics: prometheus(env.metrics) } : {},
});
const tracing = await startTracing('ratchet-worker');

let workers: Worker[] = [];
const health =
  env.health &&
  (await serveHealth(env.health, () =>
    workers.map((worker) => ({ queue: worker.options.taskQueue, state: worker.getState() })),
  ));

await migrate(env.databaseUrl);
const db = connect(env.databaseUrl, env.databaseConnections);
const connection = await NativeConnection.connect(env.temporal);
workers = await createWorkers({
  connection,
  namespace: env.temporalNamespace,
  db,
  queues: env.queues,
  workflowBundle: env.queues.includes('main') ? await bundleWorkflows(tracing) : undefined,
  slots: env.slots,
  maxCachedWorkflows: env.maxCachedWorkflows,
  deployment: env.deployment,
  tracing,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => workers.forEach((worker) => worker.shutdown()));
}
const running = Promise.all(workers.map((worker) => worker.run()));
console.log(`worker ready: ${env.queues.map((queue) => TASK_QUEUE[queue]).join(', ')}`);
await running;
await health?.close();
await connection.close();
await db.$client.end();
await tracing?.shutdown();
