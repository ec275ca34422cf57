import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { answerSum } from '../support/scripted-adder.ts';
import { judgeSum } from '../support/scripted-critic.ts';
import { until } from '../support/wait.ts';

const killable = useKillable({
  baseModel: 'adder',
  otherModels: ['arithmetic-critic'],
  // One that is asked to go on from lines of its own begins anew instead.
  answer: ({ messages, ...request }) =>
    answerSum({ ...request, messages: messages.filter(({ role }) => role === 'user') }),
  extra: (request) => (request.body.prompt_logprobs === 0 ? judgeSum(request) : undefined),
  latencyMs: 20,
  jobMs: 100,
});
const { count } = killable;

const CALLS_IN_FLIGHT = 4;
const PAGES_IN_FLIGHT = 2;
const KILLS = [0.1, 0.5, 0.9];

const taken = sql`select count(*)::int as n from debate_turns where round > 0 and call_id is not null`;
const ended = sql`select prompt_id, answer, votes, rounds, tokens, argued_at from debates where status <> 'open' order by prompt_id`;

it('asks for nothing again that was answered when its worker is killed thrice while agents argue', async () => {
  await killable.start();
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'arguing',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 12, rehearsal: 0 },
        strategy: { debate: { mode: 'on', prompts: 'all', votes: 8 } },
        curriculum: { start: 'all', width: 6 },
        benchmark: { size: 'quick', majority: false },
        gates: { critique: { mode: 'required', votes: 'all' } },
        probes: { mode: 'off' },
        models: {
          generator: { baseURL: killable.endpoint.url, model: 'adder' },
          critic: { model: 'arithmetic-critic' },
        },
        paging: { promptsPerPage: 8, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
      },
    ],
  });
  // Beside the prompts, 0.3 × 12 problems to calibrate on; each debate has three opening turns, and most have later ones.
  const debates = 12 + 4;
  const expected = debates * 3;
  let endedBefore: Record<string, unknown>[] = [];
  let turnsBefore: Record<string, unknown>[] = [];
  const stored = async (query: typeof ended) => (await killable.database.db.execute(query)).rows;
  const turns = sql`select id, prompt_id, round, agent, reply, rationale, call_id from debate_turns order by id`;
  for (const share of KILLS) {
    await until('the debate to go on', async () => (await count(taken)) >= share * expected, 60_000);
    await killable.kill();
    endedBefore = await stored(ended);
    turnsBefore = await stored(turns);
    await killable.start();
  }
  expect(await handle.result()).toMatchObject({ runId: 'arguing', iterations: 1 });

  expect(await count(sql`select count(*)::int as n from debates where status = 'closed'`)).toBe(debates);
  expect(turnsBefore.length).toBeGreaterThan(0);
  // What was said and decided before the last kill is as it was.
  const after = new Map((await stored(turns)).map((row) => [row.id, row]));
  for (const row of turnsBefore) expect(after.get(row.id)).toEqual(row);
  const outcomes = new Map((await stored(ended)).map((row) => [row.prompt_id, row]));
  for (const row of endedBefore) expect(outcomes.get(row.prompt_id)).toEqual(row);
  // Nor did a critic answer twice: every answer that was paid for points to work.
  const answered = sql`select count(*)::int as n from model_calls where stage = 'debate' and role = 'critic' and error is null`;
  const pointed = sql`select count(distinct call_id)::int as n from debate_points`;
  expect(await count(answered)).toBeGreaterThan(0);
  expect(await count(answered)).toBe(await count(pointed));
  // A request may repeat only if it was in flight at a kill.
  expect(killable.repeated()).toBeLessThanOrEqual(KILLS.length * CALLS_IN_FLIGHT * PAGES_IN_FLIGHT);
}, 300_000);
