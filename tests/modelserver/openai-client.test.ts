import OpenAI, { APIError, toFile } from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { longAddition } from '../support/scripted-adder.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { until } from '../support/wait.ts';

let server: ModelServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startModelServer();
  client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
}, 180_000);

afterAll(async () => server?.close());

const PROBLEM = '0000345000+0000678000';
const ask = (model: string, content: string) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }], temperature: 0, max_tokens: 120 });

it('answers the official client: chat, choices, streaming', async () => {
  const reply = await ask('arithmetic', PROBLEM);
  expect(reply.choices[0]?.message.content).toBe(longAddition(PROBLEM));
  expect(reply.choices[0]?.finish_reason).toBe('stop');
  expect(reply.system_fingerprint).toMatch(/^fp_/);

  const several = await client.chat.completions.create({
    model: 'arithmetic',
    messages: [{ role: 'user', content: '0456789000+0987654000' }],
    n: 4,
    temperature: 1.5,
    seed: 7,
    max_tokens: 120,
  });
  expect(new Set(several.choices.map((choice) => choice.message.content)).size).toBeGreaterThan(1);

  let streamed = '';
  const stream = await client.chat.completions.create({
    model: 'arithmetic',
    messages: [{ role: 'user', content: PROBLEM }],
    temperature: 0,
    max_tokens: 120,
    stream: true,
  });
  for await (const part of stream) streamed += part.choices[0]?.delta.content ?? '';
  expect(streamed).toBe(longAddition(PROBLEM));
}, 60_000);

it('gives errors that the client knows', async () => {
  const error = await ask('no-such-model', PROBLEM).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(OpenAI.NotFoundError);
  expect((error as APIError).code).toBe('model_not_found');
}, 30_000);

it('fine-tunes through the client, once per idempotency key and through a kill -9, and serves the adapter', async () => {
  const problems = Array.from({ length: 64 }, (_, i) => `0000${1234 + 71 * i}00+0000${4321 + 37 * i}00`);
  const lines = problems.map((content) =>
    JSON.stringify({ messages: [{ role: 'user', content }, { role: 'assistant', content: longAddition(content) }] }),
  );
  const file = await client.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'sums.jsonl'), purpose: 'fine-tune' });
  const create = () =>
    client.fineTuning.jobs.create(
      {
        model: 'arithmetic',
        training_file: file.id,
        suffix: 'test',
        seed: 1,
        method: {
          type: 'supervised',
          supervised: { hyperparameters: { n_epochs: 12, batch_size: 8, checkpoint_every_steps: 8 } as never },
        },
      },
      { headers: { 'Idempotency-Key': 'once' } },
    );
  const job = await create();
  expect((await create()).id).toBe(job.id);

  await until('a training step', async () => {
    const events = await client.fineTuning.jobs.listEvents(job.id);
    return events.data.some((event) => event.type === 'metrics');
  });
  await server.killAndRestart();

  const done = await until(
    'the job to end',
    async () => {
      const now = await client.fineTuning.jobs.retrieve(job.id);
      return ['succeeded', 'failed', 'cancelled'].includes(now.status) && now;
    },
    120_000,
  );
  expect(done).toMatchObject({ status: 'succeeded', error: null });
  expect((await client.fineTuning.jobs.list()).data).toHaveLength(1);

  const before = await ask('arithmetic', PROBLEM);
  const after = await ask(done.fine_tuned_model!, PROBLEM);
  expect(after.choices[0]?.message.content).toBe(longAddition(PROBLEM));
  expect(after.system_fingerprint).not.toBe(before.system_fingerprint);
}, 300_000);
