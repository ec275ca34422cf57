/** What a run does on its own when it makes no headway, or when its budget runs short. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

/** Its model gets better with each fine-tuning; the dullard never does. */
const loop = useLoop(adder);
const { improve, rows, start } = loop;
let dullard: ScriptedEndpoint;
/** What it learns in the first iteration helps, what it learns later does not. */
let once: ScriptedEndpoint;
/** Its fine-tuning jobs take a minute. */
let slowTrainer: ScriptedEndpoint;

beforeAll(async () => {
  const answer: typeof adder.answer = (request) => adder.answer({ ...request, generation: 0 });
  const answerOnce: typeof adder.answer = (request) =>
    adder.answer({ ...request, generation: request.model.includes(':arithmetic-1:') ? 1 : 0 });
  [dullard, once, slowTrainer] = await Promise.all([
    startScriptedEndpoint({ ...adder, answer }),
    startScriptedEndpoint({ ...adder, answer: answerOnce, jobMs: 20 }),
    startScriptedEndpoint({ ...adder, jobMs: 60_000 }),
  ]);
});
afterAll(() => Promise.all([dullard, once, slowTrainer].map((endpoint) => endpoint?.close())));

const small = (endpoint: ScriptedEndpoint, changes: ImproveInput): ImproveInput =>
  loop.small({
    pool: { prompts: 16, rehearsal: 2 },
    models: { generator: { baseURL: endpoint.url, model: 'adder' } },
    ...changes,
  });

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
    const { events } = await loop.temporal.client.workflow.getHandle('dull').fetchHistory();
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
    await saveHistory(loop.temporal, 'dull', 'improve-stagnating');
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

describe('a run whose better checkpoint was left', () => {
  it.each([
    [
      'stagnation',
      { stagnation: { window: 2, steps: ['reset-best'] } },
      /; back to the checkpoint with the highest/,
    ],
    [
      'roi',
      { stagnation: { steps: [] }, roi: { floor: 1, onLow: 'reset' } },
      /^return on investment 0\.00, 0\.00 < 1/,
    ],
  ] as [string, ImproveInput, RegExp][])(
    'goes back to it by the policy for %s',
    async (cause, policy, reason) => {
      const runId = `left-${cause}`;
      const handle = await start(
        runId,
        small(once, { iterations: 5, promotion: { alpha: 0.05, correction: 'none' }, ...policy }),
      );
      await until('the first decision', async () => {
        const [row] = await rows<{ n: number }>(sql`select count(*)::int as n from decisions d
        join iterations i on i.id = d.iteration_id where i.run_id = ${runId}`);
        return row!.n > 0;
      });
      await handle.executeUpdate('resetCheckpoint', { args: [{ to: 'base' }] });
      await handle.result();
      const changes = await adjustmentsOf(runId);
      expect(changes.slice(0, 2).map(({ kind, cause: by }) => [kind, by])).toEqual([
        ['reset', 'operator'],
        ['reset', cause],
      ]);
      expect(changes[1]!.reason).toMatch(reason);
      const began = await rows<{ index: number; at: number }>(
        sql`select i.index, c.iteration_index as at from iterations i join checkpoints c on c.id = i.checkpoint_id
        where i.run_id = ${runId} order by i.index`,
      );
      const at = (index: number) => began.find((one) => one.index === index)?.at;
      // From the base after the operator's reset, from the first iteration's checkpoint after the policy's.
      expect(at(changes[0]!.from)).toBe(0);
      expect(at(changes[1]!.from - 1)).toBe(0);
      expect(at(changes[1]!.from)).toBe(1);
    },
    180_000,
  );
});

describe('a run with a budget', () => {
  it('takes lighter strategies first, then stops before it overspends, and still reads the final benchmark', async () => {
    const free = await improve('free', small(loop.endpoint, { iterations: 2 }));
    expect(free).toMatchObject({ status: 'completed' });
    const whole = await spentBy('free');
    const limit = Math.round(whole * 0.75);
    const result = await improve(
      'tight',
      small(loop.endpoint, { iterations: 2, budget: { run: { tokens: limit } } }),
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
    await saveHistory(loop.temporal, 'tight', 'improve-budget');
  }, 180_000);

  it('is never overshot by more than a page, however small the budget', async () => {
    const measured = (
      await rows<{ tokens: number }>(
        sql`select sum(prompt_tokens + completion_tokens)::int as tokens from model_calls
          where run_id = 'free' and iteration_id is null`,
      )
    )[0]!.tokens;
    // A page holds 4 prompts, or 32 benchmark items with a call each.
    const [dearest] = await rows<{ tokens: number }>(
      sql`select max(prompt_tokens + completion_tokens)::int as tokens from model_calls where run_id = 'free'`,
    );
    const page = 32 * dearest!.tokens;
    for (const share of [0.3, 1.2]) {
      const runId = `tiny-${share}`;
      const limit = Math.round(measured * share);
      const started = await start(
        runId,
        small(loop.endpoint, { iterations: 2, budget: { run: { tokens: limit } } }),
      );
      await until(
        'it to park or end',
        async () => {
          const [run] = await rows<{ status: string }>(sql`select status from runs where id = ${runId}`);
          return run !== undefined && run.status !== 'running';
        },
        120_000,
      );
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

  it('keeps each iteration within its own limit, in money', async () => {
    const [cheapest] = await rows<{ tokens: number }>(
      sql`select min(n)::int as tokens from (select sum(prompt_tokens + completion_tokens) as n from model_calls
        where run_id = 'free' and iteration_id is not null group by iteration_id) as each`,
    );
    const cost = (0.7 * cheapest!.tokens) / 1e6;
    await improve(
      'dear',
      small(loop.endpoint, {
        iterations: 2,
        prices: { '*': { promptPerMillion: 1, completionPerMillion: 1 } },
        budget: { iteration: { cost } },
      }),
    );
    const spent = await rows<{ tokens: number }>(
      sql`select sum(prompt_tokens + completion_tokens)::int as tokens from model_calls
        where run_id = 'dear' and iteration_id is not null group by iteration_id`,
    );
    expect(spent.length).toBeGreaterThan(0);
    for (const { tokens } of spent) expect(tokens / 1e6).toBeLessThanOrEqual(cost);
    const [first] = await adjustmentsOf('dear');
    expect(first).toMatchObject({ kind: 'lighter', cause: 'budget' });
    expect(first!.reason).toMatch(/the iteration would reach \S+ of \S+ in money/);
  }, 180_000);

  it('forecasts wall time by what stages took before, and begins nothing that would pass it', async () => {
    const handle = await start('slow', small(loop.endpoint, { iterations: 2 }));
    const doing = async () => (await handle.query<{ doing: string }>('status')).doing;
    await until('the first iteration', async () => (await doing()) === 'iterating 1 of 2');
    await handle.executeUpdate('stop', { args: [{ when: 'iteration' }] });
    expect(await handle.result()).toMatchObject({ status: 'stopped', iterations: 1 });
    const asked = loop.endpoint.requests.length;
    const again = await loop.temporal.client.workflow.signalWithStart('improve', {
      workflowId: 'slow',
      taskQueue: TASK_QUEUE.main,
      args: [{}],
      signal: 'pause',
    });
    await again.executeUpdate('setBudget', { args: [{ iteration: { minutes: 1e-4 } }] });
    await again.executeUpdate('resume', { args: [{}] });
    const { reason } = (await again.result()) as { reason: string };
    expect(reason).toMatch(
      /^budget: before collect: the iteration would reach \S+ of 0\.0001 minutes \(\S+ spent, (?!0 ahead)\S+ ahead\)/,
    );
    // Nothing was sampled: all that was asked is the final benchmark.
    const sampled = loop.endpoint.requests.slice(asked).filter((request) => !request.includes(',null,'));
    expect(sampled).toEqual([]);
  }, 180_000);

  it('cancels a fine-tuning job that outlives its seconds, begins no other, and still reads the final benchmark', async () => {
    const result = await improve(
      'training',
      small(slowTrainer, { iterations: 2, budget: { run: { trainingSeconds: 1 } } }),
    );
    expect(result).toMatchObject({
      status: 'completed',
      reason: expect.stringMatching(/^budget: before adapt: the run would reach .* of 1 seconds of training/),
    });
    expect([...slowTrainer.jobs.values()].map(({ status }) => status)).toEqual(['cancelled']);
    const [lighter] = await adjustmentsOf('training');
    expect(lighter!.reason).toMatch(
      /was cancelled after \d+ s: the budget had 1 s of training left; adapter of rank/,
    );
    const [job] = await rows<{ status: string; seconds: number }>(
      sql`select j.status, j.seconds from training_jobs j where j.remote_id = ${[...slowTrainer.jobs.keys()][0]}`,
    );
    expect(job).toMatchObject({ status: 'cancelled' });
    expect(job!.seconds).toBeGreaterThan(1);
  }, 180_000);
});
