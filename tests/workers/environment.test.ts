import { expect, it } from 'vitest';
import { workerEnvironment } from '../../workers/environment.ts';
import { serveHealth, type WorkerState } from '../../workers/health.ts';

const DATABASE_URL = 'postgresql://127.0.0.1/ratchet';

it('needs nothing but a database', () => {
  const env = workerEnvironment({ DATABASE_URL });
  expect(env.queues).toEqual(['main', 'llm', 'train']);
  expect(env.temporal).toEqual({ address: '127.0.0.1:7233' });
  expect(env.deployment).toBeUndefined();
  expect(env.health).toBeUndefined();
});

it('takes a variable that is set to nothing as not set', () => {
  const env = workerEnvironment({ DATABASE_URL, RATCHET_SLOTS_LLM: '', TEMPORAL_DEPLOYMENT_NAME: '' });
  expect(env.slots.llm).toBeUndefined();
  expect(env.deployment).toBeUndefined();
});

it('names every bad variable at once', () => {
  const bad = {
    RATCHET_SLOTS_TRAIN: '0',
    RATCHET_SLOTS_LLM: 'many',
    RATCHET_QUEUES: 'main,gpu',
    RATCHET_HEALTH_PORT: '99999',
    RATCHET_VERSIONING: 'latest',
    MODEL_BASE_URL: 'gpu:8000',
  };
  let message = '';
  try {
    workerEnvironment(bad);
  } catch (error) {
    message = (error as Error).message;
  }
  for (const name of ['DATABASE_URL', ...Object.keys(bad)]) expect(message).toContain(name);
  expect(message).toContain('ratchet up');
});

it('wants the name and the build of a deployment together', () => {
  expect(() => workerEnvironment({ DATABASE_URL, TEMPORAL_DEPLOYMENT_NAME: 'ratchet' })).toThrow(
    'TEMPORAL_WORKER_BUILD_ID: missing, but TEMPORAL_DEPLOYMENT_NAME is set',
  );
  expect(() => workerEnvironment({ DATABASE_URL, TEMPORAL_WORKER_BUILD_ID: '1' })).toThrow(
    'TEMPORAL_DEPLOYMENT_NAME: missing, but TEMPORAL_WORKER_BUILD_ID is set',
  );
  const both = { DATABASE_URL, TEMPORAL_DEPLOYMENT_NAME: 'ratchet', TEMPORAL_WORKER_BUILD_ID: '1.2+abc' };
  expect(workerEnvironment(both).deployment).toEqual({
    deploymentName: 'ratchet',
    buildId: '1.2+abc',
    versioning: 'auto-upgrade',
  });
});

it('uses TLS with an API key, and where it is told to', () => {
  expect(workerEnvironment({ DATABASE_URL, TEMPORAL_API_KEY: 'k' }).temporal.tls).toBe(true);
  expect(workerEnvironment({ DATABASE_URL, TEMPORAL_TLS: 'true' }).temporal.tls).toBeTruthy();
  expect(workerEnvironment({ DATABASE_URL, TEMPORAL_TLS: 'false' }).temporal.tls).toBeUndefined();
});

it('is healthy only while every worker runs', async () => {
  let states: WorkerState[] = [];
  const server = await serveHealth({ host: '127.0.0.1', port: 0 }, () => states);
  try {
    const ask = () => fetch(`http://127.0.0.1:${server.port}/health`);
    expect((await ask()).status).toBe(503);

    states = [
      { queue: 'ratchet', state: 'RUNNING' },
      { queue: 'ratchet-llm', state: 'RUNNING' },
    ];
    const well = await ask();
    expect(well.status).toBe(200);
    expect(await well.json()).toEqual({ status: 'ok', workers: states });

    states[1]!.state = 'DRAINING';
    const draining = await ask();
    expect(draining.status).toBe(503);
    expect(await draining.json()).toEqual({ status: 'unavailable', workers: states });

    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
    await expect(serveHealth({ host: '127.0.0.1', port: server.port }, () => states)).rejects.toThrow(
      'RATCHET_HEALTH_PORT',
    );
  } finally {
    await server.close();
  }
});
