import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { tryLock } from '../../process/lock.ts';
import { portClaims } from '../../stack/port-claims.ts';
import { choosePorts } from '../../stack/ports.ts';
import { isAlive, processRecord } from '../../process/process-info.ts';
import { runToEnd, startChild } from '../../stack/processes.ts';
import { supervise } from '../../stack/supervise.ts';
import { freePort } from '../support/ports.ts';
import { temporaryHome, until } from './helpers.ts';

test('a port that the user asked for and that is taken is refused by number, with its holder and what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as { port: number };
  const asking = choosePorts(['postgres'], { RATCHET_POSTGRES_PORT: String(port) });
  await expect(asking).rejects.toThrow(
    new RegExp(
      `^Port ${port}, which RATCHET_POSTGRES_PORT gives to PostgreSQL, is taken.*set RATCHET_POSTGRES_PORT to a free port\\.$`,
    ),
  );
  await expect(choosePorts(['postgres'], { RATCHET_POSTGRES_PORT: 'x' })).rejects.toThrow(
    'RATCHET_POSTGRES_PORT=x is not a port',
  );
  server.close();
});

test('a usual port that is taken is stepped over, with a note', async () => {
  const [first] = await choosePorts(['modelserver'], {});
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(first!.port, '127.0.0.1', resolve));
  const [second] = await choosePorts(['modelserver'], {});
  expect(second!.port).toBeGreaterThan(first!.port);
  expect(second!.note).toMatch(/^port \d+ is taken.*: using \d+$/);
  server.close();
});

test('stacks that choose at the same moment choose different ports, and a stack that stops gives its own back', async () => {
  const stacks = Array.from({ length: 4 }, portClaims);
  const chosen = await Promise.all(stacks.map((claims) => choosePorts(['web', 'gateway'], {}, claims)));
  const ports = chosen.flatMap((of) => of.map(({ port }) => port));
  expect(new Set(ports).size).toBe(8);
  const again = portClaims();
  expect(again.take(ports[0]!)).toBe(false);
  stacks[0]!.release();
  expect(again.take(ports[0]!)).toBe(true);
  for (const claims of [...stacks, again]) claims.release();
});

test('a lock names its holder, and a holder that is gone holds nothing', async () => {
  const file = join(temporaryHome(), 'some.lock');
  const first = tryLock(file);
  if (!('lock' in first)) throw new Error('the lock was not free');
  expect(tryLock(file)).toEqual({ holder: processRecord(process.pid) });
  first.lock.release();

  const home = temporaryHome();
  const script = `import { tryLock } from ${JSON.stringify(join(import.meta.dirname, '../../process/lock.ts'))}; tryLock(${JSON.stringify(file)})`;
  await runToEnd({
    command: process.execPath,
    args: ['--input-type=module', '-e', script],
    logFile: join(home, 'log'),
  });
  expect(readFileSync(file, 'utf8')).toContain('pid');
  expect(tryLock(file)).toHaveProperty('lock');
});

test('a process that is stopped takes what it started with it', async () => {
  const home = temporaryHome();
  const child = await startChild({
    command: 'sh',
    args: ['-c', 'sleep 300 & echo $!; wait'],
    logFile: join(home, 'log'),
  });
  await until('the inner process', () => /^\d+$/m.test(child.output()));
  const inner = processRecord(Number(child.output().trim()));
  expect(isAlive(inner)).toBe(true);
  await child.stop();
  await until('its end', () => !isAlive(inner), 3000);
});

test('a set-up command that fails shows its last lines, one that hangs is stopped', async () => {
  // Its folder is made with it.
  const logFile = join(temporaryHome(), 'logs', 'log');
  await expect(runToEnd({ command: 'sh', args: ['-c', 'echo no luck; exit 3'], logFile })).rejects.toThrow(
    /exit code 3[^]*no luck/,
  );
  await expect(runToEnd({ command: 'sleep', args: ['60'], logFile, timeoutMs: 200 })).rejects.toThrow(
    /did not finish/,
  );
  await expect(runToEnd({ command: 'no-such-program', args: [], logFile })).rejects.toThrow(
    /no-such-program cannot be started/,
  );
});

test('a part that is not ready when it dies is reported with the last lines of its log', async () => {
  const home = temporaryHome();
  mkdirSync(join(home, 'logs'));
  const starting = supervise({
    title: 'Worker',
    part: {
      kind: 'local',
      address: '',
      env: {},
      spec: {
        command: 'sh',
        args: ['-c', 'echo cannot reach the moon >&2; exit 1'],
        logFile: join(home, 'logs', 'worker.log'),
      },
      readyTimeoutMs: 5000,
      ready: () => Promise.reject(new Error('not yet')),
    },
    env: {},
    onChange: () => undefined,
    onEvent: () => undefined,
    onGiveUp: () => undefined,
  });
  await expect(starting).rejects.toThrow(
    /^Worker ended: exit code 1\.[^]*worker\.log[^]*cannot reach the moon/,
  );
});

test('a part that keeps dying is started again with growing pauses, then given up', async () => {
  const home = temporaryHome();
  const port = await freePort();
  const events: string[] = [];
  let gaveUp: Error | undefined;
  const supervised = await supervise({
    title: 'Worker',
    part: {
      kind: 'local',
      address: `127.0.0.1:${port}`,
      env: {},
      spec: {
        command: 'sh',
        args: ['-c', 'echo ready; sleep 0.2; echo out of luck; exit 9'],
        logFile: join(home, 'log'),
      },
      readyTimeoutMs: 5000,
      ready: async (output) => {
        if (!output.includes('ready')) throw new Error('not yet');
        return '1';
      },
    },
    env: {},
    onChange: () => undefined,
    onEvent: (line) => void events.push(line),
    onGiveUp: (error) => (gaveUp = error),
  });
  await until('giving up', () => gaveUp !== undefined, 20_000);
  expect(gaveUp!.message).toMatch(/^Worker failed 5 times in a row[^]*exit code 9[^]*out of luck/);
  expect(
    events.filter((line) => line.includes('starting it again')).map((line) => /in (\S+) s/.exec(line)![1]),
  ).toEqual(['0.5', '1', '2', '4']);
  await supervised.stop();
  await sleep(10);
}, 30_000);
