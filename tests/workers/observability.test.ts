/** A worker process under observation: a real run, a real scrape of its metrics, a collector that takes its traces. */
import { readFileSync } from 'node:fs';
import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { METRIC_NAMES } from '../../engine/metrics.ts';
import { startTracing } from '../../process/tracing.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { startCollector, type Collector, type Span } from '../support/collector.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { tinyRun } from '../support/tiny-run.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const RUN = 'observed';
let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let collector: Collector;
let worker: WorkerProcess;
let metrics: string;
let traceparents: string[];

beforeAll(async () => {
  traceparents = [];
  [temporal, endpoint, database, collector] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(adder, {
      intercept: async (request) => {
        if (request.headers.traceparent) traceparents.push(String(request.headers.traceparent));
        return false;
      },
    }),
    createTestDatabase(),
    startCollector(),
  ]);
  const port = await freePort();
  worker = await startWorkerProcess({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace ?? 'default',
    RATCHET_METRICS_PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '200',
  });
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  const tracing = (await startTracing('tests'))!;
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const client = new Client({
    connection: temporal.connection,
    namespace: temporal.namespace ?? 'default',
    plugins: [tracing.plugin],
  });
  await client.workflow.execute('improve', {
    workflowId: RUN,
    taskQueue: TASK_QUEUE.main,
    args: [{ ...tinyRun(endpoint), prices: { '*': { promptPerMillion: 1, completionPerMillion: 1 } } }],
  });
  metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await tracing.shutdown();
}, 240_000);

afterAll(async () => {
  await worker?.kill();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
  collector?.close();
});

/** Sum of a metric's series that have all these labels. */
function valueOf(name: string, labels: Record<string, string> = {}): number {
  const series = metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return series
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

it('counts samples, verdicts, tokens, cost and seconds of the run, as its rows do', async () => {
  const run = { run: RUN };
  const [rows] = (
    await database.db.execute<{ drawn: number; passed: number; prompt: number; ok: number }>(
      `select (select count(*) from samples where not cached and round <= 2)::int as drawn,
        (select count(*) from verdicts where gate = 'agreement' and outcome = 'pass')::int as passed,
        (select sum(prompt_tokens) from model_calls)::int as prompt,
        (select count(*) from model_calls where error is null)::int as ok`,
    )
  ).rows;
  expect(rows!.drawn).toBeGreaterThan(100);
  expect(valueOf('ratchet_samples_total', { ...run, source: 'drawn' })).toBe(rows!.drawn);
  expect(valueOf('ratchet_verdicts_total', { ...run, gate: 'agreement', outcome: 'pass' })).toBe(
    rows!.passed,
  );
  expect(valueOf('ratchet_tokens_total', { ...run, kind: 'prompt' })).toBe(rows!.prompt);
  expect(valueOf('ratchet_model_calls_total', { ...run, outcome: 'ok' })).toBe(rows!.ok);
  expect(valueOf('ratchet_stage_seconds_count', run)).toBe(7);
  expect(valueOf('ratchet_decisions_total', run)).toBe(1);
  expect(valueOf('ratchet_iteration_cost_sum', run)).toBeGreaterThan(0);
  expect(valueOf('ratchet_heldout_accuracy', run)).toBeGreaterThan(0);
});

it('has every metric that the dashboard asks for', () => {
  const dashboard = readFileSync('docker/grafana/ratchet.json', 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] };
  const asked = panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
  expect(asked.length).toBeGreaterThan(10);
  const found = asked.flatMap((expr) => expr.match(/\b(?:ratchet|temporal)_[a-z_]+/g) ?? []);
  // tests/gateway/observability.test.ts has those of the gateway.
  const names = new Set(found.filter((name) => !name.startsWith('ratchet_gateway_')));
  const missing = [...names].filter((name) => !metrics.includes(`${name}{`));
  expect(missing).toEqual([]);
  const shown = (metric: string) => [...names].some((name) => name.startsWith(metric));
  expect(METRIC_NAMES.filter((metric) => !shown(metric))).toEqual([]);
});

it('traces a run from the request over workflow and activity to the model, and names the trace to the model', async () => {
  const chain = ['RunWorkflow:improve', 'RunWorkflow:iteration', 'RunActivity:generatePage', 'chat adder'];
  await until('the spans', async () =>
    chain.every((name) => collector.spans.some((span) => span.name === name)),
  );
  const byId = new Map(collector.spans.map((span) => [span.spanId, span]));
  const root = collector.spans.find((span) => span.name === 'StartWorkflow:improve')!;
  const pathOf = (span: Span): string[] => {
    const parent = span.parentSpanId ? byId.get(span.parentSpanId) : undefined;
    return [...(parent ? pathOf(parent) : []), span.name];
  };
  const paths = collector.spans
    .filter((span) => span.name === 'chat adder' && span.traceId === root.traceId)
    .map(pathOf);
  const inGenerate = paths.find((path) => path.includes('RunActivity:generatePage'));
  expect(inGenerate).toEqual([
    'StartWorkflow:improve',
    'RunWorkflow:improve',
    'StartChildWorkflow:iteration',
    'RunWorkflow:iteration',
    'StartActivity:generatePage',
    'RunActivity:generatePage',
    'chat adder',
  ]);
  expect(traceparents.length).toBeGreaterThan(0);
  expect(traceparents.every((header) => header.split('-')[1] === root.traceId)).toBe(true);
});

it('writes logs that name the run and the iteration', () => {
  const lines = worker
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: 'stage done', run: RUN, iteration: 1, stage: 'adapt' }),
  );
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'iteration decided', run: RUN, iteration: 1 }));
});
