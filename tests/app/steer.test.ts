/** Steering from the terminal: what the commands send, refuse and say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findRun } from '../../db/queries/runs.ts';
import { ratchet as runRatchet } from '../support/cli-process.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import type { Script } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-steer-'));
const script: Script = { ...adder, latencyMs: 25 };
const loop = useLoop(script);

afterAll(() => rmSync(folder, { recursive: true }));

const ratchet = (...args: string[]) =>
  runRatchet(args, {
    env: {
      DATABASE_URL: loop.database.url,
      TEMPORAL_ADDRESS: loop.temporal.address,
      RATCHET_HOME: join(folder, 'home'),
    },
  });

const status = async (runId: string) => (await findRun(loop.database.db, runId))?.status;

test('a run is paused, resumed, given a budget, reset, stopped and gone on with from the terminal', async () => {
  await loop.start('steered', loop.small({ iterations: 2 }));
  await until('generating', async () =>
    loop.endpoint.requests.some((request) => !request.includes(',null,')),
  );

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
    const { rows } = await loop.database.db.$client.query(
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
    /steered goes on where it stopped:\n {2}skips iteration 1: decided\n {2}goes on in iteration 2, skips collect(, generate)?\n {2}keeps \d+ samples\n/,
  );
  await loop.temporal.client.workflow.getHandle('steered').result();
  expect(await status('steered')).toBe('completed');
  expect((await ratchet('resume', 'steered')).stderr).toContain('is completed');
  expect((await ratchet('list')).stdout).toMatch(/^steered +arithmetic +completed +2\/2/m);
  expect((await ratchet('pause', 'nowhere')).stderr).toContain('was never started');
}, 180_000);

test('a parked run tries again, an iteration is given up, and what broke goes on where it was, said beforehand', async () => {
  const { db } = loop.database;
  script.latencyMs = 5;
  let broken = true;
  script.fault = ({ temperature }) =>
    broken && temperature > 0 ? { status: 429, code: 'insufficient_quota' } : undefined;
  await loop.start('broken', loop.small({ iterations: 2 }));
  await until('the parked row', async () => (await status('broken')) === 'parked');
  broken = false;
  script.jobMs = 600_000;
  expect((await ratchet('retry', 'broken')).stdout).toBe('broken: trying again: iteration 1\n');
  const job = await until('a fine-tuning job', async () => {
    const { rows } = await db.$client.query<{ remote_id: string }>(
      `select remote_id from training_jobs j join datasets d on d.id = j.dataset_id
        join iterations i on i.id = d.iteration_id where i.run_id = 'broken'`,
    );
    return rows[0]?.remote_id;
  });

  // Ended from outside, a run can't write down what became of it.
  await loop.temporal.client.workflow.getHandle('broken/iteration-1').terminate();
  await loop.temporal.client.workflow.getHandle('broken').terminate();
  const list = await ratchet('list');
  expect(list.stdout).toMatch(/^broken +arithmetic +terminated +0\/2/m);
  expect(list.stdout).toContain('broken is not under way. Go on with: ratchet resume broken');
  expect((await ratchet('skip', 'broken')).stderr).toContain(
    "has ended, so it can't be told to skipIteration",
  );

  const { stdout } = await ratchet('retry', 'broken');
  expect(stdout).toMatch(
    /goes on in iteration 1, skips collect, generate, evaluate, filter\n {2}keeps \d+ samples\n/,
  );
  expect(stdout).toContain(`  follows the fine-tuning job ${job}`);
  await until(
    'it to be at it again',
    async () =>
      (await loop.temporal.client.workflow.getHandle('broken').query<{ doing: string }>('status')).doing ===
      'iterating 1 of 2',
  );
  script.jobMs = 20;
  expect((await ratchet('skip', 'broken', '--reason', 'too slow')).stdout).toContain(
    'iteration 1 is given up',
  );
  await loop.temporal.client.workflow.getHandle('broken').result();
  expect(loop.endpoint.jobs.get(job)?.status).toBe('cancelled');
  expect((await ratchet('report', 'broken', '--json')).stdout).toMatch(
    /given up: skipIteration was sent by [^"]+: too slow/,
  );
}, 180_000);
