/** The process behind `ratchet serve` and the part `gateway` of the stack. */
import { migrate } from '../db/migrate.ts';
import { receiveKeys } from '../process/handed-keys.ts';
import { createLog } from '../process/log.ts';
import { dieWithoutSecrets, redacted, saidBy } from '../process/secrets.ts';
import { gatewaySettings } from './environment.ts';
import { startTracing } from '../process/tracing.ts';
import { startGateway } from './server.ts';

dieWithoutSecrets();
try {
  receiveKeys();
  const settings = gatewaySettings(process.env);
  const log = createLog(settings.logLevel);
  await migrate(settings.databaseUrl);
  const tracing = await startTracing('ratchet-gateway');
  const gateway = await startGateway(settings, log);
  if (gateway.metrics) log.info({ address: gateway.metrics }, 'metrics');
  console.log(`gateway ready: ${gateway.address}/v1`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void gateway
        .close()
        .then(() => tracing?.shutdown())
        .finally(() => process.exit(0));
    });
  }
} catch (error) {
  process.stderr.write(`✗ ${error instanceof Error ? saidBy(error) : redacted(String(error))}\n`);
  process.exit(1);
}
