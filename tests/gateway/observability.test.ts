/** A gateway process under observation: a real scrape of its metrics, a collector that takes its traces. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as t from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { startCollector, type Collector, type Span } from '../support/collector.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { adder, longAddition } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type Fault, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

const TOKEN = 'a-token-for-this-test-alone';
const problem = '0000000345+0000000678';
const question = { model: 'arithmetic', messages: [{ role: 'user' as const, content: problem }] };
const caller = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };
const traceparent = `00-${caller.trace}-${caller.span}-01`;

let fault: Fault | undefined;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let endpoint: ScriptedEndpoint;
let collector: Collector;
let gateway: ChildProcess;
let output = '';
let checkpoint: number;
let address: string;
let client: OpenAI;
let scrape: () => Promise<string>;

/** A run that has begun and promoted nothing: its base answers. */
async function addRun(): Promise<number> {
  const { db } = database;
  await db.insert(t.runs).values({
    id: 'begun',
    task: 'arithmetic',
    taskSpec: { kind: 'arithmetic' },
    settings: improveInputSchema.parse({ models: { generator: { baseURL: endpoint.url, model: 'adder' } } }),
    codeVersion: 'test',
  });
  const base = { runId: 'begun', iterationIndex: 0, kind: 'base' as const, model: 'adder' };
  const [row] = await db.insert(t.checkpoints).values(base).returning();
  return row!.id;
}

beforeAll(async () => {
  [database, endpoint, collector] = await Promise.all([
    createTestDatabase(),
    startScriptedEndpoint({ ...adder, fault: () => fault }),
    startCollector(),
  ]);
  checkpoint = await addRun();
  const port = await freePort();
  gateway = spawn(process.execPath, [fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))], {
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      RATCHET_GATEWAY_PORT: '0',
      RATCHET_GATEWAY_TOKEN: TOKEN,
      RATCHET_GATEWAY_METRICS_PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '200',
    },
  });
  for (const stream of [gateway.stdout!, gateway.stderr!])
    stream.on('data', (data: Buffer) => (output += data.toString()));
  await until(
    'the gateway',
    async () => /gateway ready: \S+/.test(output) || gateway.exitCode !== null,
    60_000,
  );
  address = /gateway ready: (\S+)/.exec(output)![1]!;
  client = new OpenAI({
    baseURL: address,
    apiKey: TOKEN,
    maxRetries: 0,
    defaultHeaders: { traceparent },
  });
  scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}, 120_000);
afterAll(async () => {
  gateway?.kill('SIGKILL');
  collector?.close();
  await endpoint?.close();
  await database?.drop();
});

/** A series' value; undefined where it is not there. */
function valueOf(metrics: string, name: string, labels: Record<string, string | number>): number | undefined {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  const lines = metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
  const found = lines.filter((line) => wanted.every((label) => line.includes(label)));
  return found.length === 0
    ? undefined
    : found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const spansOf = (name: string) => collector.spans.filter((span) => span.name === name);
const attribute = (span: Span, name: string) =>
  Object.values(span.attributes.find(({ key }) => key === name)?.value ?? {})[0];

test('requests, their latency and tokens, feedback and what is served are counted', async () => {
  const { id, usage } = await client.chat.completions.create(question);
  const stream = await client.chat.completions.create({ ...question, stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe(longAddition(problem));
  const feedback = (body: object, token = TOKEN) =>
    fetch(`${address}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ completion: id, by: 'ada', ...body }),
    });
  for (const body of [{ rating: 'up' }, { rating: 'up' }, { correction: '1023', prompt: problem }])
    expect((await feedback(body)).status).toBe(200);
  fault = { status: 429, message: 'slow down' };
  await client.chat.completions.create(question).catch(() => undefined);
  fault = { kind: 'malformed' };
  await client.chat.completions.create(question).catch(() => undefined);
  fault = undefined;
  await client.chat.completions.create({ ...question, model: 'made-up-by-a-client' }).catch(() => undefined);
  await new OpenAI({ baseURL: address, apiKey: 'wrong-token', maxRetries: 0 }).chat.completions
    .create(question)
    .catch(() => undefined);

  const metrics = await scrape();
  const ours = { task: 'arithmetic', checkpoint };
  const requests = (labels: object) =>
    valueOf(metrics, 'ratchet_gateway_requests_total', labels as Record<string, string>);
  expect(requests({ ...ours, status: 200, outcome: 'completed' })).toBe(2);
  expect(requests({ ...ours, status: 429, outcome: 'failed' })).toBe(1);
  expect(requests({ ...ours, status: 502, outcome: 'aborted' })).toBe(1);
  expect(requests({ task: '', status: 404 })).toBe(1);
  expect(requests({ task: '', status: 401 })).toBe(1);
  expect(metrics).not.toContain('made-up-by-a-client');
  expect(valueOf(metrics, 'ratchet_gateway_request_seconds_count', { streamed: 'false' })).toBe(1);
  expect(valueOf(metrics, 'ratchet_gateway_request_seconds_count', { streamed: 'true' })).toBe(1);
  const tokens = (kind: string) => valueOf(metrics, 'ratchet_gateway_tokens_total', { ...ours, kind });
  // This endpoint counts them in streams too.
  expect(tokens('completion')).toBe(2 * usage!.completion_tokens);
  expect(tokens('prompt')).toBe(2 * usage!.prompt_tokens);
  // What is sent twice counts once.
  const given = (labels: Record<string, string>) =>
    valueOf(metrics, 'ratchet_gateway_feedback_total', labels);
  expect(given({ rating: 'up', becomes: 'rating' })).toBe(1);
  expect(given({ rating: 'none', becomes: 'example' })).toBe(1);
  expect(
    valueOf(metrics, 'ratchet_gateway_serving_info', { ...ours, model: 'adder', promoted: 'false' }),
  ).toBe(1);
});

test('a request goes on with the trace of whoever asks, down to the endpoint', async () => {
  const chat = 'POST /v1/chat/completions';
  await until('the spans', async () => spansOf(chat).length >= 6 && spansOf('chat adder').length >= 4);
  const requests = spansOf(chat);
  const traced = requests.filter((span) => span.traceId === caller.trace);
  // All but the one that was sent without a trace.
  expect(requests).toHaveLength(6);
  expect(traced).toHaveLength(5);
  for (const span of traced) expect(span.parentSpanId).toBe(caller.span);
  const calls = spansOf('chat adder');
  const parents = new Map(traced.map((span) => [span.spanId, span]));
  for (const call of calls) expect(parents.has(call.parentSpanId!)).toBe(true);
  const answered = calls.filter((call) => attribute(call, 'gen_ai.usage.output_tokens') !== undefined);
  expect(answered.length).toBeGreaterThan(0);
  expect(attribute(parents.get(answered[0]!.parentSpanId!)!, 'ratchet.checkpoint')).toBe(checkpoint);
  // The endpoint was told of the call's own span.
  const told = endpoint.received.map(({ headers }) => String(headers.traceparent));
  expect(told.toSorted()).toEqual(calls.map((call) => `00-${caller.trace}-${call.spanId}-01`).toSorted());
  // Nothing of what was said is in a span.
  expect(JSON.stringify(collector.spans)).not.toContain(problem);
});

test('has every metric of the gateway that the dashboard asks for, and the dashboard shows each', async () => {
  const metrics = await scrape();
  const known = metrics.match(/^# TYPE ratchet_gateway_\w+/gm)!.map((line) => line.split(' ')[2]!);
  const { panels } = JSON.parse(readFileSync('docker/grafana/ratchet.json', 'utf8')) as {
    panels: { id: number; targets?: { expr: string }[] }[];
  };
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const asked = panels.flatMap(({ targets = [] }) =>
    targets.flatMap(({ expr }) => expr.match(/\bratchet_gateway_[a-z_]+/g) ?? []),
  );
  const names = new Set(asked.map((name) => name.replace(/_(bucket|sum|count)$/, '')));
  expect([...names].toSorted()).toEqual(known.toSorted());
  const page = readFileSync('docs/observability.md', 'utf8');
  expect(known.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('it ends with its last spans sent', async () => {
  const before = spansOf('GET /v1/models').length;
  await client.models.list();
  const ended = new Promise<number | null>((resolve) => gateway.once('exit', resolve));
  gateway.kill('SIGTERM');
  expect(await ended).toBe(0);
  await until('the last span', async () => spansOf('GET /v1/models').length === before + 1);
}, 60_000);
