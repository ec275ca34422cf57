/** The gateway as clients see it: OpenAI's own client, a real run that promotes, a scripted endpoint behind it. */
import { sql } from 'drizzle-orm';
import OpenAI, { APIError } from 'openai';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { rollBack, servedCheckpoint, servingOfTask } from '../../engine/serving.ts';
import { gatewaySettings } from '../../gateway/environment.ts';
import { startGateway, type RunningGateway } from '../../gateway/server.ts';
import { useLoop } from '../support/loop.ts';
import { longAddition } from '../support/scripted-adder.ts';
import type { Fault, Script } from '../support/scripted-endpoint.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const KEY = 'sk-the-key-of-the-endpoint';
process.env.GATEWAY_TEST_KEY = KEY;

let fault: Fault | undefined;
const script: Script = {
  ...adder,
  outcome: (job) => ({ status: 'succeeded', path: `/data/adapters/${job.id}` }),
  fault: () => fault,
};
const loop = useLoop(script);
const problem = '0000000345+0000000678';
const question = { model: 'arithmetic', messages: [{ role: 'user' as const, content: problem }] };

let gateway: RunningGateway;
let client: OpenAI;

const open = (env: Record<string, string> = {}) =>
  startGateway(
    gatewaySettings({ DATABASE_URL: loop.database.url, RATCHET_GATEWAY_PORT: '0', ...env }),
    pino({ level: 'silent' }),
  );
const clientOf = ({ address }: RunningGateway, apiKey = 'unused') =>
  new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 });

beforeAll(async () => {
  const models = {
    generator: { baseURL: loop.endpoint.url, model: 'adder', apiKeyEnv: 'GATEWAY_TEST_KEY' },
  };
  await loop.improve('first', loop.small({ iterations: 2, models }));
  gateway = await open();
  client = clientOf(gateway);
}, 180_000);
afterAll(() => gateway?.close());
beforeEach(() => {
  fault = undefined;
  script.latencyMs = 0;
  script.pieceMs = 0;
});

const served = async () => (await servedCheckpoint(loop.database.db, 'arithmetic'))!;

async function errorOf(asked: Promise<unknown>): Promise<APIError> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(APIError);
  return error as APIError;
}

test('a body that comes in pieces, without a length, is read and bounded like any other', async () => {
  const send = async (body: string) => {
    const pieces = body.match(/[^]{1,100000}/g) ?? [];
    const answer = await fetch(`${gateway.address}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece))),
      duplex: 'half',
    } as RequestInit);
    const connection = answer.headers.get('connection');
    return { status: answer.status, connection, ...((await answer.json()) as { error?: { code: string } }) };
  };
  expect(await send(JSON.stringify(question))).toMatchObject({ status: 200 });
  const long = JSON.stringify({ ...question, user: 'x'.repeat(5_000_000) });
  expect(await send(long)).toMatchObject({
    status: 413,
    connection: 'close',
    error: { code: 'too_large' },
  });
  expect((await fetch(`${gateway.address}/v1/models`, { method: 'PATCH' })).status).toBe(404);
});

test('tasks are listed as models, with the checkpoint that answers', async () => {
  const checkpoint = await served();
  expect(checkpoint.kind).toBe('adapter');
  const listed = [];
  for await (const model of client.models.list()) listed.push(model);
  expect(listed).toMatchObject([
    { id: 'arithmetic', object: 'model', owned_by: 'ratchet', checkpoint: checkpoint.id, promoted: true },
  ]);
  expect(await client.models.retrieve('arithmetic')).toMatchObject({ id: 'arithmetic' });
  const unknown = await errorOf(client.models.retrieve('nosuch'));
  expect(unknown).toMatchObject({ status: 404, code: 'model_not_found' });
  expect(unknown.message).toContain('There are: arithmetic');
});

test('the promoted checkpoint answers and is named by fingerprint and header', async () => {
  const checkpoint = await served();
  const { data, response } = await client.chat.completions.create(question).withResponse();
  expect(data.choices[0]!.message.content).toBe(longAddition(problem));
  expect(data.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
  expect(data.system_fingerprint).toBe(`ratchet-${checkpoint.id}-${checkpoint.fingerprint}`);
  expect(response.headers.get('x-ratchet-checkpoint')).toBe(String(checkpoint.id));
  expect(data.model).toBe(checkpoint.model);
  const [row] = await loop.rows<Record<string, unknown>>(
    sql`select * from gateway_completions where id = ${data.id}`,
  );
  // Nothing of what was said, unless asked for.
  expect(row).toMatchObject({
    task: 'arithmetic',
    checkpoint_id: String(checkpoint.id),
    outcome: 'completed',
    completion_tokens: longAddition(problem).length,
    messages: null,
    replies: null,
    stored_prompt_id: null,
  });
});

test('n, tools and unknown fields reach the endpoint as they were sent, but for the name of the model', async () => {
  const sent =
    '{"seed": 12345678901234567890, "temperature":1.0,"model" :"arithmetic","n":3,"tools":[{"type":"function","function":{"name":"f"}}],' +
    `"messages":[{"role":"user","content":"${problem}"}],"vendor":{"deep":[1e400,null]}}`;
  const response = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer of-the-client' },
    body: sent,
  });
  const { choices } = (await response.json()) as { choices: unknown[] };
  expect(choices).toHaveLength(3);
  const { raw, headers } = loop.endpoint.received.at(-1)!;
  const { model } = await served();
  expect(raw).toBe(
    sent
      .replaceAll(': 123', ':123')
      .replace(', "temp', ',"temp')
      .replace('"model" :"arithmetic"', `"model":"${model}"`),
  );
  expect(headers.authorization).toBe(`Bearer ${KEY}`);
});

test('a stream passes through piece by piece, unbuffered, marked in each', async () => {
  script.pieceMs = 150;
  const checkpoint = await served();
  const stream = await client.chat.completions.create({
    ...question,
    stream: true,
    n: 2,
    stream_options: { include_usage: true },
  });
  const texts = ['', ''];
  const ids = new Set<string>();
  const prints = new Set<string | undefined>();
  const arrivals: number[] = [];
  let usage = 0;
  for await (const chunk of stream) {
    arrivals.push(performance.now());
    ids.add(chunk.id);
    prints.add(chunk.system_fingerprint ?? undefined);
    usage ||= chunk.usage?.completion_tokens ?? 0;
    for (const { index, delta } of chunk.choices) texts[index] += delta.content ?? '';
  }
  expect(texts).toEqual([longAddition(problem), longAddition(problem)]);
  expect([...prints]).toEqual([`ratchet-${checkpoint.id}-${checkpoint.fingerprint}`]);
  expect(usage).toBe(2 * longAddition(problem).length);
  // Eight pieces of 150 ms: held back, they would have come together.
  expect(arrivals.at(-1)! - arrivals[0]!).toBeGreaterThan(600);
  const [id] = [...ids];
  expect(ids.size).toBe(1);
  // The row is written once the last piece is on its way.
  const rows = () => loop.rows(sql`select outcome, streamed from gateway_completions where id = ${id!}`);
  await until('its row', async () => (await rows()).length > 0);
  expect(await rows()).toEqual([{ outcome: 'completed', streamed: true }]);
});

test('a client that goes away ends the request at the endpoint', async () => {
  const before = loop.endpoint.abandoned;
  script.latencyMs = 60_000;
  const abort = new AbortController();
  const asked = loop.endpoint.received.length;
  const waiting = client.chat.completions.create(question, { signal: abort.signal });
  await until('the request', async () => loop.endpoint.received.length > asked);
  abort.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
  await until('its end at the endpoint', async () => loop.endpoint.abandoned === before + 1);

  script.latencyMs = 0;
  script.pieceMs = 5000;
  const stream = await client.chat.completions.create({ ...question, stream: true });
  for await (const chunk of stream) if (chunk.choices.length > 0) break;
  await until('the end of the stream there', async () => loop.endpoint.abandoned === before + 2);
  await until('the record of it', async () => {
    const rows = await loop.rows<{ n: number }>(
      sql`select count(*)::int as n from gateway_completions where outcome = 'aborted'`,
    );
    return rows[0]!.n === 1;
  });
});

describe('errors', () => {
  test('of the endpoint pass through in their own shape, with the time to wait', async () => {
    fault = { status: 429, message: 'slow down', code: 'rate_limit', headers: { 'retry-after': '7' } };
    const error = await errorOf(client.chat.completions.create(question));
    expect(error).toMatchObject({ status: 429, code: 'rate_limit' });
    expect(error.message).toContain('slow down');
    expect(error.headers?.get('retry-after')).toBe('7');
    expect(error.headers?.get('x-ratchet-checkpoint')).toBe(String((await served()).id));
  });

  test("never carry the endpoint's key, nor quote an endpoint that refuses it", async () => {
    fault = { status: 400, message: `you sent ${KEY}` };
    expect((await errorOf(client.chat.completions.create(question))).message).toContain('you sent [key]');
    fault = { status: 401, message: `Incorrect API key: ${KEY}` };
    const refused = await errorOf(client.chat.completions.create(question));
    expect(refused).toMatchObject({ status: 502, code: 'upstream_refused' });
    expect(JSON.stringify(refused)).not.toContain(KEY);
  });

  test('of a broken endpoint are a 502, in a stream the end of it', async () => {
    for (const kind of ['malformed', 'cut', 'cut-body'] as const) {
      fault = { kind };
      expect(await errorOf(client.chat.completions.create(question))).toMatchObject({ status: 502 });
    }
    fault = { kind: 'cut-body' };
    const stream = await client.chat.completions.create({ ...question, stream: true });
    const pieces: unknown[] = [];
    await expect(
      (async () => {
        for await (const chunk of stream) pieces.push(chunk);
      })(),
    ).rejects.toThrow();
    expect(pieces).toHaveLength(1);
  });

  test('of requests name what is wrong', async () => {
    const post = (body: string, type = 'application/json') =>
      fetch(`${gateway.address}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
    const errors = await Promise.all([
      post('{"model":'),
      post('[1]'),
      post('{"messages":[]}'),
      post('{"model":"nosuch"}'),
      post('{"model":"arithmetic"}', 'text/plain'),
      fetch(`${gateway.address}/v1/embeddings`, { method: 'POST' }),
    ]);
    expect(errors.map(({ status }) => status)).toEqual([400, 400, 400, 404, 415, 404]);
    for (const error of errors) {
      expect(await error.json()).toMatchObject({
        error: {
          message: expect.any(String),
          type: 'invalid_request_error',
        },
      });
    }
  });

  test('an endpoint that stays silent is given up in time', async () => {
    const impatient = await open({ RATCHET_GATEWAY_TIMEOUT_MS: '300' });
    fault = { kind: 'hang' };
    expect(await errorOf(clientOf(impatient).chat.completions.create(question))).toMatchObject({
      status: 504,
      code: 'timeout',
    });
    await impatient.close();
  });
});

describe('an adapter that its endpoint has evicted', () => {
  test('is loaded again, once for all requests that miss it', async () => {
    const { model, path } = await served();
    const before = loop.endpoint.loads.length;
    loop.endpoint.evict(model);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => client.chat.completions.create(question)),
    );
    expect(new Set(answers.map((one) => one.model))).toEqual(new Set([model]));
    expect(loop.endpoint.loads.slice(before)).toEqual([{ lora_name: model, lora_path: path }]);
  });

  test('and is lost: the one before answers and says so; without one, a clear error', async () => {
    const { checkpoint, before } = await servingOfTask(loop.database.db, 'arithmetic');
    const names = [checkpoint!, before!];
    expect(before!.model).not.toBe(checkpoint!.model);
    const { data, response } = await (async () => {
      loop.endpoint.evict(checkpoint!.model, { lost: true });
      return client.chat.completions.create(question).withResponse();
    })();
    expect(data.model).toBe(before!.model);
    expect(response.headers.get('x-ratchet-checkpoint')).toBe(String(before!.id));
    expect(response.headers.get('x-ratchet-fallback')).toBe(
      `checkpoint ${checkpoint!.id} is not served by its endpoint`,
    );
    const [row] = await loop.rows(
      sql`select checkpoint_id::int as id, fallback from gateway_completions where id = ${data.id}`,
    );
    expect(row).toEqual({
      id: before!.id,
      fallback: `checkpoint ${checkpoint!.id} is not served by its endpoint`,
    });
    loop.endpoint.evict(before!.model, { lost: true });
    expect(await errorOf(client.chat.completions.create(question))).toMatchObject({
      status: 503,
      code: 'model_unavailable',
    });
    for (const { model } of names) loop.endpoint.restore(model);
    await until('the served checkpoint again', async () => {
      const again = await client.chat.completions.create(question).catch(() => undefined);
      return again?.model === checkpoint!.model;
    });
  });
});

test('a live run promotes, a person rolls back: the gateway follows under load and drops no request', async () => {
  const startedAt = await served();
  script.latencyMs = 30;
  const seen: { from: string; began: number; ended: number }[] = [];
  const failures: unknown[] = [];
  let going = true;
  const clients = Array.from({ length: 8 }, async (_, i) => {
    while (going) {
      const began = performance.now();
      try {
        if (i % 2 === 0) {
          const { response } = await client.chat.completions.create(question).withResponse();
          seen.push({ from: response.headers.get('x-ratchet-checkpoint')!, began, ended: performance.now() });
        } else {
          const prints = new Set<string>();
          const stream = await client.chat.completions.create({ ...question, stream: true });
          for await (const chunk of stream) prints.add(chunk.system_fingerprint!.split('-')[1]!);
          // One answer comes from one checkpoint, whatever happens meanwhile.
          expect([...prints]).toHaveLength(1);
          seen.push({ from: [...prints][0]!, began, ended: performance.now() });
        }
      } catch (error) {
        failures.push(error);
      }
    }
  });
  const models = { generator: { baseURL: loop.endpoint.url, model: 'adder', apiKeyEnv: 'GATEWAY_TEST_KEY' } };
  await loop.improve('second', loop.small({ start: 'promoted', seed: 7, models }));
  const promoted = await served();
  expect(promoted.id).not.toBe(startedAt.id);
  expect(promoted.runId).toBe('second');
  await until('answers of the new checkpoint', async () => seen.at(-1)?.from === String(promoted.id));
  const rolledAt = performance.now();
  await rollBack(loop.database.db, 'arithmetic', { reason: 'a test', by: 'ada', pin: false });
  await until('answers of the old one again', async () => seen.at(-1)?.from === String(startedAt.id));
  going = false;
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(new Set(seen.map((one) => one.from))).toEqual(new Set([String(startedAt.id), String(promoted.id)]));
  // Announced, so that no request which begins a second later still asks for the old one.
  const late = seen.filter(({ began, from }) => began > rolledAt + 1000 && from === String(promoted.id));
  expect(late).toEqual([]);
}, 180_000);

describe('who may ask', () => {
  test('off this machine a token is demanded', () => {
    expect(() => gatewaySettings({ DATABASE_URL: 'x', RATCHET_GATEWAY_HOST: '0.0.0.0' })).toThrow(
      /RATCHET_GATEWAY_TOKEN: missing.*0\.0\.0\.0 can be reached by others/,
    );
    expect(() =>
      gatewaySettings({ DATABASE_URL: 'x', RATCHET_GATEWAY_HOST: '0.0.0.0', RATCHET_GATEWAY_TOKEN: 'short' }),
    ).toThrow(/at least 16/);
  });

  test('with a token, only who has it; never more than the limit', async () => {
    const token = 'a-token-of-many-characters';
    const guarded = await open({ RATCHET_GATEWAY_TOKEN: token, RATCHET_GATEWAY_MAX_BODY_BYTES: '2000' });
    expect(await errorOf(clientOf(guarded, 'wrong').chat.completions.create(question))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    const holder = clientOf(guarded, token);
    expect((await holder.chat.completions.create(question)).choices).toHaveLength(1);
    const large = { ...question, messages: [{ role: 'user' as const, content: 'x'.repeat(3000) }] };
    expect(await errorOf(holder.chat.completions.create(large))).toMatchObject({ status: 413 });
    expect((await fetch(`${guarded.address}/health`)).status).toBe(200);
    await guarded.close();
  });

  test('without one, no page of a browser and no name that was made to point here', async () => {
    const url = `${gateway.address}/v1/models`;
    expect((await fetch(url, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await fetch(url, { headers: { origin: gateway.address } })).status).toBe(200);
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(url, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});
