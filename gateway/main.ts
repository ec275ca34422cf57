/** The process behind `ratchet serve` and the part `gateway` of the stack. */
import { pino } from 'pino';
import { migrate } from '../db/migrate.ts';
import { gatewaySettings } from './environment.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { startGateway } from './server.ts';

try {
  const settings = gatewaySettings(process.env);
  const log = pino({ level: settings.logLevel });
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
  process.stderr.write(`✗ ${(error as Error).message}\n`);
  process.exit(1);
}
