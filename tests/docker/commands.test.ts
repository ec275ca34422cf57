/** The commands of the containers, run as processes in folders that hold only what the images hold. */
import { randomBytes } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { searchAttributes } from '../../stack/temporal.ts';
import { TASK_QUEUE, WORKFLOW } from '../../workflows/names.ts';
import { freePort } from '../support/ports.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { tinyRun } from '../support/tiny-run.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';
import {
  commandIn,
  environmentOf,
  healthCommandIn,
  layOutImage,
  readCompose,
  readDockerfile,
} from './compose-file.ts';

const compose = readCompose();
const workerImage = readDockerfile('docker/worker.Dockerfile');
const NAMESPACE = 'composed';

let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let server: Awaited<ReturnType<typeof createTestDatabase>>;
let image: string;
const databaseName = `compose_${randomBytes(6).toString('hex')}`;
const workers = new Map<string, WorkerProcess>();

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

beforeAll(async () => {
  image = mkdtempSync(join(tmpdir(), 'ratchet-image-'));
  layOutImage(workerImage, image);
  [temporal, endpoint, server] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(adder),
    createTestDatabase(),
  ]);
  await onServer(`create database ${databaseName}`);
}, 120_000);

afterAll(async () => {
  await Promise.all([...workers.values()].map((worker) => worker.kill()));
  await temporal?.teardown();
  await onServer(`drop database if exists ${databaseName} with (force)`);
  await server?.drop();
  await endpoint?.close();
  rmSync(image, { recursive: true, force: true });
});

/** What the container of a service runs, here: same words, same variables, other addresses. */
function commandOf(name: string): { argv: [string, ...string[]]; env: Record<string, string> } {
  const service = compose.services[name]!;
  const { hostname, port, username, password } = new URL(server.url);
  const env = environmentOf(service, { POSTGRES_PASSWORD: password, TEMPORAL_NAMESPACE: NAMESPACE });
  env.DATABASE_URL = env.DATABASE_URL!.replace(
    'ratchet@postgres:5432/ratchet',
    `${username}@${hostname}:${port}/${databaseName}`,
  );
  if (env.TEMPORAL_ADDRESS)
    env.TEMPORAL_ADDRESS = env.TEMPORAL_ADDRESS.replace('temporal:7233', temporal.address);
  if (env.MODEL_BASE_URL) env.MODEL_BASE_URL = endpoint.url;
  const command = service.command ?? commandIn(workerImage, 'CMD');
  return { argv: onThisMachine(command), env };
}

function onThisMachine(command: string[]): [string, ...string[]] {
  expect(command[0]).toBe('node');
  return [process.execPath, ...command.slice(1)];
}

async function runToEnd(argv: string[], env: Record<string, string>) {
  const [program, ...args] = argv;
  return promisify(execFile)(program!, args, { cwd: image, env: { PATH: process.env.PATH!, ...env } }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  );
}

it('temporal-setup makes the tables, the namespace and its search attributes, once', async () => {
  const { argv, env } = commandOf('temporal-setup');
  const first = await runToEnd(argv, env);
  expect(first.output).toContain(`namespace ${NAMESPACE}: made`);
  expect(first.code).toBe(0);

  const second = await runToEnd(argv, env);
  expect(second).toMatchObject({ code: 0, output: expect.stringContaining('there already') });

  const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({
    namespace: NAMESPACE,
  });
  expect(Object.keys(customAttributes!)).toEqual(expect.arrayContaining(Object.keys(searchAttributes)));
}, 60_000);

it('a worker per queue runs an iteration, says that it is healthy, and stops when it is told to', async () => {
  const healthPorts = new Map<string, string>();
  const isHealthy = (name: string) =>
    runToEnd(onThisMachine(compose.services[name]!.healthcheck!.test!.slice(1)), {
      RATCHET_HEALTH_PORT: healthPorts.get(name)!,
    });
  expect(compose.services['worker-main']!.healthcheck!.test!.slice(1)).toEqual(healthCommandIn(workerImage));

  for (const name of ['worker-main', 'worker-llm', 'worker-train']) {
    const { argv, env } = commandOf(name);
    // Containers have a network each; here they would meet on one port.
    healthPorts.set(name, String(await freePort()));
    expect((await isHealthy(name)).code).toBe(1);
    env.RATCHET_HEALTH_PORT = healthPorts.get(name)!;
    env.RATCHET_METRICS_PORT = String(await freePort());
    env.RATCHET_METRICS_HOST = '127.0.0.1';
    workers.set(name, await startWorkerProcess(env, { argv, cwd: image }));
    await until(`${name} to be healthy`, async () => (await isHealthy(name)).code === 0);
  }

  const client = new Client({ connection: temporal.connection, namespace: NAMESPACE });
  const handle = await client.workflow.start(WORKFLOW.improve, {
    workflowId: 'composed-run',
    taskQueue: TASK_QUEUE.main,
    // No address: it is the workers' MODEL_BASE_URL.
    args: [{ ...tinyRun(endpoint), models: { generator: { model: adder.baseModel } } }],
  });
  expect(await handle.result()).toMatchObject({ iterations: 1 });

  const served = await activitiesByProcess(client);
  expect(served.get(TASK_QUEUE.main)).toEqual(new Set([workers.get('worker-main')!.pid]));
  expect(served.get(TASK_QUEUE.llm)).toEqual(new Set([workers.get('worker-llm')!.pid]));
  expect(served.get(TASK_QUEUE.train)).toEqual(new Set([workers.get('worker-train')!.pid]));

  const stopping = workers.get('worker-llm')!;
  process.kill(stopping.pid, 'SIGTERM');
  await until('the worker to end', async () => !isAlive(stopping.pid), 20_000);
  expect((await isHealthy('worker-llm')).code).toBe(1);
}, 180_000);

it('the web page and the gateway start from the image, demand a token, and say that they are well', async () => {
  for (const [name, port, token] of [
    ['web', 'RATCHET_WEB_PORT', 'RATCHET_WEB_TOKEN'],
    ['gateway', 'RATCHET_GATEWAY_PORT', 'RATCHET_GATEWAY_TOKEN'],
  ] as const) {
    const { argv, env } = commandOf(name);
    env[port] = String(await freePort());
    const metrics = String(await freePort());
    if (env.RATCHET_GATEWAY_METRICS_PORT) env.RATCHET_GATEWAY_METRICS_PORT = metrics;
    const refused = await runToEnd(argv, env);
    expect(refused.code, name).not.toBe(0);
    expect(refused.output, name).toContain(token);

    const child = spawn(argv[0], argv.slice(1), {
      cwd: image,
      env: { PATH: process.env.PATH!, ...env, [token]: 'a token of this test' },
      stdio: 'inherit',
    });
    try {
      const health = compose.services[name]!.healthcheck!.test!.slice(1).map((word) =>
        word.replace(/:8[34]00/, `:${env[port]}`),
      );
      await until(`${name} to be well`, async () => (await runToEnd(onThisMachine(health), {})).code === 0);
      if (name === 'gateway')
        expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain(
          'ratchet_gateway_requests_total',
        );
    } finally {
      child.kill('SIGKILL');
    }
  }
}, 180_000);

/** Which processes ran the activities of each task queue, over all workflows. */
async function activitiesByProcess(client: Client): Promise<Map<string, Set<number>>> {
  const found = new Map<string, Set<number>>();
  for await (const { workflowId, runId } of client.workflow.list()) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const queues = new Map<string, string>();
    for (const event of events ?? []) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled) queues.set(String(event.eventId), scheduled.taskQueue!.name!);
      const started = event.activityTaskStartedEventAttributes;
      if (!started) continue;
      const queue = queues.get(String(started.scheduledEventId))!;
      // The SDK names a worker `process@machine`.
      const pid = Number(started.identity!.split('@')[0]);
      found.set(queue, (found.get(queue) ?? new Set()).add(pid));
    }
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('the model server answers its health check', async (context) => {
  const python = process.env.RATCHET_PYTHON;
  if (!python) return context.skip('RATCHET_PYTHON is not set: `npm test` sets it');
  const dockerfile = readDockerfile('docker/modelserver.Dockerfile');
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-image-'));
  layOutImage(dockerfile, folder);
  const port = String(await freePort());
  const here = (words: string[]) =>
    words.map((word) =>
      word
        .replaceAll('/app/', `${folder}/`)
        .replaceAll('/var/lib/ratchet', join(folder, 'data'))
        .replaceAll('8111', port)
        .replace('0.0.0.0', '127.0.0.1'),
    );
  const service = compose.services.modelserver!;
  const command = [...commandIn(dockerfile, 'ENTRYPOINT'), ...service.command!];
  const names = ['--allowed-host=generator', '--allowed-host=trainer'];
  expect(service.command).toEqual([...commandIn(dockerfile, 'CMD'), ...names]);
  expect(command[0]).toBe('python');
  const child = spawn(python, here(command.slice(1)), {
    env: { PATH: process.env.PATH!, PYTHONPATH: join(folder, 'modelserver') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const [, , ...check] = here(service.healthcheck!.test!);
    await until(
      'the health check to pass',
      async () => (await runToEnd([python, ...check], {})).code === 0,
      120_000,
    );
    const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
    expect(health).toMatchObject({ status: 'ok', models: ['arithmetic', 'arithmetic-critic'] });
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
