/** Schedules as a user makes them, on a real Temporal whose histories outlive it, with real workers. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { showSchedule, type ScheduleReport } from '../../app/schedules/schedules.ts';
import { baseAndBest, findCheckpoint, findRun, getRun, rootOf } from '../../db/queries/runs.ts';
import { decisions, iterations, prompts, trainingJobs } from '../../db/schema.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { logicalWeek } from '../../loop/logical-week.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { quietRuntime, startWorkers } from '../support/temporal.ts';
import { startTemporalProcess, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/wait.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-schedules-'));
const script = { ...adder, latencyMs: 0 };
const input: ImproveInput = {
  iterations: 1,
  pool: { prompts: 40, rehearsal: 6 },
  benchmark: { size: 'quick', majority: false },
  gates: { critique: { mode: 'off' } },
  probes: { mode: 'off' },
  paging: { promptsPerPage: 10 },
};

let server: TemporalProcess;
let client: Client;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: (() => Promise<void>) | undefined;
let port: number;

/** Temporal and the workers, as `ratchet up` starts them. */
async function up() {
  server = await startTemporalProcess(join(folder, 'temporal.db'), port);
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
  const nativeConnection = await NativeConnection.connect({ address: server.address });
  const stop = await startWorkers({ nativeConnection, namespace: 'default' }, database.db);
  stopWorkers = async () => {
    await stop();
    await nativeConnection.close();
  };
}

async function down() {
  await stopWorkers?.();
  stopWorkers = undefined;
  await client?.connection.close();
  await server?.stop();
}

beforeAll(async () => {
  quietRuntime();
  port = await freePort();
  [endpoint, database] = await Promise.all([startScriptedEndpoint(script), createTestDatabase()]);
  writeFileSync(join(folder, 'input.json'), JSON.stringify(input));
  await up();
}, 180_000);

afterAll(async () => {
  await down();
  await database?.drop();
  await endpoint?.close();
  rmSync(folder, { recursive: true });
});

function ratchet(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = {
    ...process.env,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
    RATCHET_HOME: join(folder, 'home'),
  };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const create = (...args: string[]) => {
  const common = ['--input', 'input.json', '--base-url', endpoint.url, '--model', 'adder'];
  return ratchet('schedule', 'create', 'arithmetic', ...common, ...args);
};

const show = (id: string) => showSchedule(client, database.db, id);

/** Whole runs are waited for, beside other tests: they take their time. */
const shows = (what: string, id: string, check: (one: ScheduleReport) => boolean) =>
  until(
    what,
    async () => {
      const one = await show(id);
      if (check(one)) return one;
      await sleep(250);
      return false;
    },
    120_000,
  );

/** Keys of the prompts that a run drew to learn from. */
async function keysOf(runId: string): Promise<string[]> {
  const rows = await database.db
    .select({ key: prompts.key })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), eq(prompts.purpose, 'learn')));
  return rows.map((row) => row.key);
}

async function decisionOf(runId: string) {
  const [row] = await database.db
    .select({ kind: decisions.kind, reason: decisions.reason })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .where(eq(iterations.runId, runId));
  return row!;
}

test('it fires, skips while the last run is still going, and the next run goes on from the promoted checkpoint', async () => {
  script.latencyMs = 500;
  const created = await create('--id', 'often', '--every', '3s', '--timezone', 'Asia/Tokyo');
  expect(created).toMatchObject({ code: 0, stderr: '' });
  expect(created.stdout).toMatch(/^often {2}arithmetic\n {2}when +every 3 s, Asia\/Tokyo\n {2}next +\d{4}-/);
  expect(created.stdout).toContain("the task's promoted checkpoint");
  expect(created.stdout).toContain('missed       0 (later than the catch-up window of 1 d)');
  expect(created.stdout).toContain('Temporal UI  http://127.0.0.1:8233/namespaces/default/schedules/often');

  await shows('a second run', 'often', ({ started }) => started === 2);
  // Slow enough to be still going when the schedule is paused.
  script.latencyMs = 2000;
  expect(await ratchet('schedule', 'pause', 'often', '--note', 'enough')).toMatchObject({ code: 0 });
  script.latencyMs = 0;
  const done = await shows('its end', 'often', ({ runs }) => runs.every((run) => run.status === 'completed'));
  const [second, first] = done.runs as [ScheduleReport['runs'][0], ScheduleReport['runs'][0]];
  expect(done).toMatchObject({ started: 2, paused: true, note: 'enough', next: [], pauseOnFailure: true });
  expect(done.skipped).toBeGreaterThanOrEqual(1);
  // No firing is unaccounted for: between the two runs all were skipped.
  const between = (Date.parse(second.scheduledFor) - Date.parse(first.scheduledFor)) / 3000 - 1;
  expect(done.skipped).toBeGreaterThanOrEqual(between);
  expect(between).toBeGreaterThanOrEqual(1);

  const list = await ratchet('schedule', 'list');
  expect(list.stdout).toMatch(
    new RegExp(
      `^often +arithmetic +every 3 s Asia/Tokyo +paused +\\d{4}-W\\d\\d completed .* ${done.skipped} +0$`,
      'm',
    ),
  );
  expect(list.stdout).toContain('often is paused: enough');

  const run = await getRun(database.db, first.run);
  expect(first.run).toBe(`often-${first.scheduledFor.replace('.000', '')}`);
  expect(run).toMatchObject({ scheduleId: 'often', scheduledFor: new Date(first.scheduledFor) });
  expect(run.scheduledFor!.getTime() % 3000).toBe(0);
  expect(first.week).toBe(logicalWeek(run.scheduledFor!, 'Asia/Tokyo'));
  const runs = await ratchet('list');
  expect(runs.stdout).toMatch(/completed +1\/1 .* often \d{4}-W\d\d$/m);

  const { base, best } = await baseAndBest(database.db, first.run);
  expect([base.kind, best.kind]).toEqual(['base', 'adapter']);
  const start = (await findCheckpoint(database.db, second.run, 0))!;
  expect(start).toMatchObject({
    kind: 'adapter',
    model: best.model,
    parentId: best.id,
    fingerprint: best.fingerprint,
  });
  expect(await rootOf(database.db, start)).toEqual(base);
  const [job] = await database.db
    .select()
    .from(trainingJobs)
    .where(eq(trainingJobs.parentCheckpointId, start.id));
  expect(job!.parentModel).toBe(best.model);
  const [ofFirst, ofSecond] = [await keysOf(first.run), await keysOf(second.run)];
  expect([ofFirst.length, ofSecond.length]).toEqual([40, 40]);
  expect(new Set([...ofFirst, ...ofSecond]).size).toBe(80);
  const text = renderReport(await buildReport(database.db, second.run)).replaceAll(/\s+/g, ' ');
  expect(text).toContain(`started from checkpoint ${best.id} of run ${first.run}`);
  expect(text).toContain('schedule often, 20');
}, 180_000);

test('a run can be triggered, one at a time, and past times be made up for', async () => {
  script.latencyMs = 2000;
  const triggered = await ratchet('schedule', 'trigger', 'often');
  expect(triggered).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Run often-20\S+\n/) });
  const again = await ratchet('schedule', 'trigger', 'often');
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is still going, so none was started'),
  });
  script.latencyMs = 0;
  await shows('the end of it', 'often', ({ runs }) => runs.every((run) => run.status === 'completed'));

  const past = '2026-01-04T18:00:0';
  const filled = await ratchet('schedule', 'backfill', 'often', '--from', `${past}0Z`, '--to', `${past}3Z`);
  expect(filled).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('2 times, one after the other: 2026-01-05 03:00, 2026-01-05 03:00:03'),
  });
  const { runs } = await shows(
    'both',
    'often',
    ({ started, runs: all }) => started === 5 && all.every((run) => run.status === 'completed'),
  );
  const late = runs.filter((run) => run.scheduledFor.startsWith(past));
  // Monday in Tokyo, Sunday in Greenwich: they belong to the week for which they were due, there.
  expect(late.map((run) => run.week)).toEqual(['2026-W02', '2026-W02']);
  const keys = await Promise.all(runs.map((run) => keysOf(run.run)));
  expect(new Set(keys.flat()).size).toBe(5 * 40);

  // What has been run is left out: started anew, it would be refused, and pause the schedule.
  const more = await ratchet('schedule', 'backfill', 'often', '--from', `${past}0Z`, '--to', `${past}6Z`);
  expect(more.stdout).toMatch(/^1 time, one after the other: 2026-01-05 03:00:06\n2 left out/);
  await shows('the third', 'often', (one) => one.started === 6 && one.runs[0]!.status === 'completed');
  const same = await ratchet('schedule', 'backfill', 'often', '--from', `${past}0Z`, '--to', `${past}6Z`);
  expect(same).toMatchObject({ code: 2, stderr: expect.stringContaining('has been run') });

  const nothing = await ratchet('schedule', 'backfill', 'often', '--from', `${past}1Z`, '--to', `${past}2Z`);
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('has no time from') });
}, 180_000);

test('training from the base goes back to the true one; a source without unused prompts is named as the reason', async () => {
  writeFileSync(
    join(folder, 'few.jsonl'),
    Array.from({ length: 24 }, (_, i) =>
      JSON.stringify({ prompt: `${7001 + 37 * i}+${1513 + 91 * i}` }),
    ).join('\n'),
  );
  const flags = ['--prompts', 'few.jsonl', '--set', 'training.from=base', '--weekly', 'Sun 03:00'];
  const created = await create(...flags, '--timezone', 'Europe/Berlin', '--paused');
  expect(created.stdout).toMatch(
    /^arithmetic-weekly {2}arithmetic · paused\n.*\n {2}when +weekly Sun 03:00, Europe\/Berlin\n/,
  );
  expect(await create(...flags)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is a schedule'),
  });

  const finished = async (n: number) => {
    await ratchet('schedule', 'trigger', 'arithmetic-weekly');
    const { runs } = await shows(
      'its end',
      'arithmetic-weekly',
      (one) => one.runs.length === n && one.runs[0]!.status === 'completed',
    );
    return runs[0]!.run;
  };
  const first = await finished(1);
  const start = (await findCheckpoint(database.db, first, 0))!;
  const candidate = (await findCheckpoint(database.db, first, 1))!;
  expect(start.kind).toBe('adapter');
  expect(candidate.parentId).toBe((await rootOf(database.db, start)).id);
  const jobs = await database.db
    .select()
    .from(trainingJobs)
    .where(eq(trainingJobs.id, candidate.trainingJobId!));
  expect(jobs[0]!.parentModel).toBe('adder');

  const second = await finished(2);
  expect(await keysOf(second)).toEqual([]);
  expect(await decisionOf(second)).toEqual({
    kind: 'nothing-to-train',
    reason: expect.stringMatching(/^the source at levels 3, 4 is exhausted: every prompt has been drawn/),
  });
  expect(await ratchet('schedule', 'delete', 'arithmetic-weekly')).toMatchObject({ code: 0 });
  expect(await ratchet('schedule', 'show', 'arithmetic-weekly')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no schedule "arithmetic-weekly"'),
  });
}, 180_000);

test('a promoted adapter that the endpoint no longer serves is named, with what to do', async () => {
  const other = await startScriptedEndpoint(adder);
  const models = { generator: { baseURL: other.url, model: 'adder' } };
  const handle = await client.workflow.start('improve', {
    workflowId: 'gone',
    taskQueue: TASK_QUEUE.main,
    args: [{ ...input, start: 'promoted', models }],
  });
  const parked = await until('the parked run', async () => {
    const run = await findRun(database.db, 'gone');
    return run?.status === 'parked' && run;
  });
  expect(parked.statusReason).toMatch(
    /no longer serves the adapter ft:adder:\S+ of run \S+, which the task serves.*start: base/,
  );
  await handle.signal('stop');
  await handle.result();
  await other.close();
}, 180_000);

test('a run that fails pauses its schedule, and the list says why', async () => {
  await create('--id', 'broken', '--every', '2s', '--api-key-env', 'NO_SUCH_KEY');
  const { runs, note } = await shows('the pause', 'broken', (one) => one.paused);
  expect(runs.at(-1)).toMatchObject({ status: 'failed', reason: expect.stringContaining('NO_SUCH_KEY') });
  expect(note).toMatch(/fail/i);
  const { stdout } = await ratchet('schedule', 'list');
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`broken is paused: ${note}`);
}, 180_000);

test('wrong usage starts nothing', async () => {
  const [day, cron, zone] = await Promise.all([
    create('--weekly', 'Someday 03:00'),
    create('--cron', '99 3 * * *'),
    create('--daily', '03:00', '--timezone', 'Mars/Olympus'),
  ]);
  expect(day).toMatchObject({ code: 2, stderr: expect.stringContaining('"Someday" is no day of the week') });
  expect(cron).toMatchObject({ code: 2, stderr: expect.stringContaining('Temporal refuses the schedule') });
  expect(zone).toMatchObject({ code: 2, stderr: expect.stringContaining('no time zone "Mars/Olympus"') });
}, 180_000);

test('schedules survive a restart of the stack: what the outage delayed is made up for or shown as missed', async () => {
  const created = await create('--id', 'survivor', '--every', '2s', '--catch-up', '10s', '--paused');
  expect(created.stdout).toContain('catch-up window of 10 s');
  // Workers that go down in the middle of a run would leave it to its time-outs, which are not the matter here.
  await stopWorkers!();
  stopWorkers = undefined;
  expect(await ratchet('schedule', 'unpause', 'survivor')).toMatchObject({ code: 0 });
  await down();
  const stoppedAt = Date.now();
  await sleep(12_500);
  await up();
  const back = await shows(
    'it to fire again',
    'survivor',
    ({ runs, missed }) =>
      missed > 0 && runs.some((run) => Date.parse(run.startedAt) > stoppedAt && run.status === 'completed'),
  );
  expect(back).toMatchObject({ when: 'every 2 s', catchUpMs: 10_000, paused: false });
  expect(await show('often')).toMatchObject({ started: 6, paused: true, note: 'enough' });
  const unpaused = await ratchet('schedule', 'unpause', 'often');
  expect(unpaused).toMatchObject({ code: 0 });
  expect((await show('often')).next.length).toBeGreaterThan(0);
  const ids = ['often', 'survivor', 'broken'];
  const deleted = await Promise.all(ids.map((id) => ratchet('schedule', 'delete', id)));
  expect(deleted.map(({ code }) => code)).toEqual([0, 0, 0]);
  await until(
    'an empty list',
    async () => (await ratchet('schedule', 'list', '--json')).stdout.trim() === '[]',
  );
}, 300_000);
