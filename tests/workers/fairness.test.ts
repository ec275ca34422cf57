/** Runs that share one worker on a real server: one with a deep backlog does not keep another waiting, and a run may come first. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ImproveInput } from '../../loop/input.ts';
import { FAIRNESS } from '../../stack/temporal.ts';
import { keptBundle } from '../../workers/bundle.ts';
import { createWorkers } from '../../workers/create.ts';
import { iterationWorkflowId, TASK_QUEUE, WORKFLOW } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { tinyRun } from '../support/tiny-run.ts';
import { until } from '../support/wait.ts';

let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let workers: Worker[];
let running: Promise<unknown>;

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(FAIRNESS),
    startScriptedEndpoint({ ...adder, latencyMs: 50 }),
    createTestDatabase(),
  ]);
  workers = await createWorkers({
    connection: temporal.nativeConnection,
    namespace: 'default',
    db: database.db,
    queues: ['main', 'llm', 'train'],
    slots: { llm: 1 },
    workflowBundle: await keptBundle(),
  });
  running = Promise.all(workers.map((worker) => worker.run()));
}, 120_000);

afterAll(async () => {
  for (const worker of workers ?? []) worker.shutdown();
  await running;
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
});

/** A page a prompt, so many of them waiting at once. */
const run = (pagesInFlight: number, changes: ImproveInput = {}): ImproveInput => ({
  ...tinyRun(endpoint),
  sampling: { cache: false },
  pool: { prompts: 48, rehearsal: 4 },
  paging: { promptsPerPage: 1, pagesInFlight },
  ...changes,
});

type Page = { scheduled: number; started: number };

/** Activities of the queue of model calls, of a run and its iteration. */
async function pagesOf(runId: string): Promise<Page[]> {
  const pages: Page[] = [];
  for (const id of [runId, iterationWorkflowId(runId, 1)]) {
    const history = await temporal.client.workflow
      .getHandle(id)
      .fetchHistory()
      .catch(() => undefined);
    const scheduled = new Map<string, number>();
    for (const event of history?.events ?? []) {
      const at = Number(event.eventTime!.seconds) * 1e3 + event.eventTime!.nanos! / 1e6;
      if (event.activityTaskScheduledEventAttributes?.taskQueue?.name === TASK_QUEUE.llm)
        scheduled.set(String(event.eventId), at);
      const of = scheduled.get(String(event.activityTaskStartedEventAttributes?.scheduledEventId));
      if (of !== undefined) pages.push({ scheduled: of, started: at });
    }
  }
  return pages;
}

/** How many pages of the other run were taken up, at most, while a page of this one waited. */
const passed = (own: Page[], other: Page[]) =>
  Math.max(
    ...own.map(
      (page) => other.filter((one) => one.started > page.scheduled && one.started < page.started).length,
    ),
  );

async function begin(id: string, input: ImproveInput) {
  return temporal.client.workflow.start(WORKFLOW.improve, {
    workflowId: id,
    taskQueue: TASK_QUEUE.main,
    args: [input],
  });
}

it('a run that is to come first waits for none but the page that is under way', async () => {
  const wide = await begin('patient', run(40));
  await until('the backlog of the patient run', async () => (await pagesOf('patient')).length > 12);
  const first = await begin('first', run(8, { priority: 1 }));
  await until('some pages of the first run', async () => (await pagesOf('first')).length > 12);
  await Promise.all([wide.terminate(), first.terminate()]);
  const [own, other] = [await pagesOf('first'), await pagesOf('patient')];
  const waiting = own.filter((page) => page.scheduled > own[0]!.started);
  expect(passed(waiting, other)).toBeLessThanOrEqual(6);
}, 120_000);

it('a run with few pages waits for few of one with many', async () => {
  const wide = await begin('wide', run(40));
  await until('the backlog of the wide run', async () => (await pagesOf('wide')).length > 12);
  const narrow = await begin('narrow', run(1));
  await until('some pages of the narrow run', async () => (await pagesOf('narrow')).length > 6);
  await Promise.all([wide.terminate(), narrow.terminate()]);
  const [own, other] = [await pagesOf('narrow'), await pagesOf('wide')];
  // In the order of arrival it would be the whole backlog, near forty; what the server had handed out already may still come first.
  expect(passed(own, other)).toBeLessThanOrEqual(12);
}, 120_000);
