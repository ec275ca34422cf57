/** The commands as a user types them: a process of their own against a real Temporal, PostgreSQL and worker. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endUnfinished } from '../../app/runs/demo.ts';
import { findRun } from '../../db/queries/runs.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-commands-'));
let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint({ ...adder, latencyMs: 5 }),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
  writeFileSync(
    join(folder, 'input.json'),
    JSON.stringify({
      iterations: 1,
      pool: { prompts: 40, rehearsal: 6 },
      benchmark: { size: 'quick', majority: false },
      gates: { critique: { mode: 'off' } },
      probes: { mode: 'off' },
      paging: { promptsPerPage: 10 },
    }),
  );
}, 180_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
  rmSync(folder, { recursive: true });
});

type Ended = { code: number | null; stdout: string; stderr: string };

/** Runs `ratchet` to its end; `interruptAt` presses Ctrl-C when its output shows that text. */
function ratchet(
  args: string[],
  options: { env?: Record<string, string>; interruptAt?: string } = {},
): Promise<Ended> {
  const known = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
    RATCHET_HOME: join(folder, 'home'),
  };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: folder,
      env: { ...process.env, ...known, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    let pressed = false;
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (!options.interruptAt || pressed || !stdout.includes(options.interruptAt)) return;
      pressed = true;
      child.kill('SIGINT');
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const common = () => ['--input', 'input.json', '--base-url', endpoint.url, '--model', 'adder'];

test('run starts a run, follows it, ends with its report and writes it as data', async () => {
  const { code, stdout, stderr } = await ratchet([
    'run',
    'arithmetic',
    '--id',
    'first',
    ...common(),
    '--json',
    'out/report.json',
  ]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toContain('Temporal UI  http://127.0.0.1:8233/namespaces/default/workflows/first');
  expect(stdout).toMatch(/^iteration 1 {2}levels .*accepted \d+ \(\d+ %\)/m);
  expect(stdout).toContain('✓ completed  first');
  expect(stdout).toContain('Held-out accuracy');
  const report = JSON.parse(readFileSync(join(folder, 'out', 'report.json'), 'utf8'));
  expect(report).toMatchObject({ run: 'first', task: 'arithmetic', status: 'completed' });
  expect(report.best.final.total).toBeGreaterThan(0);
  expect(report.iterations[0].pseudoLabelPrecision).toBeGreaterThan(0);

  const again = await ratchet(['run', 'arithmetic', '--id', 'first', ...common()]);
  expect(again).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('The run "first" is finished already'),
  });
}, 180_000);

test('report and list read what is stored, without Temporal', async () => {
  const env = { TEMPORAL_ADDRESS: '' };
  const [json, text, list, unknown, idle] = await Promise.all([
    ratchet(['report', 'first', '--json'], { env }),
    ratchet(['report'], { env }),
    ratchet(['list'], { env }),
    ratchet(['report', 'nope'], { env }),
    ratchet(['watch'], { env }),
  ]);
  expect(JSON.parse(json.stdout)).toMatchObject({ run: 'first', totals: { prompts: 40 } });
  expect(text.stdout).toContain('first  arithmetic · completed');
  expect(list.stdout).toMatch(/^first\s+arithmetic\s+completed\s+1\/1/m);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('ratchet list') });
  expect(idle).toMatchObject({ code: 1, stderr: expect.stringContaining('No run is under way') });
}, 60_000);

test('a detached run is watched later; Ctrl-C leaves it running; --fresh ends it', async () => {
  const detached = await ratchet([
    'run',
    'arithmetic',
    '--id',
    'demo',
    ...common(),
    '--iterations',
    '50',
    '--detach',
  ]);
  expect(detached).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Watch it with: ratchet watch demo'),
  });
  const watched = await ratchet(['watch'], { interruptAt: 'iteration 1 ' });
  expect(watched.stdout).toContain('The run "demo" goes on. Watch it again with: ratchet watch demo');
  expect(watched.code).toBe(130);
  const joined = await ratchet(['run', 'arithmetic', '--id', 'demo', ...common()], {
    interruptAt: 'iteration 1 ',
  });
  expect(joined.stdout).toContain('is under way already: joining it');
  expect(await endUnfinished(database.db, temporal.client, 'demo')).toBe('demo');
  expect((await findRun(database.db, 'demo'))?.status).toBe('stopped');
}, 180_000);

test('a run that the worker refuses fails with its reason', async () => {
  const refused = await ratchet([
    'run',
    'arithmetic',
    '--id',
    'refused',
    ...common(),
    '--api-key-env',
    'NO_SUCH_KEY',
  ]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^✗ The run "refused" failed: .*NO_SUCH_KEY/m);
}, 60_000);

test('answers that can not be read are told before the start, and the run goes on to its decision', async () => {
  const mute = await startScriptedEndpoint({
    ...adder,
    answer: () => 'I would rather not say.',
    latencyMs: 0,
  });
  try {
    // The model of the tests above has the same fingerprint: what it said is in the cache.
    const other = ['--base-url', mute.url, '--set', 'sampling.cache=false'];
    const run = await ratchet(['run', 'arithmetic', '--id', 'mute', ...common(), ...other]);
    expect(run.stderr).toMatch(/✗ generator .*can't be read/);
    expect(run.stderr).toContain('The run goes on all the same');
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('no example passed the gates') });
  } finally {
    await mute.close();
  }
}, 120_000);

test('wrong usage is exit code 2 and names what is wrong', async () => {
  const [value, command, help] = await Promise.all([
    ratchet(['run', 'arithmetic', '--iterations', '0', '--set', 'sampling.samples=0']),
    ratchet(['nonsense']),
    ratchet(['--help']),
  ]);
  expect(value).toMatchObject({ code: 2, stdout: '' });
  expect(value.stderr).toMatch(/iterations: .*\n.*sampling\.samples: /);
  expect(command).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown command 'nonsense'") });
  expect(help.code).toBe(0);
}, 60_000);

test('without a stack a command says how to start one; a server that is gone is named', async () => {
  const nothing = await ratchet(['run', 'arithmetic'], { env: { DATABASE_URL: '', TEMPORAL_ADDRESS: '' } });
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining('Start it with: ratchet up') });
  const gone = await ratchet(['list'], { env: { DATABASE_URL: 'postgresql://u:p@127.0.0.1:1/x' } });
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing answers at 127.0.0.1:1') });
  expect(gone.stderr).not.toContain('    at ');
}, 60_000);
