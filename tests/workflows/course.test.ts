/** What a run does on its own when it makes no headway, or when its budget runs short. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { saveHistory } from '../support/histories.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';

let temporal: TestWorkflowEnvironment;
/** Gets better with each fine-tuning; the other never does. */
let learner: ScriptedEndpoint;
let dullard: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;

beforeAll(async () => {
  [temporal, learner, dullard, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(adder),
    startScriptedEndpoint({ ...adder, answer: (request) => adder.answer({ ...request, generation: 0 }) }),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
}, 120_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await Promise.all([learner?.close(), dullard?.close()]);
});

const small = (endpoint: ScriptedEndpoint, changes: ImproveInput): ImproveInput => ({
  pool: { prompts: 16, rehearsal: 2 },
  benchmark: { size: 'quick', majority: false },
  gates: { critique: { mode: 'off' } },
  models: { generator: { baseURL: endpoint.url, model: 'adder' } },
  sampling: { cache: false },
  paging: { promptsPerPage: 4, pagesInFlight: 2, callsInFlight: 4 },
  ...changes,
});

const improve = (workflowId: string, input: ImproveInput) =>
  temporal.client.workflow.execute('improve', { workflowId, taskQueue: TASK_QUEUE.main, args: [input] });

async function rows<T>(query: ReturnType<typeof sql>): Promise<T[]> {
  return (await database.db.execute(query)).rows as T[];
}

const adjustmentsOf = (runId: string) =>
  rows<{ kind: string; cause: string; reason: string; from: number; overrides: unknown }>(
    sql`select kind, cause, reason, from_iteration as "from", overrides from adjustments
      where run_id = ${runId} order by id`,
  );

const spentBy = async (runId: string) =>
  (
    await rows<{ tokens: number }>(
      sql`select sum(prompt_tokens + completion_tokens)::int as tokens from model_calls where run_id = ${runId}`,
    )
  )[0]!.tokens;

describe('a run that makes no headway', () => {
  it('is answered step by step, each step stored, and halts with a report', async () => {
    const result = await improve(
      'dull',
      small(dullard, { iterations: 12, stagnation: { window: 2 }, promotion: { alpha: 1e-9 } }),
    );
    expect(result).toMatchObject({
      status: 'completed',
      promoted: 0,
      reason: expect.stringMatching(/^halted: /),
    });
    const adjustments = await adjustmentsOf('dull');
    expect(adjustments.map(({ kind, from }) => [kind, from])).toEqual([
      ['diversity', 3],
      ['pool', 4],
      ['retrain', 5],
      ['halt', 6],
    ]);
    expect(adjustments.every(({ cause }) => cause === 'stagnation')).toBe(true);
    expect(adjustments[0]!.reason).toMatch(
      /(plateau|decline|collapse): .*more diverse samples: temperature 0\.95/,
    );

    // The loop says it as an operator would: by a signal, which is in the history and in the records.
    const { events } = await temporal.client.workflow.getHandle('dull').fetchHistory();
    const signals = (events ?? []).flatMap(
      (e) => e.workflowExecutionSignaledEventAttributes?.signalName ?? [],
    );
    expect(signals).toEqual(['stagnation', 'stagnation', 'stagnation', 'stagnation']);
    const messages = await rows<{ n: number }>(
      sql`select count(*)::int as n from messages where run_id = 'dull' and name = 'stagnation' and accepted`,
    );
    expect(messages[0]!.n).toBe(4);

    // What was decided is what was done.
    const parents = await rows<{ index: number; parent: number }>(
      sql`select c.iteration_index as index, p.iteration_index as parent from checkpoints c
        join checkpoints p on p.id = c.parent_id where c.run_id = 'dull' order by 1`,
    );
    expect(parents.find(({ index }) => index === 5)).toMatchObject({ parent: 0 });
    const datasets = await rows<{ index: number; examples: number }>(
      sql`select i.index, d.examples from datasets d join iterations i on i.id = d.iteration_id
        where i.run_id = 'dull' order by 1`,
    );
    const accepted = await rows<{ n: number }>(
      sql`select count(*)::int as n from examples e join iterations i on i.id = e.iteration_id
        where e.run_id = 'dull' and i.index <= 5`,
    );
    expect(datasets.find(({ index }) => index === 5)?.examples).toBe(accepted[0]!.n);
    await saveHistory(temporal, 'dull', 'improve-stagnating');
  }, 180_000);

  it('halts when iterations no longer pay, by policy', async () => {
    const result = await improve(
      'poor',
      small(dullard, {
        iterations: 6,
        roi: { floor: 1 },
        stagnation: { steps: [] },
        promotion: { alpha: 1e-9 },
      }),
    );
    expect(result).toMatchObject({
      iterations: 2,
      reason: expect.stringMatching(/return on investment 0\.00, 0\.00 < 1/),
    });
    expect(await adjustmentsOf('poor')).toMatchObject([{ kind: 'halt', cause: 'roi' }]);
  }, 120_000);
});

describe('a run with a budget', () => {
  it('takes lighter strategies first, then stops before it overspends, and still reads the final benchmark', async () => {
    const free = await improve('free', small(learner, { iterations: 2 }));
    expect(free).toMatchObject({ status: 'completed' });
    const whole = await spentBy('free');
    const limit = Math.round(whole * 0.75);
    const result = await improve(
      'tight',
      small(learner, { iterations: 2, budget: { run: { tokens: limit } } }),
    );
    expect(await spentBy('tight')).toBeLessThanOrEqual(limit);
    const adjustments = await adjustmentsOf('tight');
    expect(adjustments.length).toBeGreaterThan(0);
    expect(adjustments.every(({ kind, cause }) => kind === 'lighter' && cause === 'budget')).toBe(true);
    expect(adjustments[0]!.reason).toMatch(
      /would reach \d+ of \d+ tokens.*; 4 instead of 8 samples per prompt/,
    );
    expect(result).toMatchObject({ status: 'completed' });
    const final = await rows<{ n: number }>(
      sql`select count(*)::int as n from evaluations e join checkpoints c on c.id = e.checkpoint_id
        where c.run_id = 'tight' and e.benchmark = 'final' and e.finished_at is not null`,
    );
    expect(final[0]!.n).toBeGreaterThan(0);
    await saveHistory(temporal, 'tight', 'improve-budget');
  }, 180_000);

  it('is never overshot by more than a page, however small the budget', async () => {
    const measured = (
      await rows<{ tokens: number }>(
        sql`select sum(prompt_tokens + completion_tokens)::int as tokens from model_calls
          where run_id = 'free' and iteration_id is null`,
      )
    )[0]!.tokens;
    for (const share of [0.3, 1.2]) {
      const runId = `tiny-${share}`;
      const limit = Math.round(measured * share);
      const started = await temporal.client.workflow.start('improve', {
        workflowId: runId,
        taskQueue: TASK_QUEUE.main,
        args: [small(learner, { iterations: 2, budget: { run: { tokens: limit } } })],
      });
      await Promise.race([started.result(), new Promise((resolve) => setTimeout(resolve, 15_000))]);
      const page = 4 * 8 * 300;
      expect(await spentBy(runId)).toBeLessThanOrEqual(limit + page);
      if (share < 1) {
        // Not even the base can be measured: an operator has to say what it may cost.
        const { state, parked } = await started.query<{ state: string; parked?: { error: string } }>(
          'status',
        );
        expect(state).toBe('parked');
        expect(parked?.error).toMatch(/would reach/);
        await started.signal('setBudget', { run: { tokens: 10 * measured } });
        await started.signal('retryIteration');
        await started.result();
      }
    }
  }, 180_000);
});
