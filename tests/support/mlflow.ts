/**
 * An MLflow server for tests: the real one where RATCHET_TEST_MLFLOW names a Python that has it (`pip install mlflow`), else a scripted one
 * that answers as its REST interface is documented, and is stricter: a point that is logged twice is there twice.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { until } from './wait.ts';

type Json = Record<string, unknown>;
type Answer = { status: number; body: string | Json };

export type TestMlflow = {
  url: string;
  /** Forwards this request to the server, and leaves the client without an answer. */
  swallow: ((path: string, body: string) => boolean) | undefined;
  get(path: string): Promise<Json>;
  post(path: string, body: Json): Promise<Json>;
  artifact(path: string): Promise<{ status: number; text: string }>;
  stop(): Promise<void>;
};

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const missing: Answer = { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'none' } };
const refused = (message: string): Answer => ({
  status: 400,
  body: { error_code: 'INVALID_PARAMETER_VALUE', message },
});

type Entry = { key: string; value: unknown; step?: number; timestamp?: number };
type Run = { info: Json & { run_id: string }; metrics: Entry[]; params: Entry[]; tags: Map<string, string> };

/** What a server holds, and how it answers. */
function scripted() {
  const experiments: string[] = [];
  const runs = new Map<string, Run>();
  const artifacts = new Map<string, Buffer>();
  const shown = (run: Run) => ({
    info: run.info,
    data: {
      metrics: [...Map.groupBy(run.metrics, (one) => one.key).values()].map((points) =>
        points.toSorted((a, b) => a.step! - b.step!).at(-1),
      ),
      params: run.params,
      tags: [...run.tags].map(([key, value]) => ({ key, value })),
    },
  });
  const log = (body: { run_id: string; metrics?: Entry[]; params?: Entry[]; tags?: Entry[] }): Answer => {
    const run = runs.get(body.run_id);
    if (!run) return missing;
    if ((body.params?.length ?? 0) > 100 || (body.metrics?.length ?? 0) > 1000) return refused('too many');
    for (const param of body.params ?? []) {
      const known = run.params.find((one) => one.key === param.key);
      if (known && known.value !== param.value) return refused(`${param.key} has a value already`);
      if (!known) run.params.push(param);
    }
    run.metrics.push(...(body.metrics ?? []));
    for (const { key, value } of body.tags ?? []) run.tags.set(key, String(value));
    return { status: 200, body: {} };
  };
  const calls: Record<string, (query: URLSearchParams, body: never) => Answer> = {
    'experiments/get-by-name': (query) => {
      const at = experiments.indexOf(query.get('experiment_name')!);
      if (at < 0) return missing;
      return { status: 200, body: { experiment: { experiment_id: String(at), lifecycle_stage: 'active' } } };
    },
    'experiments/create': (_, { name }: { name: string }) => ({
      status: 200,
      body: { experiment_id: String(experiments.push(name) - 1) },
    }),
    'runs/search': (_, { filter }: { filter: string }) => {
      const [, key, value] = /^tags\.`(.+)` = '(.+)'$/.exec(filter)!;
      const found = [...runs.values()].filter((run) => run.tags.get(key!) === value);
      return { status: 200, body: found.length > 0 ? { runs: found.map(shown) } : {} };
    },
    'runs/create': (_, body: { experiment_id: string; run_name: string; tags: Entry[] }) => {
      const id = `run${runs.size}`;
      const run: Run = {
        info: {
          run_id: id,
          run_name: body.run_name,
          status: 'RUNNING',
          artifact_uri: `mlflow-artifacts:/0/${id}`,
        },
        metrics: [],
        params: [],
        tags: new Map(body.tags.map(({ key, value }) => [key, String(value)])),
      };
      runs.set(id, run);
      return { status: 200, body: { run: shown(run) } };
    },
    'runs/get': (query) => {
      const run = runs.get(query.get('run_id')!);
      return run ? { status: 200, body: { run: shown(run) } } : missing;
    },
    'runs/log-batch': (_, body) => log(body),
    'runs/update': (_, { run_id, ...changes }: Json & { run_id: string }) => {
      Object.assign(runs.get(run_id)!.info, changes);
      return { status: 200, body: {} };
    },
    'metrics/get-history': (query) => {
      const { metrics } = runs.get(query.get('run_id')!)!;
      return { status: 200, body: { metrics: metrics.filter((one) => one.key === query.get('metric_key')) } };
    },
  };
  return async (method: string, url: URL, body: Buffer): Promise<Answer> => {
    const file = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/(.+)$/.exec(url.pathname)?.[1];
    if (file !== undefined) {
      if (method === 'PUT') artifacts.set(file, body);
      const stored = artifacts.get(file);
      return stored ? { status: 200, body: method === 'PUT' ? {} : stored.toString() } : missing;
    }
    const call = calls[url.pathname.replace('/api/2.0/mlflow/', '')];
    if (!call) return missing;
    return call(url.searchParams, (body.length > 0 ? JSON.parse(body.toString()) : undefined) as never);
  };
}

/** The server of `pip install mlflow`, with a database and a store of artifacts of its own. */
async function real(python: string) {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'ratchet-mlflow-'))];
  const child = spawn(
    python,
    [
      '-m',
      'mlflow',
      'server',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--workers',
      '1',
      '--backend-store-uri',
      `sqlite:///${folder}/mlflow.db`,
      '--artifacts-destination',
      `${folder}/artifacts`,
    ],
    { stdio: 'ignore', cwd: folder, detached: true },
  );
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await until(
    'the MLflow server',
    async () => {
      if (child.exitCode !== null) throw new Error(`the MLflow server ended with ${child.exitCode}`);
      return fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    180_000,
  );
  return {
    forward: async (method: string, path: URL, body: Buffer): Promise<Answer> => {
      const response = await fetch(`${url}${path.pathname}${path.search}`, {
        method,
        ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
        headers: { 'content-type': 'application/json' },
      });
      return { status: response.status, body: await response.text() };
    },
    stop: async () => {
      // Its web server is a process of its own.
      process.kill(-child.pid!, 'SIGTERM');
      await exited;
    },
  };
}

export async function startMlflow(): Promise<TestMlflow> {
  const python = process.env.RATCHET_TEST_MLFLOW;
  const behind = python ? await real(python) : { forward: scripted(), stop: async () => undefined };
  const server = createServer((request, response) => {
    void bodyOf(request).then(async (body) => {
      const url = new URL(request.url!, 'http://mlflow');
      const { status, body: answer } = await behind.forward(request.method!, url, body);
      if (mlflow.swallow?.(url.pathname, body.toString())) return request.socket.destroy();
      const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
      return response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const json = async (path: string, init: RequestInit = {}) =>
    (await (await fetch(`${url}/api/2.0/mlflow/${path}`, init)).json()) as Json;
  const mlflow: TestMlflow = {
    url,
    swallow: undefined,
    get: (path) => json(path),
    post: (path, body) => json(path, { method: 'POST', body: JSON.stringify(body) }),
    artifact: async (path) => {
      const response = await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${path}`);
      return { status: response.status, text: await response.text() };
    },
    stop: async () => {
      server.close();
      await behind.stop();
    },
  };
  return mlflow;
}
