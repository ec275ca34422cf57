import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const killable = useKillable({ ...adder, otherModels: ['teacher'], latencyMs: 20, jobMs: 100 });
const { count } = killable;

const CALLS_IN_FLIGHT = 4;
const PAGES_IN_FLIGHT = 2;
const KILLS = [0.1, 0.5, 0.9];

const sampled = sql`select count(*)::int as n from samples where round = 1`;

it('asks a teacher for nothing again when its worker is killed thrice', async () => {
  await killable.start();
  const url = killable.endpoint.url;
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'taught',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 20, rehearsal: 4 },
        benchmark: { size: 'quick' },
        gates: { agreement: { calibration: { share: 0 } }, critique: { mode: 'off', votes: 'all' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: url, model: 'adder' }, teacher: { model: 'teacher' } },
        paging: { promptsPerPage: 8, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
      },
    ],
  });
  const expected = 20 * 8;
  for (const share of KILLS) {
    await until('the samples to grow', async () => (await count(sampled)) >= share * expected, 60_000);
    await killable.kill();
    await killable.start();
  }
  expect(await handle.result()).toMatchObject({ runId: 'taught', iterations: 1 });
  // A request may repeat only if it was in flight at a kill.
  expect(killable.repeated()).toBeLessThanOrEqual(KILLS.length * CALLS_IN_FLIGHT * PAGES_IN_FLIGHT);
  expect(await count(sql`select count(distinct checkpoint_id)::int as n from samples`)).toBe(1);
  expect(await count(sql`select count(*)::int as n from checkpoints where iteration_index < 0`)).toBe(1);
  const { distillation } = await buildReport(killable.database.db, 'taught');
  expect(distillation!.rows[0]).toMatchObject({
    model: 'teacher',
    rounds: [expect.any(Number), expect.any(Number), expect.any(Number)],
  });
}, 240_000);
