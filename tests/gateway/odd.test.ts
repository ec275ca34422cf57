/** What no well-behaved client or endpoint sends: it is refused in words, or recorded all the same, and nothing of it is logged. */
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewaySettings } from '../../gateway/environment.ts';
import { isTooDeep } from '../../gateway/json.ts';
import { startGateway, type RunningGateway } from '../../gateway/server.ts';
import { addressProblem } from '../../process/access.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import type { Fault, Script } from '../support/scripted-endpoint.ts';

let fault: Fault | undefined;
const script: Script = { ...adder, fault: () => fault };
const loop = useLoop(script);
const lines: string[] = [];
let gateway: RunningGateway;

beforeAll(async () => {
  const models = { generator: { baseURL: loop.endpoint.url, model: 'adder' } };
  await loop.improve('odd', loop.small({ models }));
  const env = { DATABASE_URL: loop.database.url, RATCHET_GATEWAY_PORT: '0', RATCHET_GATEWAY_STORE: 'all' };
  gateway = await startGateway(
    gatewaySettings(env),
    pino({}, { write: (line: string) => void lines.push(line) }),
  );
}, 180_000);
afterAll(() => gateway?.close());

const post = (path: string, body: string) =>
  fetch(`${gateway.address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
const chat = (content: string) =>
  post(
    '/v1/chat/completions',
    JSON.stringify({ model: 'arithmetic', messages: [{ role: 'user', content }] }),
  );

test('JSON that is nested 100,000 deep is refused with 400, wherever it stands', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const body of [
    deep,
    `{"model":"arithmetic","messages":${deep}}`,
    '{"a":'.repeat(100_000),
    '['.repeat(100_000),
  ]) {
    for (const path of ['/v1/chat/completions', '/v1/feedback']) {
      const answer = await post(path, body);
      expect(answer.status, `${path} ${body.slice(0, 20)}`).toBe(400);
      expect(((await answer.json()) as { error: { message: string } }).error.message).toContain(
        'nested more than',
      );
    }
  }
  expect((await chat('0000000001+0000000002')).status).toBe(200);
});

test('depth is counted outside of strings, at the limit', () => {
  expect(isTooDeep(`${'['.repeat(200)}${']'.repeat(200)}`)).toBe(false);
  expect(isTooDeep(`${'['.repeat(201)}${']'.repeat(201)}`)).toBe(true);
  expect(isTooDeep(JSON.stringify({ text: '[{'.repeat(1000), quote: '"\\"[[' }))).toBe(false);
  expect(isTooDeep(`[${'[],'.repeat(1000)}[]]`)).toBe(false);
});

test('an address that can be no text gets 400', async () => {
  for (const path of [
    '/v1/models/%00',
    '/v1/models/a%00b',
    '/v1/models/x?y=%00',
    '/v1/models/%zz',
    '/v1/models/%ff',
  ])
    expect((await fetch(gateway.address + path)).status, path).toBe(400);
  expect((await fetch(`${gateway.address}/v1/models/%F0%9F%92%A1`)).status).toBe(404);
  expect(addressProblem('http://h/a?b=%E4%BD%A0+c')).toBeUndefined();
  expect(addressProblem('http://h')).toBeUndefined();
});

const reply = (content: string, more: object = {}) => ({
  id: 'x',
  object: 'chat.completion',
  model: 'adder',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 4 },
  ...more,
});

test('an answer with odd characters, names and counts is given to the client and recorded', async () => {
  const odd = ['\0', 'a\0b', '\ud83d', '\udca1x', '\u2028', '\uffff', '\u202e', '\u0001'];
  const bodies: object[] = [
    ...odd.map((text) => reply(text)),
    ...odd.map((text) => reply('x', { id: text, system_fingerprint: text, model: text })),
    reply('x', { usage: { prompt_tokens: 3e9, completion_tokens: -1 } }),
    reply('x', { usage: { prompt_tokens: 1e308, completion_tokens: 0.5 } }),
    reply('x', { usage: null }),
  ];
  for (const body of bodies) {
    fault = { kind: 'reply', body };
    const answer = await chat('0000000001+0000000002');
    expect(answer.status, JSON.stringify(body)).toBe(200);
    const { id } = (await answer.json()) as { id: string };
    const rows = await loop.rows(sql`select * from gateway_completions where id = ${id}`);
    expect(rows, JSON.stringify(body)).toHaveLength(1);
  }
  fault = undefined;
  for (const text of odd) {
    const { id } = (await (await chat(`${text}0000000001+0000000002`)).json()) as { id: string };
    expect(await loop.rows(sql`select * from gateway_completions where id = ${id}`), text).toHaveLength(1);
  }
  expect(lines.filter((line) => line.includes('could not be recorded'))).toEqual([]);
});

test('a database that fails puts no text of anybody into the log', async () => {
  const secret = 'what the patient told us in confidence';
  lines.length = 0;
  await loop.database.db.execute(sql`alter table gateway_completions rename to gone_completions`);
  try {
    expect((await chat(secret)).status).toBe(200);
    const feedback = {
      completion: 'chatcmpl-x',
      rating: 'down',
      correction: secret,
      note: secret,
      by: secret,
    };
    expect((await post('/v1/feedback', JSON.stringify(feedback))).status).toBeGreaterThanOrEqual(400);
  } finally {
    await loop.database.db.execute(sql`alter table gone_completions rename to gateway_completions`);
  }
  expect(lines.join('')).toContain('could not be recorded');
  expect(lines.join('')).not.toContain('patient');
});
