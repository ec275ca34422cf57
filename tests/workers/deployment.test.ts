import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Worker } from '@temporalio/worker';
import { createSchedule, triggerSchedule } from '../../app/schedules/schedules.ts';
import { timingFromFlags } from '../../app/schedules/spec.ts';
import { keptBundle } from '../../workers/bundle.ts';
import { TASK_QUEUE, WORKFLOW } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { hasSandbox } from '../support/sandbox.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { tinyRun } from '../support/tiny-run.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
const workers: WorkerProcess[] = [];
/** While the endpoint is down, the run waits in the middle. */
let isDown = true;

const deploymentName = 'ratchet-test';
const namespace = 'default';

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint({ ...adder, fault: () => (isDown ? { status: 503 } : undefined) }),
    createTestDatabase(),
  ]);
}, 240_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
});

async function startVersion(buildId: string): Promise<void> {
  workers.push(
    await startWorkerProcess({
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_DEPLOYMENT_NAME: deploymentName,
      TEMPORAL_WORKER_BUILD_ID: buildId,
    }),
  );
}

/** The queues of versioned workers; a sandbox, which knows nothing of this program but what it is handed, has no version. */
const versioned = [TASK_QUEUE.main, TASK_QUEUE.llm, TASK_QUEUE.train];

/** Waits until the server knows the version on all its queues, then sends new work to it. */
async function makeCurrent(buildId: string): Promise<void> {
  const service = temporal.client.workflowService;
  await until(`version ${buildId} on every queue`, async () => {
    const found = await service
      .describeWorkerDeploymentVersion({ namespace, deploymentVersion: { deploymentName, buildId } })
      .catch(() => undefined);
    const queues = new Set(found?.versionTaskQueues?.map(({ name }) => name));
    return versioned.every((name) => queues.has(name));
  });
  await service.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId, identity: 'test' });
}

async function currentBuild(): Promise<string | null | undefined> {
  const { workerDeploymentInfo } = await temporal.client.workflowService.describeWorkerDeployment({
    namespace,
    deploymentName,
  });
  return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
}

it('registers its version, runs only when it is current, and moves an open run forward, back and forward again', async () => {
  await startVersion('one');
  const handle = await temporal.client.workflow.start(WORKFLOW.improve, {
    workflowId: 'versioned',
    taskQueue: TASK_QUEUE.main,
    args: [tinyRun(endpoint)],
  });
  const info = async () => (await handle.describe()).raw.workflowExecutionInfo?.versioningInfo;
  const history = async () => (await handle.fetchHistory()).events ?? [];

  // No version is current yet, so nobody may take the run.
  await until('the version to be registered', async () => (await currentBuild().catch(() => null)) !== null);
  expect((await history()).some((event) => event.workflowTaskStartedEventAttributes)).toBe(false);

  await makeCurrent('one');
  expect(await currentBuild()).toBe('one');
  await until('a first task', async () => (await info())?.deploymentVersion?.buildId === 'one');

  await startVersion('two');
  // Rolled out in mid-run, rolled back, and out again: a message gives the run a step each time.
  for (const [build, message] of [
    ['two', 'pause'],
    ['one', 'resume'],
    ['two', 'pause'],
  ] as const) {
    await makeCurrent(build);
    await handle.signal(message);
    await until(`a step under ${build}`, async () => (await info())?.deploymentVersion?.buildId === build);
  }
  await handle.signal('resume');
  isDown = false;

  const result = await handle.result();
  expect(result).toMatchObject({ runId: 'versioned', iterations: 1 });
  expect((await info())?.deploymentVersion?.buildId).toBe('two');
  // 2: AUTO_UPGRADE.
  expect((await info())?.behavior).toBe(2);
  const failures = (await history()).filter(
    (event) => event.workflowTaskFailedEventAttributes ?? event.activityTaskFailedEventAttributes,
  );
  expect(failures).toEqual([]);

  const replayed = { workflowBundle: await keptBundle() };
  await Worker.runReplayHistory(replayed, await handle.fetchHistory(), 'versioned');
}, 400_000);

it('a schedule outlasts a roll-out and a roll-back: its runs begin under what is current then', async () => {
  const { client } = temporal;
  const input = { ...tinyRun(endpoint), seed: 2 };
  const timing = timingFromFlags({ weekly: 'Sun 03:00', timezone: 'UTC' });
  const spec = { kind: 'arithmetic' } as const;
  await createSchedule(client, { id: 'weekly', input, spec, timing, catchUpMs: 60_000 });
  await makeCurrent('one');
  const { run } = await triggerSchedule(client, 'weekly');
  const handle = client.workflow.getHandle(run);
  expect(await handle.result()).toMatchObject({ status: 'completed' });
  const { versioningInfo } = (await handle.describe()).raw.workflowExecutionInfo!;
  expect(versioningInfo?.deploymentVersion?.buildId).toBe('one');
}, 240_000);

it.skipIf(!hasSandbox)(
  'hands what a model wrote to a sandbox, which has no version',
  async () => {
    workers.push(
      await startWorkerProcess(
        { TEMPORAL_ADDRESS: temporal.address, DATABASE_URL: '' },
        {
          argv: [process.execPath, 'workers/sandbox.ts'],
          cwd: fileURLToPath(new URL('../../', import.meta.url)),
        },
      ),
    );
    const sums = await startScriptedEndpoint({
      baseModel: adder.baseModel,
      answer({ messages }) {
        const [a, b] = messages.at(-1)!.content.match(/\d+/g)!.map(Number) as [number, number];
        return `${a} + ${b} = ${a + b} in all\n#### ${a + b}`;
      },
    });
    const task = fileURLToPath(new URL('../fixtures/checked-sums/task.yaml', import.meta.url));
    await temporal.client.workflow.execute(WORKFLOW.improve, {
      workflowId: 'versioned-sandboxed',
      taskQueue: TASK_QUEUE.main,
      args: [{ ...tinyRun(sums), task, pool: { prompts: 5 } }],
    });
    await sums.close();
    const { rows } = await database.db.execute<{ n: number }>(
      sql`select count(*)::int as n from verifications where ok`,
    );
    expect(rows[0]!.n).toBeGreaterThan(0);
  },
  120_000,
);
