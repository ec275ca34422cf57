import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const killable = useKillable({ ...adder, latencyMs: 5, jobMs: 50 });
const { count } = killable;

const decided = sql`select count(*)::int as n from decisions`;

it('begins the next stage once when its worker is killed as one ends', async () => {
  await killable.start();
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'staged',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 2,
        curriculum: { targets: [{ target: 'shorter', iterations: 1 }, 'longer'] },
        pool: { prompts: 12, rehearsal: 0 },
        benchmark: { size: 'quick', majority: false },
        gates: { critique: { mode: 'off' } },
        probes: { mode: 'off' },
        drift: { prompts: 0 },
        stagnation: { steps: [] },
        models: { generator: { baseURL: killable.endpoint.url, model: 'adder' } },
      },
    ],
  });
  await until('the first stage to end', async () => (await count(decided)) === 1, 60_000);
  await killable.kill();
  await killable.start();
  expect(await handle.result()).toMatchObject({ runId: 'staged', iterations: 2 });
  const { rows } = await killable.database.db
    .execute(sql`select from_iteration as "from", numbers->>'target' as target
    from adjustments where kind = 'stage' order by id`);
  expect(rows).toEqual([
    { from: 1, target: 'shorter' },
    { from: 2, target: 'longer' },
  ]);
  const { rows: iterations } = await killable.database.db.execute(
    sql`select index, (plan->>'stage')::int as stage from iterations order by index`,
  );
  expect(iterations).toEqual([
    { index: 1, stage: 1 },
    { index: 2, stage: 2 },
  ]);
}, 240_000);
