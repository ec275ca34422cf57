/** Which key goes where: the workers' environment decides, never a run's input. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { keyFor, KeyError, keyNames, keyPairs, keyProblem } from '../../models/keys.ts';
import { addGrants } from '../../process/grants.ts';

afterEach(() => vi.unstubAllEnvs());

const KEY = 'sk-a-key-of-mine';
const OPENAI = 'https://api.openai.com/v1';
const env = (more: Record<string, string> = {}) => ({
  OPENAI_API_KEY: KEY,
  MODEL_API_KEY: KEY,
  MY_KEY: KEY,
  ...more,
});

test('the usual pairs need no setting, and no other host sees these keys', () => {
  expect(keyFor(OPENAI, 'OPENAI_API_KEY', env())).toBe(KEY);
  const local = { MODEL_BASE_URL: 'http://gpu:8000/v1' };
  expect(keyFor('http://gpu:8000/v1', 'MODEL_API_KEY', env(local))).toBe(KEY);
  for (const [url, name] of [
    ['https://evil.example/v1', 'OPENAI_API_KEY'],
    ['http://api.openai.com/v1', 'OPENAI_API_KEY'],
    ['https://api.openai.com.evil.example/v1', 'OPENAI_API_KEY'],
    ['https://api.openai.com:444/v1', 'OPENAI_API_KEY'],
    ['https://api.openai.com@evil.example/v1', 'OPENAI_API_KEY'],
    ['http://gpu:8000/v1', 'OPENAI_API_KEY'],
    ['http://gpu:8001/v1', 'MODEL_API_KEY'],
    ['https://evil.example/v1', 'MY_KEY'],
  ] as const)
    expect(() => keyFor(url, name, env(local)), `${name} → ${url}`).toThrow(/may not go to .*RATCHET_KEYS=/);
});

test('RATCHET_KEYS pairs a variable with a host, a host and port, or an origin', () => {
  const given = { RATCHET_KEYS: 'MY_KEY@gpu.example, MY_KEY@other:8000\nMY_KEY@https://third.example' };
  for (const url of [
    'http://gpu.example/v1',
    'https://GPU.example:9000/v1',
    'http://other:8000/v1',
    'https://third.example/v1',
  ])
    expect(keyFor(url, 'MY_KEY', env(given)), url).toBe(KEY);
  for (const url of ['http://x.gpu.example/v1', 'http://other:8001/v1', 'http://third.example/v1'])
    expect(() => keyFor(url, 'MY_KEY', env(given)), url).toThrow('may not go to');
  for (const bad of [
    'MY_KEY',
    '@host',
    'MY_KEY@',
    'MY-KEY@host',
    'A@b@c',
    'DATABASE_URL@host',
    'RATCHET_WEB_TOKEN@host',
  ])
    expect(() => keyPairs(bad), bad).toThrow(KeyError);
});

test('what is ours and the database’s goes nowhere, whatever is allowed', () => {
  for (const name of [
    'DATABASE_URL',
    'database_url',
    'PGPASSWORD',
    'POSTGRES_PASSWORD',
    'RATCHET_WEB_TOKEN',
    'RATCHET_GATEWAY_TOKEN',
    'TEMPORAL_API_KEY',
    'MODEL_BASE_URL',
    'PATH',
  ])
    expect(() => keyFor(OPENAI, name, { [name]: 'x', RATCHET_KEYS: '' }), name).toThrow("Ratchet's own");
  for (const name of ['sk-abcdefghijklmnop', '', 'A B', 'A\nB', '__proto__.x'])
    expect(() => keyFor(OPENAI, name, {}), name).toThrow('not the key itself');
  expect(() => keyFor(OPENAI, 'sk-abcdefghijklmnop', {})).not.toThrow('sk-abc');
});

test('what the user of the stack paired in a command is sent there', () => {
  const home = mkdtempSync(join(tmpdir(), 'ratchet-keys-'));
  try {
    expect(() => keyFor('http://gpu:8111/v1', 'MY_KEY', env({ RATCHET_HOME: home }))).toThrow('may not go');
    addGrants(home, [
      { key: 'MY_KEY', to: 'http://gpu:8111' },
      { key: 'DATABASE_URL', to: 'http://gpu:8111' },
    ]);
    expect(keyFor('http://gpu:8111/v1', 'MY_KEY', env({ RATCHET_HOME: home }))).toBe(KEY);
    expect(() => keyFor('http://gpu:8112/v1', 'MY_KEY', env({ RATCHET_HOME: home }))).toThrow('may not go');
    expect(keyNames({ RATCHET_HOME: home, RATCHET_KEYS: 'B_KEY@h' })).toEqual([
      'OPENAI_API_KEY',
      'B_KEY',
      'MODEL_API_KEY',
      'MY_KEY',
    ]);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('a key that no header can carry is named by its variable and never quoted', () => {
  const given = { RATCHET_KEYS: 'MY_KEY@gpu' };
  for (const key of [
    'abc-secret\n',
    ' abc-secret',
    'abc-\nsecret',
    'abc-sécret',
    'abc-\0secret',
    'abc-secret\u2028x',
  ]) {
    const problem = keyProblem(key);
    expect(problem, JSON.stringify(key)).toBeDefined();
    const told = (() => {
      try {
        return keyFor('http://gpu/v1', 'MY_KEY', { ...given, MY_KEY: key });
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(told).toContain('MY_KEY');
    expect(told).not.toContain('abc-');
  }
  expect(keyProblem('a key')).toBeUndefined();
});

test('no key of any bytes gets into what is said of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 8, maxLength: 60 }), (key) => {
      const problem = keyProblem(key);
      if (problem === undefined)
        expect(new Headers({ authorization: `Bearer ${key}` }).get('authorization')).toBe(`Bearer ${key}`);
      else expect(problem.includes(key)).toBe(false);
    }),
    { seed: 13 },
  );
});

test('an endpoint is sent nothing of the environment but the key that is named for it', async () => {
  let seen: IncomingHttpHeaders = {};
  const server = createServer((request, response) => {
    seen = request.headers;
    response.setHeader('content-type', 'application/json').end('{"object":"list","data":[]}');
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  try {
    for (const name of [
      'OPENAI_API_KEY',
      'OPENAI_ADMIN_KEY',
      'OPENAI_ORG_ID',
      'OPENAI_PROJECT_ID',
      'OPENAI_WEBHOOK_SECRET',
    ])
      vi.stubEnv(name, 'stays-at-home');
    vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'X-Own: stays-at-home\nX-Other: stays-at-home');
    await resolveEndpoint('generator', { baseURL }, 'm').client.models.list();
    expect(JSON.stringify(seen)).not.toContain('stays-at-home');
    vi.stubEnv('MY_KEY', 'goes-there');
    vi.stubEnv('RATCHET_KEYS', 'MY_KEY@127.0.0.1');
    await resolveEndpoint('generator', { baseURL, apiKeyEnv: 'MY_KEY' }, 'm').client.models.list();
    expect(seen.authorization).toBe('Bearer goes-there');
    expect(JSON.stringify(seen)).not.toContain('stays-at-home');
    expect(() => resolveEndpoint('generator', { baseURL, apiKeyEnv: 'DATABASE_URL' }, 'm')).toThrow(
      "Ratchet's own",
    );
  } finally {
    server.close();
  }
});
