/** What a process of the local stack knows, who may look into its data folder, and whom its Temporal answers. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentOf, keysIn } from '../../stack/environment.ts';
import { handKeys } from '../../stack/hand-keys.ts';
import { makeHome } from '../../stack/home.ts';
import { probeEndpoint } from '../../stack/modelserver.ts';
import { startChild } from '../../stack/processes.ts';
import { startStack } from '../../stack/stack.ts';
import { partNames } from '../../stack/state.ts';
import { uiRefusal } from '../../stack/ui-proxy.ts';
import { gatewaySchema } from '../../gateway/environment.ts';
import { workerSchema } from '../../workers/environment.ts';
import { addGrants } from '../../process/grants.ts';
import { stackEnv, temporaryHome, until } from './helpers.ts';

const SECRETS = {
  OPENAI_API_KEY: 'sk-openai-1234567890',
  MODEL_API_KEY: 'model-key-1234567890',
  MY_KEY: 'my-key-1234567890',
  AWS_SECRET_ACCESS_KEY: 'aws-1234567890',
  GITHUB_TOKEN: 'gh-1234567890',
  HF_TOKEN: 'hf-1234567890',
  SSH_AUTH_SOCK: '/tmp/agent',
  RATCHET_WEB_TOKEN: 'web-token-1234567890',
  RATCHET_GATEWAY_TOKEN: 'gateway-token-1234567890',
  TEMPORAL_API_KEY: 'temporal-1234567890',
  DATABASE_URL: 'postgresql://ratchet:db-1234567890@127.0.0.1/ratchet',
  PGPASSWORD: 'pg-1234567890',
  NODE_AUTH_TOKEN: 'npm-1234567890',
};
const PLAIN = {
  PATH: '/bin',
  HOME: '/root',
  HTTPS_PROXY: 'http://proxy:3128',
  CUDA_VISIBLE_DEVICES: '0',
  RATCHET_TASKS: '/tasks',
};

const secretsIn = (part: (typeof partNames)[number], more: NodeJS.ProcessEnv = {}) =>
  Object.keys(environmentOf(part, { ...SECRETS, ...PLAIN, ...more })).filter((name) => name in SECRETS);

test('each process gets the secrets that it reads and no others', () => {
  const database = ['DATABASE_URL', 'PGPASSWORD'];
  expect(secretsIn('postgres')).toEqual([]);
  expect(secretsIn('temporal')).toEqual([]);
  expect(secretsIn('modelserver')).toEqual([]);
  expect(secretsIn('sandbox')).toEqual(['TEMPORAL_API_KEY']);
  expect(secretsIn('web').toSorted()).toEqual(
    [...database, 'RATCHET_WEB_TOKEN', 'TEMPORAL_API_KEY'].toSorted(),
  );
  const keys = ['OPENAI_API_KEY', 'MODEL_API_KEY'];
  expect(secretsIn('worker').toSorted()).toEqual([...database, ...keys, 'TEMPORAL_API_KEY'].toSorted());
  expect(secretsIn('gateway').toSorted()).toEqual(
    [...database, ...keys, 'RATCHET_GATEWAY_TOKEN', 'TEMPORAL_API_KEY'].toSorted(),
  );
  for (const part of partNames)
    expect(environmentOf(part, PLAIN), part).toMatchObject({
      PATH: '/bin',
      HTTPS_PROXY: 'http://proxy:3128',
    });
  expect(environmentOf('modelserver', PLAIN)).toHaveProperty('CUDA_VISIBLE_DEVICES');
});

test('worker and gateway get every variable that their schemas name', () => {
  for (const [part, schema] of [
    ['worker', workerSchema],
    ['gateway', gatewaySchema],
  ] as const) {
    const all = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, 'x']));
    expect(environmentOf(part, { ...all, MODEL_BASE_URL: 'http://x/v1', RATCHET_KEYS: '' }), part).toEqual({
      ...all,
      MODEL_BASE_URL: 'http://x/v1',
      RATCHET_KEYS: '',
    });
  }
});

test('a key that RATCHET_KEYS pairs, and what RATCHET_PASS names, goes along', () => {
  expect(secretsIn('worker', { RATCHET_KEYS: 'MY_KEY@gpu:8000' })).toContain('MY_KEY');
  expect(secretsIn('modelserver', { RATCHET_KEYS: 'MY_KEY@gpu:8000' })).toEqual([]);
  expect(secretsIn('modelserver', { RATCHET_PASS: 'HF_TOKEN' })).toEqual(['HF_TOKEN']);
  expect(secretsIn('postgres', { RATCHET_PASS: 'HF_TOKEN' })).toEqual([]);
  expect(secretsIn('sandbox', { RATCHET_PASS: 'HF_TOKEN' })).toEqual(['TEMPORAL_API_KEY']);
});

test('a key that the user pairs with a host after the start is handed to a process that runs', async () => {
  const home = mkdtempSync(join(tmpdir(), 'ratchet-hand-'));
  makeHome(home);
  const main = join(home, 'child.ts');
  const module = new URL('../../process/handed-keys.ts', import.meta.url).href;
  writeFileSync(
    main,
    `import { receiveKeys } from ${JSON.stringify(module)}; receiveKeys(); console.log('ready');
     setInterval(() => console.log('has', process.env.MY_KEY?.length ?? 0), 50);`,
  );
  const child = await startChild({
    command: process.execPath,
    args: [main],
    env: { PATH: process.env.PATH },
    bare: true,
    channel: true,
    logFile: join(home, 'log'),
  });
  const seen: string[][] = [];
  const stop = handKeys({ MY_KEY: SECRETS.MY_KEY, PATH: '' }, home, (keys) => {
    seen.push(Object.keys(keys));
    child.send({ keys });
  });
  try {
    await until('the first words', () => child.output().includes('has 0'));
    expect(seen[0]).toEqual([]);
    addGrants(home, [{ key: 'MY_KEY', to: 'http://gpu:8111' }]);
    await until('the key', () => child.output().includes(`has ${SECRETS.MY_KEY.length}`));
    expect(keysIn({ MY_KEY: 'x', OTHER_KEY: 'y', RATCHET_HOME: home })).toEqual({ MY_KEY: 'x' });
  } finally {
    stop();
    await child.stop();
    rmSync(home, { recursive: true });
  }
});

test('the data folder is its user’s alone, one that was open before too', () => {
  const home = join(mkdtempSync(join(tmpdir(), 'ratchet-home-')), 'data');
  makeHome(home);
  const closed = () =>
    ['', 'logs', 'modelserver', 'tasks'].map((name) => statSync(join(home, name)).mode & 0o777);
  expect(closed()).toEqual([0o700, 0o700, 0o700, 0o700]);
  chmodSync(home, 0o755);
  chmodSync(join(home, 'logs'), 0o755);
  makeHome(home);
  expect(closed()).toEqual([0o700, 0o700, 0o700, 0o700]);
  // A folder that somebody has for other things as well keeps its own rights.
  const shared = mkdtempSync(join(tmpdir(), 'ratchet-shared-'));
  chmodSync(shared, 0o755);
  mkdirSync(join(shared, 'other'));
  makeHome(shared);
  expect(statSync(shared).mode & 0o777).toBe(0o755);
  expect(statSync(join(shared, 'logs')).mode & 0o777).toBe(0o700);
});

test('looking whether an endpoint is there sends it no key', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((asked, response) => {
    seen.push(asked.headers);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const before = { ...process.env };
  Object.assign(process.env, SECRETS);
  try {
    await probeEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
  } finally {
    process.env = before;
    server.close();
  }
  expect(seen).toHaveLength(1);
  expect(JSON.stringify(seen)).not.toMatch(/authorization|1234567890/);
});

type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: string };
const ask = (url: string, headers: Record<string, string>, method = 'GET', body = ''): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body: text }));
    });
    asked.once('error', reject);
    asked.end(body);
  });

describe('the Temporal of the stack', () => {
  test('answers programs and pages of this machine, and no page of another name or origin', async () => {
    const home = temporaryHome();
    const stack = await startStack({
      home,
      env: await stackEnv(SECRETS_WITHOUT_SERVERS),
      parts: ['temporal'],
    });
    try {
      const ui = stack.env.TEMPORAL_UI_URL!;
      const { host } = new URL(ui);
      const own = await ask(`${ui}/`, { host });
      expect(own.status).toBe(200);
      expect(own.headers['set-cookie']?.[0]).toContain('_csrf=');
      expect(
        (await ask(`${ui}/api/v1/namespaces/default`, { host: host.replace('127.0.0.1', 'localhost') }))
          .status,
      ).toBe(200);
      const link = {
        host,
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      };
      expect((await ask(`${ui}/namespaces/default/workflows`, link)).status).toBe(200);
      const strange: Record<string, string>[] = [
        { host: 'evil.example' },
        { host: `evil.example:${new URL(ui).port}` },
        { host: `127.0.0.1.evil.example` },
        { host, origin: 'http://evil.example' },
        { host, origin: 'http://127.0.0.1:9999' },
        { host, origin: 'null' },
        { host, 'sec-fetch-site': 'cross-site' },
        { host, 'sec-fetch-site': 'same-site' },
        { ...link, 'sec-fetch-dest': 'iframe' },
      ];
      for (const headers of strange) {
        const answer = await ask(`${ui}/`, headers);
        expect(answer.status, JSON.stringify(headers)).toBe(403);
        expect(answer.headers['set-cookie'], JSON.stringify(headers)).toBeUndefined();
      }
      const { pid } = stack.state.parts.temporal!.process!;
      if (existsSync(`/proc/${pid}/environ`))
        for (const value of Object.values(SECRETS_WITHOUT_SERVERS))
          expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(value);
      await refusesHttp(pid, new URL(ui).port);
    } finally {
      await stack.stop();
    }
    await expect(ask(stack.env.TEMPORAL_UI_URL!, {})).rejects.toThrow('ECONNREFUSED');
  });

  test('is visited by links, and read by its own pages alone', () => {
    const of = (headers: Record<string, string>, method = 'GET') =>
      uiRefusal({ method, headers: { host: 'localhost:8233', ...headers } });
    expect(of({})).toBeUndefined();
    expect(of({ origin: 'http://localhost:8233' }, 'POST')).toBeUndefined();
    expect(of({ 'sec-fetch-site': 'same-origin' }, 'POST')).toBeUndefined();
    const visit = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect(of(visit)).toBeUndefined();
    expect(of(visit, 'POST')).toContain('another site');
    expect(of({ host: '' })).toContain('localhost');
  });
});

const { DATABASE_URL: _d, TEMPORAL_API_KEY: _t, ...SECRETS_WITHOUT_SERVERS } = SECRETS;

/** Its HTTP API starts workflows for whoever asks: nobody may. */
async function refusesHttp(pid: number, uiPort: string): Promise<void> {
  let listening: string;
  try {
    listening = execFileSync('ss', ['-Hltnp'], { encoding: 'utf8' });
  } catch {
    return;
  }
  const addresses = listening
    .split('\n')
    .filter((line) => line.includes(`pid=${pid},`))
    .map((line) => line.trim().split(/\s+/)[3]!);
  expect(addresses.length).toBeGreaterThan(1);
  expect(addresses).not.toContain(`127.0.0.1:${uiPort}`);
  const start = JSON.stringify({ workflowType: { name: 'improve' }, taskQueue: { name: 'nowhere' } });
  for (const address of addresses) {
    for (const host of [address, 'localhost', 'evil.example']) {
      const answer = await ask(
        `http://${address}/namespaces/default/workflows/stranger-${host}`,
        { host, 'content-type': 'text/plain' },
        'POST',
        start,
      ).catch(() => undefined);
      expect(answer?.body ?? '', `${address} as ${host}`).not.toContain('runId');
    }
  }
}
