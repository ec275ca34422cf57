/**
 * A worker process. By default it serves every task queue; RATCHET_QUEUES (a comma-separated list of
 * main, llm, train) makes one for some of them, to run on a machine of its own (docs/scale.md).
 */
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { connect } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';
import { errorText } from '../models/errors.ts';
import { receiveKeys } from '../process/handed-keys.ts';
import { createLog } from '../process/log.ts';
import { payloadCodecs } from '../process/payload-codec.ts';
import { dieWithoutSecrets } from '../process/secrets.ts';
import { startTracing } from '../process/tracing.ts';
import { taskQueues } from '../workflows/names.ts';
import { bundleWorkflows, keptBundle } from './bundle.ts';
import { trackerOf } from './track.ts';
import { createWorkers } from './create.ts';
import { workerEnvironment } from './environment.ts';
import { serveHealth } from './health.ts';
import { exporterOf } from './observe.ts';
import { startSweeper } from './sweeper.ts';

dieWithoutSecrets();
receiveKeys();
const env = workerEnvironment(process.env);
const log = createLog(env.logLevel);
const write = { TRACE: log.trace, DEBUG: log.debug, INFO: log.info, WARN: log.warn, ERROR: log.error };
Runtime.install({
  logger: new DefaultLogger(
    env.logLevel.toUpperCase() as Uppercase<typeof env.logLevel>,
    ({ level, message, meta }) => write[level].call(log, meta ?? {}, message),
  ),
  telemetryOptions: env.metrics ? { metrics: exporterOf(env.metrics) } : {},
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
const codecs = await payloadCodecs();
const connection = await NativeConnection.connect(env.temporal);
workers = await createWorkers({
  connection,
  namespace: env.temporalNamespace,
  db,
  track: await trackerOf(db, process.env),
  queues: env.queues,
  queuePrefix: env.queuePrefix,
  payloadCodecs: codecs,
  workflowBundle: env.queues.includes('main')
    ? await (tracing ? bundleWorkflows(tracing) : keptBundle())
    : undefined,
  slots: env.slots,
  maxCachedWorkflows: env.maxCachedWorkflows,
  deployment: env.deployment,
  tracing,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => workers.forEach((worker) => worker.shutdown()));
}
// Whoever serves the models' queue can reach the models.
const endSweeping = env.queues.includes('llm')
  ? startSweeper({ connection, namespace: env.temporalNamespace, db, payloadCodecs: codecs }, (what, error) =>
      log.warn({ error: errorText(error) }, what),
    )
  : undefined;
const running = Promise.all(workers.map((worker) => worker.run()));
console.log(`worker ready: ${env.queues.map((queue) => taskQueues(env.queuePrefix)[queue]).join(', ')}`);
await running;
endSweeping?.();
await health?.close();
await connection.close();
await db.$client.end();
await tracing?.shutdown();
