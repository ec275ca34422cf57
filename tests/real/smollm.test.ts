/** A real language model, from its name to a promotion decision: `up --model`, then one turn of the loop on its server. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModel } from '../../stack/models/store.ts';
import { startStack, type Stack } from '../../stack/stack.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { SMOLLM, smollm } from '../support/smollm.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';
import { prompts, writeCapitals } from './capitals.ts';

const home = mkdtempSync(join(tmpdir(), 'ratchet-real-'));
let unreachable: string | undefined;
let stack: Stack | undefined;
let temporal: TestWorkflowEnvironment | undefined;
let database: Awaited<ReturnType<typeof createTestDatabase>> | undefined;
let stopWorkers: (() => Promise<void>) | undefined;

beforeAll(async () => {
  const model = await smollm();
  if ('unreachable' in model) {
    unreachable = model.unreachable;
    process.stderr.write(`tests/real is skipped: ${unreachable}\n`);
    return;
  }
  mkdirSync(join(home, 'models'));
  symlinkSync(model.folder, join(home, 'models', SMOLLM));
  symlinkSync(dirname(dirname(process.env.RATCHET_PYTHON!)), join(home, 'python'));
  [stack, temporal, database] = await Promise.all([
    startStack({
      home,
      parts: ['modelserver'],
      models: [SMOLLM],
      env: { ...process.env, MODEL_BASE_URL: '', RATCHET_MODELSERVER_PORT: String(await freePort()) },
    }),
    startTemporal(),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
}, 2_400_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await stack?.stop();
  rmSync(home, { recursive: true, force: true });
});

const modelsAt = async (url: string) =>
  ((await (await fetch(`${url}/models`)).json()) as { data: { id: string; system_fingerprint: string }[] })
    .data;

it('a real model goes from unlabeled prompts to a promotion decision', async ({ skip }) => {
  skip(unreachable !== undefined, unreachable);
  const url = stack!.env.MODEL_BASE_URL!;
  // What was asked for by name is the default, and all that is served.
  expect((await modelsAt(url)).map(({ id }) => id)).toEqual([SMOLLM]);
  expect(stack!.state.models).toEqual([SMOLLM]);

  const result = await temporal!.client.workflow.execute('improve', {
    workflowId: 'capitals',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        task: writeCapitals(home),
        iterations: 1,
        pool: { prompts, rehearsal: 0 },
        benchmark: { majority: false },
        training: { epochs: 4, batchSize: 4, learningRate: 0.001 },
        // What missed the vote is not sampled again: it would double the time.
        sampling: { resamples: 0 },
        // A model of this size judges no better than chance.
        gates: { critique: { mode: 'off' } },
        probes: { mode: 'advisory' },
        models: { generator: { baseURL: url, model: SMOLLM } },
      },
    ],
  });
  expect(result).toMatchObject({ runId: 'capitals', status: 'completed', iterations: 1 });
  const rows = async <T extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
    (await database!.db.execute<T>(query)).rows;

  // Every prompt was drawn from, and every sample that was drawn is stored with what each gate said of it.
  const [samples] = await rows<{ n: number; prompts: number }>(
    sql`select count(*)::int as n, count(distinct prompt_id)::int as prompts from samples where rationale <> ''`,
  );
  expect(samples!.prompts).toBe(prompts);
  expect(samples!.n).toBeGreaterThanOrEqual(8 * prompts);
  const reasons = await rows<{ outcome: string; reason: string; n: number }>(
    sql`select outcome, min(reason) as reason, count(*)::int as n from verdicts where gate = 'agreement' group by 1`,
  );
  expect(reasons.find(({ outcome }) => outcome === 'pass')?.reason).toMatch(
    /agreement \d\.\d+ ≥ 0\.\d+ \(\d of \d samples\)/,
  );
  expect(reasons.reduce((sum, { n }) => sum + n, 0)).toBeGreaterThanOrEqual(samples!.n);

  // What passed trained an adapter of the base, which is served beside it as weights of its own.
  const [examples] = await rows<{ n: number }>(sql`select count(*)::int as n from examples`);
  expect(examples!.n).toBeGreaterThan(10);
  const jobs = await rows(sql`select status, parent_model from training_jobs`);
  expect(jobs).toEqual([{ status: 'succeeded', parent_model: SMOLLM }]);
  expect(readModel(home, SMOLLM)!.dtype).toBe('BF16');
  const checkpoints = await rows<{ kind: string; model: string; fingerprint: string }>(
    sql`select kind, model, fingerprint from checkpoints order by iteration_index`,
  );
  expect(checkpoints.map(({ kind }) => kind)).toEqual(['base', 'adapter']);
  const served = await modelsAt(url);
  expect(served.find(({ id }) => id === checkpoints[1]!.model)?.system_fingerprint).toBe(
    checkpoints[1]!.fingerprint,
  );
  expect(checkpoints[1]!.fingerprint).not.toBe(checkpoints[0]!.fingerprint);

  // The candidate answered every held-out problem, with the weights that were trained.
  const [candidate] = await rows<{ correct: number; total: number; answered: number; fingerprint: string }>(
    sql`select e.correct, e.total, count(*)::int as answered, min(i.fingerprint) as fingerprint from evaluations e
        join checkpoints c on c.id = e.checkpoint_id join evaluation_items i on i.evaluation_id = e.id
        where c.kind = 'adapter' and e.benchmark = 'target' group by e.id`,
  );
  expect(candidate).toMatchObject({ total: 20, answered: 20, fingerprint: checkpoints[1]!.fingerprint });
  // Asked plainly, in the form that the base keeps to only when it is shown: 18 of 20 were measured, and 0 untrained.
  expect(candidate!.correct).toBeGreaterThanOrEqual(8);

  // Promoted or not, the decision says why in numbers.
  const [decision] = await rows<{ kind: string; reason: string }>(sql`select kind, reason from decisions`);
  expect(['promote', 'discard']).toContain(decision!.kind);
  expect(decision!.reason).toMatch(/McNemar p = [\d.e-]+/);
}, 2_400_000);

it('a task file without any settings runs on it to a decision', async ({ skip }) => {
  skip(unreachable !== undefined, unreachable);
  const before = process.env.MODEL_BASE_URL;
  // As `ratchet up` tells it to its workers.
  process.env.MODEL_BASE_URL = stack!.env.MODEL_BASE_URL!;
  try {
    const task = fileURLToPath(new URL('../fixtures/sums-task/task.yaml', import.meta.url));
    const result = await temporal!.client.workflow.execute('improve', {
      workflowId: 'sums',
      taskQueue: TASK_QUEUE.main,
      // All 60 prompts and the base's majority of eight take many times as long, and add no stage: two have 16 samples.
      args: [{ task, iterations: 1, pool: { prompts: 2 }, benchmark: { majority: false } }],
    });
    expect(result).toMatchObject({ runId: 'sums', status: 'completed', iterations: 1 });
  } finally {
    if (before === undefined) delete process.env.MODEL_BASE_URL;
    else process.env.MODEL_BASE_URL = before;
  }
  const { rows } = await database!.db.execute<{ kind: string; model: string }>(
    sql`select d.kind, r.settings->'models'->'generator'->>'model' as model
        from decisions d join iterations i on i.id = d.iteration_id join runs r on r.id = i.run_id where r.id = 'sums'`,
  );
  // The model that was found; its adapters beside it do not make it ambiguous.
  expect(rows).toEqual([
    { kind: expect.stringMatching(/^(promote|discard|nothing-to-train)$/), model: SMOLLM },
  ]);
  const { rows: parked } = await database!.db.execute(
    sql`select 1 from stages s join iterations i on i.id = s.iteration_id where s.status = 'failed' and i.run_id = 'sums'`,
  );
  expect(parked).toEqual([]);
}, 2_400_000);
