/** A deploy whose workflow code does not fit open runs: they wait for the roll-back, none fails. */
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleWorkflows } from '../../workers/bundle.ts';
import { createWorkers } from '../../workers/create.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { startTemporal } from '../support/temporal.ts';
import { until } from '../support/wait.ts';

let temporal: TestWorkflowEnvironment;
let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  [temporal, database] = await Promise.all([startTemporal(), createTestDatabase()]);
}, 120_000);

afterAll(async () => {
  await temporal?.teardown();
  await database?.drop();
});

/** Workers with the code of a version; call the returned function to stop them. */
async function deploy(version: 'before' | 'after'): Promise<() => Promise<void>> {
  const workflowsPath = fileURLToPath(new URL(`./fixtures/${version}.ts`, import.meta.url));
  const workers: Worker[] = await createWorkers({
    connection: temporal.nativeConnection,
    namespace: 'default',
    db: database.db,
    queues: ['main'],
    workflowBundle: await bundleWorkflows(undefined, workflowsPath),
  });
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
  };
}

it('fails no open run: its tasks say what does not fit, and it goes on under the code before', async () => {
  let stop = await deploy('before');
  const handle = await temporal.client.workflow.start('rolled', {
    taskQueue: TASK_QUEUE.main,
    workflowId: 'open-run',
    args: [],
  });
  const events = async () => (await handle.fetchHistory()).events ?? [];
  await until('the run waits', async () => (await events()).some((one) => one.timerStartedEventAttributes));
  await stop();

  stop = await deploy('after');
  await handle.signal('go');
  await until('a task fails', async () =>
    (await events()).some((one) => one.workflowTaskFailedEventAttributes),
  );
  const failed = (await events()).find((one) => one.workflowTaskFailedEventAttributes);
  expect(failed?.workflowTaskFailedEventAttributes?.failure?.message).toMatch(/TMPRL1100|[Nn]ondeterminism/);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  await stop();

  stop = await deploy('before');
  await handle.signal('go');
  expect(await handle.result()).toBe('done');
  await stop();
}, 180_000);
