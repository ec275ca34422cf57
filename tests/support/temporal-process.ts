import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { searchAttributes } from '../../stack/temporal.ts';
import { findTemporal } from '../../stack/temporal-binary.ts';
import { until } from './wait.ts';

export type TemporalProcess = { address: string; stop(): Promise<void> };

/**
 * A dev server as the stack runs it, with its histories in a file, so that it can be stopped and started again.
 *
 * @param uiPort where its Web UI listens; without one it has none
 */
export async function startTemporalProcess(
  dbFile: string,
  port: number,
  uiPort?: number,
): Promise<TemporalProcess> {
  const program = await findTemporal({
    home: process.env.RATCHET_HOME ?? join(homedir(), '.ratchet'),
    env: process.env,
    info: () => {},
  });
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type}`,
  ]);
  const child = spawn(
    program,
    ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port)].concat(
      uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)],
      ['--db-filename', dbFile, '--log-level', 'never'],
      attributes,
    ),
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const address = `127.0.0.1:${port}`;
  await until('the Temporal server', async () => {
    if (child.exitCode !== null) throw new Error(`the Temporal server ended with ${child.exitCode}`);
    try {
      const connection = await Connection.connect({ address, connectTimeout: '1s' });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      return true;
    } catch {
      return false;
    }
  });
  return {
    address,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
