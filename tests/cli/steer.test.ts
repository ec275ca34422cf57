/** Steering from the terminal: what the commands send, refuse and say. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRun } from '../../db/report.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';
import { until } from '../support/wait.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-steer-'));
const script: Script = { ...adder, latencyMs: 25 };
let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(script),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
}, 180_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
  rmSync(folder, { recursive: true });
});

function ratchet(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const known = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    RATCHET_HOME: join(folder, 'home'),
    NO_COLOR: '1',
  };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...known } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const input = (): ImproveInput => ({
  iterations: 2,
  pool: { prompts: 24, rehearsal: 4 },
  benchmark: { size: 'quick', majority: false },
  gates: { critique: { mode: 'off' } },
  models: { generator: { baseURL: endpoint.url, model: 'adder' } },
  sampling: { cache: false },
  paging: { promptsPerPage: 4, pagesInFlight: 2, callsInFlight: 4 },
});

const status = async (runId: string) => (await findRun(database.db, runId))?.status;

test('a run is paused, resumed, given a budget, reset, stopped and gone on with from the terminal', async () => {
  await temporal.client.workflow.start('improve', {
    workflowId: 'steered',
    taskQueue: TASK_QUEUE.main,
    args: [input()],
  });
  await until('generating', async () => endpoint.requests.some((request) => !request.includes(',null,')));

  expect(await ratchet('pause', 'steered', '--reason', 'lunch')).toMatchObject({
    code: 0,
    stdout: 'steered: iteration 1 pauses once the pages under way are done\n',
  });
  await until('the paused row', async () => (await status('steered')) === 'paused');
  expect(await ratchet('pause')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Refused: the run is paused already.'),
  });
  expect(await ratchet('retry', 'steered')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nothing has failed'),
  });
  expect((await ratchet('budget', 'steered')).stderr).toContain('Give at least one limit');
  expect((await ratchet('budget', 'steered', '--tokens', '99999999')).stdout).toContain('limits hold');
  expect((await ratchet('reset', 'steered', '--to', 'somewhere')).code).toBe(2);
  expect((await ratchet('reset', 'steered', '--to', '4711')).stderr).toContain('no checkpoint 4711');
  expect((await ratchet('reset', 'steered', '--to', 'best')).stdout).toContain('iteration 1 is given up');
  script.latencyMs = 5;
  expect((await ratchet('resume', 'steered')).stdout).toMatch(/goes on/);
  await until('iteration 2', async () => {
    const { rows } = await database.db.$client.query(
      `select 1 from stages s join iterations i on i.id = s.iteration_id
        where i.run_id = 'steered' and i.index = 2 and s.name = 'generate'`,
    );
    return rows.length > 0;
  });
  expect((await ratchet('stop', 'steered')).stdout).toContain('start it again to go on');
  await until('the stopped row', async () => (await status('steered')) === 'stopped');

  const report = await ratchet('report', 'steered');
  expect(report.stdout).toMatch(/Changes of course[\s\S]*budget\s+operator[\s\S]*reset\s+operator/);
  expect(report.stdout).toMatch(/Messages[\s\S]*pause[\s\S]*refused: /);

  const resumed = await ratchet('resume', 'steered');
  expect(resumed.stdout).toMatch(
    /steered goes on where it stopped:\n {2}skips iteration 1: decided\n {2}goes on in iteration 2, skips collect/,
  );
  await temporal.client.workflow.getHandle('steered').result();
  expect(await status('steered')).toBe('completed');
  expect((await ratchet('resume', 'steered')).stderr).toContain('is completed');
  expect((await ratchet('pause', 'nowhere')).stderr).toContain('was never started');
}, 180_000);
