import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addEvaluation } from '../../db/queries/evaluations.ts';
import type { Db } from '../../db/connect.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { createJob, getJob } from '../../models/fine-tuning.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, talker } from '../support/page.ts';
import { startScriptedEndpoint, type Fault, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

const PATH = '/data/adapters/one';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let endpoint: ScriptedEndpoint;
let fault: Fault | undefined;
/** The fine-tuned model that the endpoint serves. */
let adapter: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
}, 120_000);

beforeEach(async () => {
  fault = undefined;
  endpoint = await startScriptedEndpoint(talker({ latencyMs: 20, fault: () => fault }));
  const trainer = resolveEndpoint('trainer', { baseURL: endpoint.url }, 'talker');
  const parameters = {
    epochs: 1,
    batchSize: 1,
    learningRate: 1,
    loraRank: 1,
    loraAlpha: 1,
    loraDropout: 0,
    weightDecay: 0,
  };
  const { signal } = new AbortController();
  const wanted = { key: 'k', model: 'talker', dataset: '{}\n', parameters, seed: 1, suffix: 'one' };
  const { id } = await createJob(trainer, wanted, signal);
  await until('the adapter', async () => (await getJob(trainer, id, signal)).fine_tuned_model !== null);
  adapter = (await getJob(trainer, id, signal)).fine_tuned_model!;
});

afterEach(() => endpoint.close());
afterAll(() => database?.drop());

async function failureOf(page: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await page.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

const add = (path: string | null = PATH, model = adapter) =>
  addPage(db, { url: endpoint.url, prompts: 20, items: 20, checkpoint: { model, path } });

async function benchmark({ checkpoint, iterationId, activities }: Awaited<ReturnType<typeof add>>) {
  const evaluation = await addEvaluation(db, {
    checkpointId: checkpoint.id,
    benchmark: 'target',
    iterationId,
    total: 20,
  });
  const page = { evaluationId: evaluation.id, first: 0, count: 20 };
  const items = async () =>
    (
      await db.execute<{ n: number; correct: number }>(
        sql`select count(*)::int as n, count(*) filter (where correct)::int as correct
            from evaluation_items where evaluation_id = ${evaluation.id}`,
      )
    ).rows[0];
  const measure = () => new MockActivityEnvironment().run(activities.llm.benchmarkItems, page);
  return { measure, items };
}

describe('an adapter that its server has evicted', () => {
  it('is loaded again, once, however many calls miss it', async () => {
    const page = await add();
    endpoint.evict(adapter);
    expect(await page.generate()).toEqual({ wanted: 40, asked: 40, cached: 0 });
    expect(endpoint.loads).toEqual([{ lora_name: adapter, lora_path: PATH }]);
    expect(await page.samples()).toHaveLength(40);

    endpoint.evict(adapter);
    const { measure, items } = await benchmark(page);
    await measure();
    expect(await items()).toEqual({ n: 20, correct: 20 });
    expect(endpoint.loads).toHaveLength(2);
  });

  it.each(['generating', 'measuring'])('and can’t load is named with what to do, when %s', async (stage) => {
    const page = await add();
    endpoint.evict(adapter, { lost: true });
    const { measure, items } = await benchmark(page);
    const failure = await failureOf(stage === 'generating' ? page.generate() : measure());
    expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
    expect(failure.message).toContain(
      `${endpoint.url} does not serve checkpoint ${page.checkpoint.id} (model ${adapter}, adapter ${PATH})`,
    );
    expect(failure.message).toContain(`The model '${adapter}' does not exist`);
    expect(failure.message).toContain(`No adapter found for ${PATH}`);
    expect(failure.message).toMatch(/Load the adapter there .* or restart the server with it, then retry\.$/);
    expect(endpoint.loads).toHaveLength(1);
    // Nothing was counted as a wrong answer.
    expect(await items()).toEqual({ n: 0, correct: 0 });
  });

  it('and whose folder nobody knows is named', async () => {
    const page = await add(null);
    endpoint.evict(adapter);
    const failure = await failureOf(page.generate());
    expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
    expect(failure.message).toMatch(/its adapter folder is not known/);
    expect(endpoint.loads).toHaveLength(0);
  });

  it('and is still missing after it was loaded fails the page instead of going round', async () => {
    const page = await add();
    fault = { status: 404, code: 'model_not_found', message: 'No such model.' };
    const failure = await failureOf(page.generate());
    expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
    expect(failure.message).toMatch(/No such model\. Loading it again did not help/);
    expect(endpoint.loads.length).toBeLessThanOrEqual(2);
  });
});

it('a base model that is not served is named', async () => {
  const page = await addPage(db, { url: endpoint.url, prompts: 2 });
  fault = { status: 404, code: 'model_not_found', message: 'No such model' };
  const failure = await failureOf(page.generate());
  expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
  expect(failure.message).toMatch(
    /does not serve checkpoint \d+ \(model talker\).*Start the server with this model/,
  );
});

it('a held-out item that the endpoint refuses counts against the candidate', async () => {
  const page = await add();
  const { measure, items } = await benchmark(page);
  fault = { status: 400, code: 'context_length_exceeded', message: 'Too long.' };
  await measure();
  expect(await items()).toEqual({ n: 20, correct: 0 });
});
