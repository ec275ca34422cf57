import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { Command } from 'commander';
import { migrate } from '../../db/migrate.ts';
import { findAddresses } from '../../app/addresses.ts';
import { errorMessage } from '../../process/errors.ts';
import { connect, registerSearchAttributes } from '../../stack/temporal.ts';

/** How long servers that have just been started get to answer. */
const PATIENCE_MS = 120_000;

/** Runs last for weeks; their histories should outlast the look at them. */
const RETENTION = '30 days';

/**
 * For servers that `ratchet up` did not start (containers, Kubernetes, Temporal Cloud): brings the database to
 * the newest schema and makes the namespace and its search attributes where they are missing. Doing it again
 * changes nothing.
 */
export function addSetupCommand(program: Command): void {
  program
    .command('setup', { hidden: true })
    .description('prepare DATABASE_URL and TEMPORAL_ADDRESS for workers')
    .action(async () => {
      const addresses = findAddresses();
      await patiently('PostgreSQL', () => migrate(addresses.database));
      console.log('database: at the newest schema');
      const { temporal, namespace } = addresses;
      const connection = await patiently(`Temporal at ${temporal}`, () => connect(temporal, process.env));
      try {
        const made = await patiently('Temporal', () => ensureNamespace(connection, namespace));
        console.log(`namespace ${namespace}: ${made ? 'made' : 'there already'}`);
        // A new namespace is known everywhere only after the server's caches have been read again.
        const left = await patiently(`the namespace ${namespace}`, () =>
          requireSearchAttributes(connection, namespace),
        );
        console.log(`search attributes: ${left ?? 'registered'}`);
      } finally {
        await connection.close();
      }
    });
}

/** Tries again until it succeeds. @throws Error with the last reason when PATIENCE_MS are over */
async function patiently<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`${what} is not usable after ${PATIENCE_MS / 1000} s: ${errorMessage(error)}`);
      await sleep(1000);
    }
  }
}

/** Answers whether it had to be made. */
async function ensureNamespace(connection: Connection, namespace: string): Promise<boolean> {
  const NOT_FOUND = 5;
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return false;
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error;
  }
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(RETENTION),
  });
  return true;
}

/** @returns what is left for a person to do, where the server lets nobody register them by call, as Temporal Cloud */
async function requireSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<string | undefined> {
  const missing = await registerSearchAttributes(connection, namespace);
  if (missing && !/PERMISSION_DENIED|UNIMPLEMENTED/.test(missing)) throw new Error(missing);
  return missing;
}
