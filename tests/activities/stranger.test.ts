/** A stranger starts runs, as anybody can who reaches Temporal: what they name is neither read, nor run, nor sent, nor quoted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { ImproveInput } from '../../loop/input.ts';
import { forgetSecrets } from '../../process/secrets.ts';
import { until as waitUntil } from '../support/wait.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import type { Fault, Script } from '../support/scripted-endpoint.ts';

let fault: Fault | undefined;
const script: Script = { ...adder, fault: () => fault };
const loop = useLoop(script);
const folder = mkdtempSync(join(tmpdir(), 'ratchet-stranger-'));
const SECRET = 'hunter2-of-the-house';
const seen: IncomingHttpHeaders[] = [];
const elsewhere = createServer((request, response) => {
  seen.push(request.headers);
  response.statusCode = 401;
  response.setHeader('content-type', 'application/json').end('{"error":{"message":"who are you"}}');
});
const evil = () => `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/v1`;

beforeAll(async () => {
  await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
});
afterAll(() => {
  elsewhere.closeAllConnections();
  elsewhere.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  vi.stubEnv('RATCHET_TASKS', join(folder, 'tasks'));
  vi.stubEnv('RATCHET_KEYS', `MY_KEY@gpu.example`);
  for (const name of ['MY_KEY', 'DATABASE_PASSWORD', 'OPENAI_API_KEY', 'PGPASSWORD'])
    vi.stubEnv(name, `${SECRET}-${name}`);
  forgetSecrets();
  seen.length = 0;
  fault = undefined;
});
afterEach(() => vi.unstubAllEnvs());

let n = 0;
/** All that Temporal holds of a run, and how it ended; one that waits is ended when it says `until`. */
async function historyOf(input: ImproveInput, until?: string): Promise<{ text: string; failure: string }> {
  const id = `stranger-${++n}`;
  const handle = await loop.start(id, input);
  const textOf = async () =>
    JSON.stringify((await handle.fetchHistory()).events, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
  if (until !== undefined) {
    await waitUntil(`the run to say ${until}`, async () => (await textOf()).includes(until), 60_000);
    const text = await textOf();
    await handle.terminate();
    return { text, failure: '' };
  }
  const failure = await handle.result().then(
    () => '',
    (error: unknown) => inspect(error, { depth: 9 }),
  );
  return { text: await textOf(), failure };
}

it('names files: none is read, and nothing of one is said', async () => {
  const secret = join(folder, 'secret.jsonl');
  writeFileSync(secret, `${SECRET}\n`);
  writeFileSync(
    join(folder, 'evil.ts'),
    `globalThis.ran = true; throw new Error(${JSON.stringify(SECRET)});`,
  );
  writeFileSync(join(folder, 'evil.yaml'), `${SECRET}: 1\n`);
  const inputs: ImproveInput[] = [
    { promptsFile: secret },
    { promptsFile: '/etc/passwd' },
    { promptsFile: '/proc/self/environ' },
    { task: join(folder, 'evil.ts') },
    { task: join(folder, 'evil.yaml') },
    { task: 'workers/main.ts' },
    { task: '../../../../etc/x.yaml' },
  ];
  for (const input of inputs) {
    const { text, failure } = await historyOf(input);
    expect(failure, JSON.stringify(input)).toContain('InvalidInput');
    expect(text, JSON.stringify(input)).toMatch(/workers may not (read|run) it/);
    expect(text, JSON.stringify(input)).not.toContain(SECRET);
    expect(text, JSON.stringify(input)).not.toContain('root:x');
  }
  expect(globalThis).not.toHaveProperty('ran');
});

it('names keys: none goes where it is not meant to go', async () => {
  for (const apiKeyEnv of [
    'MY_KEY',
    'DATABASE_PASSWORD',
    'OPENAI_API_KEY',
    'PGPASSWORD',
    'DATABASE_URL',
    'RATCHET_KEYS',
    'PATH',
    'sk-a-key',
  ]) {
    const { text, failure } = await historyOf({
      models: { generator: { baseURL: evil(), model: 'm', apiKeyEnv } },
    });
    expect(failure, apiKeyEnv).toContain('InvalidInput');
    expect(text, apiKeyEnv).toMatch(/may not go to|own and goes to no endpoint|must be the name/);
    expect(text, apiKeyEnv).not.toContain(SECRET);
  }
  expect(seen).toEqual([]);
});

it('gets no key out of an endpoint that echoes it: not into Temporal, not into the database', async () => {
  const host = new URL(loop.endpoint.url).host;
  vi.stubEnv('RATCHET_KEYS', `MY_KEY@${host}`);
  const key = `${SECRET}-MY_KEY`;
  fault = { status: 400, message: `Incorrect API key provided: ${key} (Bearer ${key})`, code: 'bad' };
  const { text, failure } = await historyOf(
    loop.small({
      models: { generator: { baseURL: loop.endpoint.url, model: 'adder', apiKeyEnv: 'MY_KEY' } },
    }),
    'Incorrect API key',
  );
  expect(loop.endpoint.received.at(-1)!.headers.authorization).toBe(`Bearer ${key}`);
  expect(failure + text).toContain('Incorrect API key');
  expect(failure + text).not.toContain(SECRET);
  const tables = await loop.rows<{ name: string }>(
    sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  for (const { name } of tables) {
    const found = await loop.rows(
      sql`select 1 from ${sql.identifier(name)} t where t::text like ${'%hunter2%'} limit 1`,
    );
    expect(found, name).toEqual([]);
  }
});

it('a key with a line break is named by its variable, and told nobody', async () => {
  const host = new URL(loop.endpoint.url).host;
  vi.stubEnv('RATCHET_KEYS', `MY_KEY@${host}`);
  vi.stubEnv('MY_KEY', `${SECRET}\nsecond-line-of-it`);
  const { text, failure } = await historyOf({
    models: { generator: { baseURL: loop.endpoint.url, model: 'adder', apiKeyEnv: 'MY_KEY' } },
  });
  expect(failure).toContain('InvalidInput');
  expect(text).toContain('MY_KEY has a line break');
  expect(text).not.toMatch(/hunter2|second-line/);
});
