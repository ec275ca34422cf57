import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const killable = useKillable({ ...adder, latencyMs: 20, jobMs: 100 });
const { count } = killable;

const CALLS_IN_FLIGHT = 4;
const PAGES_IN_FLIGHT = 2;
const KILLS = [0.1, 0.5, 0.9];

const solved = sql`select count(*)::int as n from ladder_nodes where path = '' and status <> 'open'`;
const sampled = sql`select count(*)::int as n from ladder_samples where call_id is not null`;

it('asks for nothing again that is solved when its worker is killed thrice while it climbs', async () => {
  await killable.start();
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'climbing',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 20, rehearsal: 6 },
        strategy: { ladder: { mode: 'on' } },
        curriculum: { start: 'all', width: 6 },
        benchmark: { size: 'quick', majority: false },
        gates: { critique: { mode: 'off', votes: 'all' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: killable.endpoint.url, model: 'adder' } },
        paging: { promptsPerPage: 8, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
      },
    ],
  });
  // Beside the prompts, 0.3 × 20 problems to calibrate on; a tree of 4 to 9 digits takes 2 to 4 parts of 3 samples each.
  const trees = 20 + 6;
  const expected = trees * 3 * 3;
  let closedBefore: unknown[] = [];
  for (const share of KILLS) {
    await until('the tree to grow', async () => (await count(sampled)) >= share * expected, 60_000);
    await killable.kill();
    const { rows } = await killable.database.db.execute(
      sql`select id, status, answer, votes, closed_at from ladder_nodes where status <> 'open' order by id`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(closedBefore.length);
    closedBefore = rows;
    await killable.start();
  }
  expect(await handle.result()).toMatchObject({ runId: 'climbing', iterations: 1 });

  expect(await count(solved)).toBe(trees);
  expect(await count(sql`select count(*)::int as n from ladder_nodes where status = 'open'`)).toBe(0);
  // What was closed at a kill is as it was.
  const ids = sql.join(
    (closedBefore as { id: number }[]).map(({ id }) => sql`${id}`),
    sql`, `,
  );
  const { rows: after } = await killable.database.db.execute(
    sql`select id, status, answer, votes, closed_at from ladder_nodes where id in (${ids}) order by id`,
  );
  expect(after).toEqual(closedBefore);
  // A request may repeat only if it was in flight at a kill.
  expect(killable.repeated()).toBeLessThanOrEqual(KILLS.length * CALLS_IN_FLIGHT * PAGES_IN_FLIGHT);
}, 240_000);
