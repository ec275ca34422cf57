import { Client, Connection } from '@temporalio/client';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../process/process-info.ts';
import { startStack, stackEnvironment, stopStack } from '../../stack/stack.ts';
import { readState, type PartName } from '../../stack/state.ts';
import { stackStatus } from '../../app/machine/status.ts';
import { ratchet, recordSteps, stackEnv, temporaryHome, until } from './helpers.ts';

const database: PartName[] = ['postgres'];
const both: PartName[] = ['postgres', 'temporal'];

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a stack of PostgreSQL and Temporal', () => {
  test('starts, is found by a second start, and stops without a process left', async () => {
    const home = temporaryHome();
    const env = await stackEnv();
    const { onStep, lines } = recordSteps();
    const stack = await startStack({ home, env, parts: both, onStep });
    expect(stack.owned).toBe(true);
    expect(lines()).toContainEqual(expect.stringMatching(/^PostgreSQL done \d+\.\d+ at 127\.0\.0\.1:\d+/));
    expect(lines()).toContainEqual(
      expect.stringMatching(/^Temporal done \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+ with its UI at http/),
    );
    expect(await query(stack.env.DATABASE_URL!, 'select current_database() as name')).toEqual([
      { name: 'ratchet' },
    ]);

    // Search attributes work at once: a run that carries them is accepted.
    const connection = await Connection.connect({ address: stack.env.TEMPORAL_ADDRESS });
    const client = new Client({ connection });
    const handle = await client.workflow.start('nothing', {
      workflowId: 'with-attributes',
      taskQueue: 'nobody',
      searchAttributes: { RatchetTask: ['arithmetic'], RatchetIteration: [1], RatchetTargetAccuracy: [0.5] },
    });
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await connection.close();

    const second = await startStack({ home, env, parts: both });
    expect(second.owned).toBe(false);
    expect(second.env).toEqual(stack.env);
    await second.stop();
    const status = await stackStatus({ home, env });
    expect(status).toMatchObject({ running: true, healthy: true });
    expect(status.parts.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'postgres running',
      'temporal running',
    ]);
    expect(stackEnvironment({ home })).toEqual(stack.env);

    await expect(startStack({ home, env })).rejects.toThrow(/without Model server, Worker/);
    await expect(
      startStack({ home, env: { ...env, DATABASE_URL: 'postgresql://elsewhere/x' }, parts: both }),
    ).rejects.toThrow(/another DATABASE_URL/);

    const processes = Object.values(readState(home)!.parts).map((part) => part!.process!);
    expect(processes.every(isAlive)).toBe(true);
    expect(await stopStack({ home })).toEqual(['PostgreSQL', 'Temporal']);
    expect(processes.some(isAlive)).toBe(false);
    expect(await stackStatus({ home })).toMatchObject({ running: false, healthy: false, parts: [] });

    // Histories are in the data folder.
    const again = await startStack({ home, env, parts: ['temporal'] });
    const reconnection = await Connection.connect({ address: again.env.TEMPORAL_ADDRESS });
    const description = await new Client({ connection: reconnection }).workflow
      .getHandle('with-attributes')
      .describe();
    expect(description.status.name).toBe('RUNNING');
    await reconnection.close();
    await again.stop();
  }, 60_000);

  test('uses a database that is configured, and says when it does not answer', async () => {
    const home = temporaryHome();
    const env = await stackEnv();
    const stack = await startStack({ home, env, parts: database });
    const other = temporaryHome();
    const configured = { ...env, DATABASE_URL: stack.env.DATABASE_URL! };
    const user = await startStack({ home: other, env: configured, parts: database });
    expect(user.env.DATABASE_URL).toBe(stack.env.DATABASE_URL);
    expect((await stackStatus({ home: other, env: configured })).parts[0]).toMatchObject({
      state: 'external',
      healthy: true,
    });
    await stack.stop();
    expect((await stackStatus({ home: other, env: configured })).parts[0]).toMatchObject({
      state: 'unreachable',
      healthy: false,
    });
    await user.stop();
    await expect(startStack({ home: other, env: configured, parts: database })).rejects.toThrow(
      /DATABASE_URL\) does not answer.*unset DATABASE_URL/,
    );
    await expect(startStack({ home: other, env: configured, parts: database })).rejects.not.toThrow(
      new URL(configured.DATABASE_URL).password,
    );
  }, 60_000);
});

describe('a part that dies', () => {
  test('PostgreSQL killed with -9 comes back on its port with its data', async () => {
    const home = temporaryHome();
    const { onStep, lines } = recordSteps();
    const stack = await startStack({ home, env: await stackEnv(), parts: database, onStep });
    const url = stack.env.DATABASE_URL!;
    await query(url, 'create table kept (n int)');
    await query(url, 'insert into kept values (7)');
    const first = stack.state.parts.postgres!.process!;
    process.kill(first.pid, 'SIGKILL');
    await until('the restart', () => lines().some((line) => line.includes('runs again')));
    expect(lines()).toContainEqual(
      expect.stringMatching(/^PostgreSQL info it ended \(killed by SIGKILL\): starting it again in 0\.5 s/),
    );
    expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }]);
    expect(readState(home)!.parts.postgres).toMatchObject({ status: 'running', restarts: 1 });
    expect(readState(home)!.parts.postgres!.process!.pid).not.toBe(first.pid);
    await stack.stop();
  }, 60_000);

  test('a postmaster.pid whose pid now belongs to another program does not stand in the way', async () => {
    const home = temporaryHome();
    const env = await stackEnv();
    await (await startStack({ home, env, parts: database })).stop();
    const other = spawn('sleep', ['60']);
    writeFileSync(join(home, 'postgres', 'postmaster.pid'), `${other.pid}\n${join(home, 'postgres')}\n`);
    const stack = await startStack({ home, env, parts: database });
    expect(other.exitCode).toBe(null);
    other.kill();
    await stack.stop();
  }, 60_000);
});

describe('ratchet up as a process', () => {
  test('killed with -9 it leaves no child', async () => {
    const home = temporaryHome();
    const env = { ...(await stackEnv()), RATCHET_HOME: home };
    const up = ratchet(['up', '--only', 'postgres,temporal'], env);
    await until('the start', () => up.output().includes('Watch all runs there: '));
    expect(up.output()).toMatch(
      /Start a run in the Temporal UI: http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/start-workflow\?taskQueue=ratchet&workflowType=improve&workflowId=arithmetic-\d{8}-\d{6}\n/,
    );
    const state = readState(home)!;
    const processes = [...Object.values(state.parts).map((part) => part!.process!), state.reaper!];
    expect(processes.every(isAlive)).toBe(true);
    up.process.kill('SIGKILL');
    await until('the end of every child', () => !processes.some(isAlive));
    const status = ratchet(['status'], env);
    expect(await status.exit).toBe(1);
    expect(status.output()).toContain('dead');

    // And the next start is not in its way.
    const stack = await startStack({ home, env, parts: database });
    await stack.stop();
  }, 60_000);

  test('with its reaper killed too, down finds the orphans', async () => {
    const home = temporaryHome();
    const env = { ...(await stackEnv()), RATCHET_HOME: home };
    const up = ratchet(['up', '--detach', '--only', 'postgres'], env);
    expect(await up.exit, up.output()).toBe(0);
    const state = readState(home)!;
    process.kill(state.reaper!.pid, 'SIGKILL');
    process.kill(state.supervisor.pid, 'SIGKILL');
    await until('the end of the supervisor', () => !isAlive(state.supervisor));
    const orphan = readState(home)!.parts.postgres!.process!;
    const down = ratchet(['down'], env);
    expect(await down.exit).toBe(0);
    expect(down.output()).toContain('Stopped PostgreSQL.');
    expect(isAlive(orphan)).toBe(false);
  }, 60_000);

  test('detached it goes on after its starter, and down stops it', async () => {
    const home = temporaryHome();
    const env = { ...(await stackEnv()), RATCHET_HOME: home };
    const up = ratchet(['up', '--detach', '--only', 'postgres'], env);
    expect(await up.exit, up.output()).toBe(0);
    const again = ratchet(['up', '--only', 'postgres'], env);
    expect(await again.exit).toBe(0);
    expect(again.output()).toContain('It runs already');
    const json = ratchet(['status', '--json'], env);
    expect(await json.exit).toBe(0);
    expect(JSON.parse(json.output())).toMatchObject({
      healthy: true,
      parts: [{ name: 'postgres', state: 'running' }],
    });
    const { supervisor } = readState(home)!;
    const down = ratchet(['down'], env);
    expect(await down.exit).toBe(0);
    expect(down.output()).toContain('Stopped PostgreSQL.');
    await until('the end of the supervisor', () => !isAlive(supervisor));
  }, 120_000);
});
