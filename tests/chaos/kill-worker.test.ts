import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const killable = useKillable({ ...adder, latencyMs: 30, jobMs: 3_000 });
const { count } = killable;

const CALLS_IN_FLIGHT = 4;
const PAGES_IN_FLIGHT = 2;

it('ends as if nothing had happened when its worker is killed in generate and again in adapt', async () => {
  await killable.start();
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'killed',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 40, rehearsal: 6 },
        benchmark: { size: 'quick', majority: false },
        gates: { critique: { mode: 'off' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: killable.endpoint.url, model: 'adder' } },
        paging: { promptsPerPage: 10, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
      },
    ],
  });

  const stored = sql`select count(*)::int as n from samples where round = 1`;
  await until('some samples', async () => (await count(stored)) > 60);
  await killable.kill();
  const storedAtKill = await count(stored);
  expect(storedAtKill).toBeLessThan(344);
  await killable.start();

  await until(
    'a training job',
    async () =>
      killable.endpoint.jobs.size > 0 && [...killable.endpoint.jobs.values()][0]!.status === 'running',
    90_000,
  );
  await killable.kill();
  await killable.start();

  const result = await handle.result();
  expect(result).toMatchObject({ runId: 'killed', iterations: 1 });

  // Beside prompts and rehearsal, 0.3 × 40 problems to calibrate on.
  const wanted = 40 * 8 + 6 * 4 + 12 * 8;
  expect(await count(stored)).toBe(wanted);
  expect(killable.endpoint.jobs.size).toBe(1);
  expect(await count(sql`select count(*)::int as n from training_jobs`)).toBe(1);
  expect(await count(sql`select count(*)::int as n from decisions`)).toBe(1);

  // What was stored is never asked for again: a request may repeat only if it was in flight at the kill.
  expect(killable.repeated()).toBeLessThanOrEqual(2 * CALLS_IN_FLIGHT * PAGES_IN_FLIGHT);
}, 240_000);
