/**
 * Two installations in one namespace of a real server: one as ever, the other under a prefix, behind mutual TLS, with its payloads
 * encrypted, all of it by a profile and the environment. Neither sees the other's runs.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { findAddresses } from '../../app/addresses.ts';
import { createSchedule, listSchedules, showSchedule } from '../../app/schedules/schedules.ts';
import { timingFromFlags } from '../../app/schedules/spec.ts';
import { connectTemporal, newestOpenRun, startRun } from '../../app/temporal.ts';
import { payloadCodecs } from '../../process/payload-codec.ts';
import { keptBundle } from '../../workers/bundle.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { tinyRun } from '../support/tiny-run.ts';
import { until } from '../support/wait.ts';
import { openTlsDoor, type TlsDoor } from '../support/tls-door.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

type Database = Awaited<ReturnType<typeof createTestDatabase>>;
let temporal: TestWorkflowEnvironment;
let door: TlsDoor;
/** What the second installation's worker sends to its collector, as it comes. */
let metrics: { url: string; received: Buffer[]; close(): void };
let endpoint: ScriptedEndpoint;
let plain: Database;
let team: Database;
let ofPlain: Record<string, string>;
let ofTeam: Record<string, string>;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  [temporal, endpoint, plain] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(adder),
    createTestDatabase(),
  ]);
  team = await createTestDatabase();
  metrics = await takeMetrics();
  door = await openTlsDoor(temporal.address);
  const config = join(mkdtempSync(join(tmpdir(), 'ratchet-profile-')), 'temporal.toml');
  writeFileSync(
    config,
    `[profile.team]
address = "${door.address}"
[profile.team.tls]
client_cert_path = "${door.cert}"
client_key_path = "${door.key}"
server_ca_cert_path = "${door.ca}"
server_name = "${door.serverName}"
`,
  );
  ofPlain = { DATABASE_URL: plain.url, TEMPORAL_ADDRESS: temporal.address };
  ofTeam = {
    DATABASE_URL: team.url,
    TEMPORAL_ADDRESS: '',
    TEMPORAL_CONFIG_FILE: config,
    TEMPORAL_PROFILE: 'team',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: metrics.url,
    RATCHET_TASK_QUEUE_PREFIX: 'team',
    RATCHET_PAYLOAD_CODEC: fileURLToPath(new URL('fixtures/codec.mjs', import.meta.url)),
  };
  for (const env of [ofPlain, ofTeam]) workers.push(await startWorkerProcess(env));
}, 240_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all(workers.map((worker) => worker.kill()));
  door?.close();
  metrics?.close();
  await temporal?.teardown();
  await team?.drop();
  await plain?.drop();
  await endpoint?.close();
});

async function takeMetrics() {
  const received: Buffer[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => received.push(chunk));
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1/metrics`, received, close: () => void server.close() };
}

/** As a command of this installation does it. */
async function client(env: Record<string, string>) {
  vi.unstubAllEnvs();
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return connectTemporal(findAddresses());
}

const runsIn = async ({ db }: Database) =>
  (await db.execute<{ id: string; status: string }>(sql`select id, status from runs`)).rows;

it('each does its own runs, and takes no id of the other', async () => {
  const mine = await client(ofPlain);
  await startRun(mine, 'first', tinyRun(endpoint));
  const theirs = await client(ofTeam);
  await expect(startRun(theirs, 'first', tinyRun(endpoint))).rejects.toThrow(
    'The id "first" is taken by another installation, whose queue is ratchet:',
  );
  await startRun(theirs, 'second', tinyRun(endpoint));
  await Promise.all([
    mine.workflow.getHandle('first').result(),
    theirs.workflow.getHandle('second').result(),
  ]);
  expect(await runsIn(plain)).toEqual([{ id: 'first', status: 'completed' }]);
  expect(await runsIn(team)).toEqual([{ id: 'second', status: 'completed' }]);
  expect(workers[1]!.output()).toContain('worker ready: team-ratchet, team-ratchet-llm, team-ratchet-train');
  expect(door.entered).toEqual(new Set(['ratchet-worker']));
}, 240_000);

it('sends its metrics to a collector, where it has one and no port of its own', async () => {
  const names = [
    'ratchet_decisions',
    'ratchet_heldout_accuracy',
    'temporal_activity_schedule_to_start_latency',
  ];
  await until('the decision among the metrics', async () => {
    const all = Buffer.concat(metrics.received).toString('latin1');
    return [...names, 'second'].every((name) => all.includes(name));
  });
}, 60_000);

it('whoever has no certificate is not let in', async () => {
  await client(ofPlain);
  await expect(connectTemporal({ temporal: door.address, namespace: 'default' })).rejects.toThrow(
    `Temporal does not answer at ${door.address}`,
  );
});

it('Temporal holds nothing of an encrypted run in the clear, and it replays', async () => {
  const replay = { workflowBundle: await keptBundle() };
  for (const [id, readable] of [
    ['first', true],
    ['second', false],
  ] as const) {
    const history = await temporal.client.workflow.getHandle(id).fetchHistory();
    const data = history.events!.flatMap((event) =>
      (event.workflowExecutionStartedEventAttributes?.input?.payloads ?? []).map(({ data: bytes }) =>
        Buffer.from(bytes ?? []).toString(),
      ),
    );
    expect(data.join().includes(endpoint.url), id).toBe(readable);
    const codecs = await payloadCodecs(id === 'second' ? ofTeam : {});
    await Worker.runReplayHistory({ ...replay, dataConverter: { payloadCodecs: codecs } }, history, id);
  }
}, 60_000);

it('each lists its own open runs and schedules', async () => {
  const timing = timingFromFlags({ weekly: 'Sun 03:00', timezone: 'UTC' });
  const spec = { kind: 'arithmetic' } as const;
  const one = { input: tinyRun(endpoint), spec, timing, catchUpMs: 60_000, paused: true };
  const theirs = await client(ofTeam);
  await createSchedule(theirs, { ...one, id: 'of-team' });
  expect((await listSchedules(theirs, team.db)).map(({ schedule }) => schedule)).toEqual(['of-team']);
  expect(await newestOpenRun(theirs)).toBeUndefined();
  const mine = await client(ofPlain);
  await expect(showSchedule(mine, plain.db, 'of-team')).rejects.toThrow('whose queue is team-ratchet');
  expect(await listSchedules(mine, plain.db)).toEqual([]);
});
