/** Answers that adapt to their prompt: the real model server, workers and Temporal, on a rule that the model has never seen. */
import { eq } from 'drizzle-orm';
import OpenAI from 'openai';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askForAnswer } from '../../app/answers/answers.ts';
import { gatewaySettings } from '../../gateway/environment.ts';
import { startGateway } from '../../gateway/server.ts';
import { createLog } from '../../process/log.ts';
import { addDemonstrations } from '../../db/queries/answers.ts';
import { answers, checkpoints } from '../../db/schema.ts';
import { sweepAdapters } from '../../engine/answer-adapters.ts';
import type { AnswerInput } from '../../loop/answer-input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { addRun } from '../cli/fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { oneMore, workedWithOneMore } from '../support/one-more.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';
import { until } from '../support/wait.ts';

let temporal: TestWorkflowEnvironment;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let server: ModelServer;
let stopWorkers: () => Promise<void>;
let models: OpenAI;

beforeAll(async () => {
  [temporal, database, server] = await Promise.all([
    startTemporal(),
    createTestDatabase(),
    startModelServer(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
  models = new OpenAI({ baseURL: server.url, apiKey: 'none' });
  await addRun(database.db, 'owner', { models: { generator: { baseURL: server.url, model: 'arithmetic' } } });
  await database.db
    .insert(checkpoints)
    .values({ runId: 'owner', iterationIndex: 0, kind: 'base', model: 'arithmetic' });
}, 180_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await server?.close();
});

const { demonstrations, queries } = oneMore('test', 8, 4);

const ask = (input: Partial<AnswerInput> & { prompt: string }) =>
  askForAnswer(temporal.client, { task: 'arithmetic', ...input });

/** Adapters that the server has beside the one that it was started with. */
const adapters = async () =>
  (await models.models.list()).data.filter(({ id }) => id.startsWith('ft:') || id.includes('answer'));
const fingerprint = async () =>
  (
    await models.chat.completions.create({
      model: 'arithmetic',
      max_tokens: 1,
      messages: [{ role: 'user', content: '0' }],
    })
  ).system_fingerprint;

test('a model that masters the prompt answers as it is: nothing is trained', async () => {
  const answered = await ask({ prompt: '12+30', adapt: { mode: 'auto' } });
  expect(answered).toMatchObject({ answer: '42', adapted: false, trainingSeconds: null });
  expect(answered.reason).toMatch(/^agreement \d\.\d\d ≥ 0\.75$/);
}, 120_000);

test('a rule that it has never seen is learnt from eight demonstrations, and nothing of it stays', async () => {
  const before = await fingerprint();
  let right = 0;
  for (const { prompt, answer } of queries) {
    const answered = await ask({ prompt, adapt: { demonstrations, seconds: 120 } });
    expect(answered.reason).toMatch(/^solves 0\.00 < 0\.75 of the demonstrations; /);
    expect(answered.trainingSeconds).toBeGreaterThan(0);
    if (answered.answer === answer) right += 1;
  }
  // The base and its majority give a+b: none of them right.
  expect(right).toBeGreaterThanOrEqual(1);
  expect(await adapters()).toEqual([]);
  expect(await fingerprint()).toBe(before);
}, 300_000);

test('what is asked is never learnt from: it is refused by name, and by the database', async () => {
  await expect(
    ask({ prompt: '5+4', adapt: { demonstrations: [...demonstrations, workedWithOneMore(4, 5)] } }),
  ).rejects.toThrow('Demonstration 9 is the very prompt that is asked');
  await ask({ prompt: '3+4', adapt: { mode: 'off' } });
  const row = (await database.db.query.answers.findFirst({ where: eq(answers.prompt, '3+4') }))!;
  const same = {
    answerId: row.id,
    queryDigest: row.promptDigest,
    position: 0,
    request: '3+4',
    rationale: '#7',
  };
  await expect(
    addDemonstrations(database.db, [{ ...same, promptDigest: row.promptDigest }]),
  ).rejects.toThrow();
  // Nor under another digest than its own.
  await expect(
    addDemonstrations(database.db, [{ ...same, queryDigest: 'x', promptDigest: row.promptDigest }]),
  ).rejects.toThrow();
}, 60_000);

test('an adapter that takes too long is cancelled, and the answer is that of the checkpoint', async () => {
  const answered = await ask({ prompt: '31+6', adapt: { demonstrations, steps: 1000, seconds: 1 } });
  expect(answered).toMatchObject({ answer: '37', adapted: false });
  expect(answered.reason).toContain('adapting took longer than its 1 s and was cancelled');
  expect(await adapters()).toEqual([]);
}, 120_000);

test('what a terminated answer leaves behind is swept away', async () => {
  const handle = await temporal.client.workflow.start('answer', {
    workflowId: 'answer-terminated',
    taskQueue: TASK_QUEUE.main,
    args: [{ task: 'arithmetic', prompt: '44+7', adapt: { demonstrations, seconds: 120 } }],
  });
  const state = async () =>
    (await database.db.query.answers.findFirst({ where: eq(answers.id, 'answer-terminated') }))?.adapterState;
  await until('an adapter is being made', async () => (await state()) === 'held');
  await handle.terminate('as an operator does');
  // What was under way at that moment may still come to its end.
  await stopWorkers();
  const closed = async () => false;
  const failed = (id: string, error: unknown) => {
    throw new Error(id, { cause: error });
  };
  expect(await sweepAdapters(database.db, closed, failed, AbortSignal.timeout(60_000))).toBe(1);
  expect(await sweepAdapters(database.db, closed, failed, AbortSignal.timeout(60_000))).toBe(0);
  expect(await state()).toBe('freed');
  expect(await adapters()).toEqual([]);
  expect(
    (await models.fineTuning.jobs.list()).data.every(({ status }) =>
      ['succeeded', 'cancelled'].includes(status),
    ),
  ).toBe(true);
  stopWorkers = await startWorkers(temporal, database.db);
}, 120_000);

test('the gateway answers so under the name TASK+ttt, and refuses what it would have to ignore', async () => {
  const settings = gatewaySettings({
    DATABASE_URL: database.url,
    RATCHET_GATEWAY_PORT: '0',
    TEMPORAL_ADDRESS: temporal.address,
    RATCHET_LOG_LEVEL: 'error',
  });
  const gateway = await startGateway(settings, createLog('error'));
  try {
    const client = new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: 'none', maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: '0000000021+0000000034' }];
    const { data, response } = await client.chat.completions
      .create({ model: 'arithmetic+ttt', messages })
      .withResponse();
    expect(data.choices[0]!.message.content).toMatch(/#0000000055$/);
    expect(response.headers.get('x-ratchet-adapted')).toBe('false');
    expect(data).toMatchObject({ ratchet: { answer: '55', adapted: false } });
    const refusal = (body: object) =>
      client.chat.completions.create({ model: 'arithmetic+ttt', messages, ...body } as never).then(
        () => 'answered',
        ({ status, param }: { status: number; param: string }) => `${status} ${param}`,
      );
    expect(await refusal({ stream: true })).toBe('400 stream');
    expect(await refusal({ temperature: 1 })).toBe('400 temperature');
    expect(await refusal({ adapt: { seconds: -1 } })).toBe('400 adapt.seconds');
    expect(await refusal({ messages: [{ role: 'user', content: 'hello' }] })).toBe('400 messages');
    expect(await refusal({ model: 'nothing+ttt' })).toBe('404 model');
  } finally {
    await gateway.close();
  }
}, 60_000);

test('a task without runs and a prompt that is none are refused by name', async () => {
  await expect(askForAnswer(temporal.client, { task: 'nothing', prompt: '1+1' })).rejects.toThrow(
    'The task nothing has no run yet',
  );
  await expect(ask({ prompt: 'hello' })).rejects.toThrow('is no sum of two whole numbers');
}, 60_000);
