import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gatewaySettings } from '../../gateway/environment.ts';
import { connectionOptions, queuePrefix, temporalSettings, withProfile } from '../../process/temporal.ts';
import { environmentOf } from '../../stack/environment.ts';
import { workerEnvironment } from '../../workers/environment.ts';
import { fairnessKey, identify, queueBeside, taskQueues } from '../../workflows/names.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-temporal-'));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const config = file(
  'temporal.toml',
  `[profile.default]
address = "usual.example:7233"
[profile.cloud]
address = "cloud.example:7233"
namespace = "team.a1b2c"
api_key = "of the profile"
[profile.cloud.tls]
server_name = "frontend.example"
`,
);
const DATABASE_URL = 'postgresql://127.0.0.1/ratchet';

test('a profile says where Temporal is and how one gets in, and a variable comes before it', () => {
  const env = { TEMPORAL_CONFIG_FILE: config, TEMPORAL_PROFILE: 'cloud' };
  const settings = temporalSettings(env);
  expect(settings).toMatchObject({ address: 'cloud.example:7233', namespace: 'team.a1b2c' });
  expect(settings.credentials).toMatchObject({
    apiKey: 'of the profile',
    tls: { serverNameOverride: 'frontend.example' },
  });
  const over = temporalSettings({
    ...env,
    TEMPORAL_NAMESPACE: 'other',
    TEMPORAL_API_KEY: 'k',
    TEMPORAL_TLS: '',
  });
  expect(over).toMatchObject({ address: 'cloud.example:7233', namespace: 'other' });
  expect(over.credentials.apiKey).toBe('k');
  expect(temporalSettings({ TEMPORAL_CONFIG_FILE: config }).address).toBe('usual.example:7233');
});

test('workers, the gateway and the commands take the profile', () => {
  const env = { DATABASE_URL, TEMPORAL_CONFIG_FILE: config, TEMPORAL_PROFILE: 'cloud' };
  const worker = workerEnvironment(env);
  expect(worker.temporal).toMatchObject({ address: 'cloud.example:7233', apiKey: 'of the profile' });
  expect(worker.temporalNamespace).toBe('team.a1b2c');
  expect(gatewaySettings(env).temporal).toEqual({ temporal: 'cloud.example:7233', namespace: 'team.a1b2c' });
  expect(withProfile(env)).toMatchObject({ TEMPORAL_ADDRESS: 'cloud.example:7233' });
});

test('a client certificate goes with its key, from a file or as it is', () => {
  const crt = file('client.pem', 'the certificate');
  const settings = temporalSettings({
    TEMPORAL_ADDRESS: 'h:7233',
    TEMPORAL_TLS_CLIENT_CERT_PATH: crt,
    TEMPORAL_TLS_CLIENT_KEY_DATA: 'the key',
    TEMPORAL_TLS_SERVER_NAME: 'inner',
  });
  const { tls } = settings.credentials;
  if (typeof tls !== 'object' || tls === null) throw new Error('no TLS');
  expect(tls.serverNameOverride).toBe('inner');
  expect(Buffer.from(tls.clientCertPair!.crt).toString()).toBe('the certificate');
  expect(Buffer.from(tls.clientCertPair!.key).toString()).toBe('the key');
});

test('what can not be used is named', () => {
  expect(() => temporalSettings({ TEMPORAL_CONFIG_FILE: join(folder, 'none.toml') })).toThrow(
    /TEMPORAL_CONFIG_FILE: there is no file .*none\.toml/,
  );
  expect(() => temporalSettings({ TEMPORAL_CONFIG_FILE: config, TEMPORAL_PROFILE: 'staging' })).toThrow(
    /TEMPORAL_PROFILE=staging.*staging/,
  );
  expect(() => temporalSettings({ TEMPORAL_TLS_CLIENT_CERT_DATA: 'x' })).toThrow(
    'TEMPORAL_TLS_CLIENT_KEY_PATH: missing',
  );
  expect(() => temporalSettings({ TEMPORAL_TLS_CLIENT_KEY_PATH: '/k' })).toThrow(
    'TEMPORAL_TLS_CLIENT_CERT_PATH: missing',
  );
  expect(() => queuePrefix({ RATCHET_TASK_QUEUE_PREFIX: 'team a' })).toThrow('RATCHET_TASK_QUEUE_PREFIX');
  expect(() => queuePrefix({ RATCHET_TASK_QUEUE_PREFIX: 'a'.repeat(65) })).toThrow('at most 64');
  expect(queuePrefix({ RATCHET_TASK_QUEUE_PREFIX: 'a'.repeat(64) })).toHaveLength(64);
});

test('credentials go to the server that they were given for, and to no other', () => {
  const env = { TEMPORAL_ADDRESS: 'cloud.example:7233', TEMPORAL_API_KEY: 'k' };
  expect(connectionOptions('cloud.example:7233', env)).toMatchObject({ apiKey: 'k', tls: true });
  expect(connectionOptions('127.0.0.1:7233', env)).not.toHaveProperty('apiKey');
  expect(connectionOptions('127.0.0.1:7233', { TEMPORAL_API_KEY: 'k' })).not.toHaveProperty('tls');
});

test('what clients and workers must have alike reaches every part that has a client or a worker', () => {
  const env = {
    RATCHET_TASK_QUEUE_PREFIX: 'team-a',
    RATCHET_PAYLOAD_CODEC: '/codec.mjs',
    TEMPORAL_PROFILE: 'cloud',
    TEMPORAL_TLS_CLIENT_KEY_PATH: '/k',
  };
  for (const part of ['worker', 'sandbox', 'web', 'gateway'] as const)
    expect(environmentOf(part, env), part).toEqual(env);
  for (const part of ['postgres', 'modelserver'] as const) expect(environmentOf(part, env)).toEqual({});
});

test('a prefix stands before every queue, and a workflow finds the others from its own', () => {
  expect(taskQueues('')).toEqual({
    main: 'ratchet',
    llm: 'ratchet-llm',
    train: 'ratchet-train',
    sandbox: 'ratchet-sandbox',
  });
  for (const prefix of ['', 'team-a', 'ratchet']) {
    const queues = taskQueues(prefix);
    for (const name of ['main', 'llm', 'train', 'sandbox'] as const)
      expect(queueBeside(queues.main, name)).toBe(queues[name]);
  }
  // A queue of somebody else's making.
  expect(queueBeside('mine', 'llm')).toBe('ratchet-llm');
});

test('the key of a run has at most 64 bytes, and its iterations share it', () => {
  expect(fairnessKey('a'.repeat(64))).toBe('a'.repeat(64));
  for (const id of ['a'.repeat(65), 'ä'.repeat(33), '😀'.repeat(17)]) {
    const key = fairnessKey(id);
    expect(new TextEncoder().encode(key).length).toBeLessThanOrEqual(64);
    expect(id.startsWith(key), id).toBe(true);
    expect(key.length).toBeGreaterThan(10);
  }
  expect(identify('weekly/iteration-3/checks-7').run).toBe('weekly');
});
