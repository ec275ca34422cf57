import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { addMemory } from '../../db/queries/memory.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { CAREFUL, FORGET, readingAdder, shownSum } from '../support/reading-adder.ts';
import { until } from '../support/wait.ts';

const killable = useKillable({ ...readingAdder, latencyMs: 20, jobMs: 100 });
const { count } = killable;

const CALLS_IN_FLIGHT = 4;
const PAGES_IN_FLIGHT = 2;
const KILLS = [0.1, 0.5, 0.9];
const PROBLEMS = 48;

const answered = sql`select count(*)::int as n from memory_answers`;

it('asks for no answer of a test again when its worker is killed thrice in the middle of tests', async () => {
  await killable.start();
  const { db } = killable.database;
  const sum = shownSum(4821, 977);
  const entries = [
    { kind: 'heuristic' as const, text: FORGET, request: null },
    { kind: 'pattern' as const, text: sum.text, request: sum.request },
    { kind: 'heuristic' as const, text: CAREFUL, request: null },
  ];
  for (const entry of entries)
    await addMemory(db, { ...entry, task: 'arithmetic', tokens: 20, by: 'a test' }, [], 'planted');
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'remembering',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        check: 'off',
        pool: { prompts: 16, rehearsal: 4 },
        memory: { mode: 'on', problems: PROBLEMS, tests: entries.length },
        benchmark: { size: 'quick', majority: false },
        gates: { critique: { mode: 'off', votes: 'all' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: killable.endpoint.url, model: 'adder' } },
        paging: { promptsPerPage: 4, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
      },
    ],
  });
  // Each problem alone, and behind each entry that is tested; what was admitted before only changes what stands beside it.
  const expected = PROBLEMS * (1 + entries.length);
  let before: unknown[] = [];
  for (const share of KILLS) {
    await until('answers to come in', async () => (await count(answered)) >= share * expected, 60_000);
    await killable.kill();
    const { rows } = await db.execute(
      sql`select id, shown, correct, call_id from memory_answers order by id`,
    );
    expect(rows.slice(0, before.length)).toEqual(before);
    before = rows;
    await killable.start();
  }
  expect(await handle.result()).toMatchObject({ runId: 'remembering', iterations: 1 });

  expect(await count(answered)).toBe(expected);
  const { rows: tests } = await db.execute<{ trials: number; measured: number; states: number }>(
    sql`select t.measured, (select count(*)::int from memory_trials r where r.test_id = t.id) as trials,
      (select count(*)::int from memory_states s where s.test_id = t.id) as states
      from memory_tests t where t.finished_at is not null order by t.number`,
  );
  expect(tests).toEqual(entries.map(() => ({ trials: PROBLEMS, measured: PROBLEMS, states: 1 })));
  // Nothing is in the ledger without its answer, nor the other way.
  const paid = sql`select count(*)::int as n from model_calls where stage = 'memory' and error is null`;
  expect(await count(paid)).toBe(expected);
  // A request may repeat only if it was in flight at a kill.
  expect(killable.repeated()).toBeLessThanOrEqual(KILLS.length * CALLS_IN_FLIGHT * PAGES_IN_FLIGHT);
}, 240_000);
