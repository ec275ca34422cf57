import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let worker: WorkerProcess | undefined;

const CALLS_IN_FLIGHT = 4;
const PAGES_IN_FLIGHT = 2;

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint({ ...adder, latencyMs: 30, jobMs: 3_000 }),
    createTestDatabase(),
  ]);
}, 120_000);

afterAll(async () => {
  await worker?.kill();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
});

const startWorker = () =>
  startWorkerProcess({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace ?? 'default',
  });

async function count(query: ReturnType<typeof sql>): Promise<number> {
  return Number((await database.db.execute(query)).rows[0]!.n);
}

it('ends as if nothing had happened when its worker is killed in generate and again in adapt', async () => {
  worker = await startWorker();
  const handle = await temporal.client.workflow.start('improve', {
    workflowId: 'killed',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 40, rehearsal: 6 },
        benchmark: { size: 'quick', majority: false },
        gates: { critique: { mode: 'off' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: endpoint.url, model: 'adder' } },
        paging: { promptsPerPage: 10, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
      },
    ],
  });

  const stored = sql`select count(*)::int as n from samples where round = 1`;
  await until('some samples', async () => (await count(stored)) > 60);
  await worker.kill();
  const storedAtKill = await count(stored);
  expect(storedAtKill).toBeLessThan(344);
  worker = await startWorker();

  await until(
    'a training job',
    async () => endpoint.jobs.size > 0 && [...endpoint.jobs.values()][0]!.status === 'running',
    90_000,
  );
  await worker.kill();
  worker = await startWorker();

  const result = await handle.result();
  expect(result).toMatchObject({ runId: 'killed', iterations: 1 });

  // Beside prompts and rehearsal, 0.3 × 40 problems to calibrate on.
  const wanted = 40 * 8 + 6 * 4 + 12 * 8;
  expect(await count(stored)).toBe(wanted);
  expect(endpoint.jobs.size).toBe(1);
  expect(await count(sql`select count(*)::int as n from training_jobs`)).toBe(1);
  expect(await count(sql`select count(*)::int as n from decisions`)).toBe(1);

  // What was stored is never asked for again: a request may repeat only if it was in flight at the kill.
  const asked = new Map<string, number>();
  for (const request of endpoint.requests) asked.set(request, (asked.get(request) ?? 0) + 1);
  const generating = [...asked].filter(([request]) => !request.includes(',null,'));
  const repeated = generating.reduce((sum, [, times]) => sum + times - 1, 0);
  expect(repeated).toBeLessThanOrEqual(2 * CALLS_IN_FLIGHT * PAGES_IN_FLIGHT);
}, 240_000);
