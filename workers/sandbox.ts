/**
 * The worker of the queue `ratchet-sandbox`: runs what a model wrote, each piece in a container of its own (docs/sandbox.md). A process
 * apart, since it has no business with the database and the keys of endpoints: its environment holds none, and it keeps none.
 */
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { z } from 'zod';
import { createLog } from '../process/log.ts';
import { payloadCodecs } from '../process/payload-codec.ts';
import { dieWithoutSecrets } from '../process/secrets.ts';
import { queuePrefix, withProfile } from '../process/temporal.ts';
import { taskQueues } from '../workflows/names.ts';
import { createSandboxWorker } from './create.ts';
import { temporalOf, temporalSchema } from './environment.ts';

dieWithoutSecrets();
const given = withProfile(
  Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== '')),
);
const env = temporalSchema
  .extend({ RATCHET_SLOTS_SANDBOX: z.coerce.number().int().min(1).max(1000).optional() })
  .parse(given);
const prefix = queuePrefix(given);
const log = createLog(env.RATCHET_LOG_LEVEL);
// The SDK warns of a worker without workflows, which this is.
Runtime.install({
  logger: new DefaultLogger('ERROR', ({ message, meta }) => log.error(meta ?? {}, message)),
});
const connection = await NativeConnection.connect(temporalOf(given));
const worker = await createSandboxWorker({
  connection,
  namespace: env.TEMPORAL_NAMESPACE,
  slots: env.RATCHET_SLOTS_SANDBOX,
  queuePrefix: prefix,
  payloadCodecs: await payloadCodecs(given),
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => worker.shutdown());
const running = worker.run();
console.log(`worker ready: ${taskQueues(prefix).sandbox}`);
await running;
await connection.close();
