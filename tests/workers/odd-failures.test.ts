/** Half a surrogate pair in a failure's text is no UTF-8: the SDK's core takes it for a broken worker and ends the process. */
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleWorkflows } from '../../workers/bundle.ts';
import { createWorkers } from '../../workers/create.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { startTemporal } from '../support/temporal.ts';

let temporal: TestWorkflowEnvironment;
let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  [temporal, database] = await Promise.all([startTemporal(), createTestDatabase()]);
}, 120_000);

afterAll(async () => {
  await temporal?.teardown();
  await database?.drop();
});

/** The message at the root of what the promise fails with. */
async function rootMessage(failing: Promise<unknown>): Promise<string> {
  const error = await failing.then(
    () => new Error('it did not fail'),
    (thrown: Error) => thrown,
  );
  let root: Error = error;
  while (root.cause instanceof Error) root = root.cause;
  return root.message;
}

it.each(['workflow', 'activity', 'update'] as const)(
  'a text with half a surrogate pair in the failure of %s ends that, and no worker',
  async (where) => {
    const text = 'cut \ud83d and \udfff here';
    const [worker] = await createWorkers({
      connection: temporal.nativeConnection,
      namespace: 'default',
      db: database.db,
      queues: ['main'],
      workflowBundle: await bundleWorkflows(
        undefined,
        fileURLToPath(new URL('./fixtures/odd-failures.ts', import.meta.url)),
      ),
    });
    await worker!.runUntil(async () => {
      const handle = await temporal.client.workflow.start('odd', {
        taskQueue: TASK_QUEUE.main,
        workflowId: `odd-${where}`,
        args: [text, where],
      });
      const failing = where === 'update' ? handle.executeUpdate('say', { args: [text] }) : handle.result();
      expect(await rootMessage(failing)).toContain('cut \ufffd and \ufffd here');
      if (where === 'update') await handle.terminate();
    });
    expect(worker!.getState()).toBe('STOPPED');
  },
  60_000,
);
