/** Two tokens: one operates, one reviews. Sessions begin with either, and can be ended. */
import { inspect } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../web/app.tsx';
import type { Deps } from '../../web/deps.ts';
import { mayAsk } from '../../web/roles.ts';
import { webSettings } from '../../web/settings.ts';
import { createTestDatabase } from '../support/database.ts';

const TOKEN = 'the token of those who operate';
const REVIEW = 'the token of those who review';
let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const HOME = 'http://127.0.0.1:8400';
const deps = (settings: Partial<Deps['settings']> = {}): Deps => ({
  db: database.db,
  settings: { token: TOKEN, reviewToken: REVIEW, names: [], ...settings },
  temporal: () => Promise.reject(new Error('no Temporal here')),
  ui: { temporalUi: undefined, namespace: 'default' },
  operator: 'ada',
});
type Init = { method?: string; body?: string; headers?: Record<string, string> };
const ask = (path: string, init: Init = {}, settings: Partial<Deps['settings']> = {}) =>
  createApp(deps(settings)).request(HOME + path, {
    ...init,
    headers: { host: '127.0.0.1:8400', ...init.headers },
  });
const post = (fields: Record<string, string>, headers: Record<string, string> = {}): Init => ({
  method: 'POST',
  headers: {
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/x-www-form-urlencoded',
    ...headers,
  },
  body: new URLSearchParams(fields).toString(),
});

async function logIn(token: string): Promise<{ cookie: string }> {
  const answer = await ask('/login', post({ token }, { 'user-agent': 'a browser' }));
  expect(answer.status).toBe(303);
  return { cookie: answer.headers.get('set-cookie')!.split(';')[0]! };
}
const statusOf = async (path: string, headers: Record<string, string>) =>
  (await ask(path, { headers })).status;

/** Every way in which a page is changed. */
const WRITES = [
  '/launch',
  '/discover',
  '/runs/demo/steer/pause',
  '/runs/demo/steer/budget',
  '/runs/demo/steer/reset',
  '/schedules/weekly',
  '/tasks/arithmetic/rollback',
  '/tasks/arithmetic/unpin',
  '/checkpoints/1/promote',
  '/sessions',
  '/whatever/comes/next',
];

test('who reviews sees everything and decides reviews; whatever else changes something is refused', async () => {
  for (const carried of [{ authorization: `Bearer ${REVIEW}` }, await logIn(REVIEW)]) {
    for (const path of ['/', '/review', '/checkpoints'])
      expect(await statusOf(path, carried), path).toBe(200);
    for (const path of ['/launch', '/discover', '/sessions'])
      expect(await statusOf(path, carried), path).toBe(403);
    for (const path of WRITES) expect((await ask(path, post({}, carried))).status, path).toBe(403);
    // There is no such run: but it was asked for.
    expect((await ask('/runs/demo/review', post({ action: 'next' }, carried))).status).toBe(404);
    expect((await ask('/runs/demo/review/1', post({ action: 'accept' }, carried))).status).toBe(404);
  }
  const told = await ask('/launch', { headers: { authorization: `Bearer ${REVIEW}`, accept: 'text/html' } });
  expect(await told.text()).toContain('lets you look and review');
});

test('who operates may do all of it', async () => {
  const carried = await logIn(TOKEN);
  for (const path of ['/', '/launch', '/discover', '/sessions'])
    expect(await statusOf(path, carried), path).toBe(200);
  for (const path of WRITES) expect((await ask(path, post({}, carried))).status, path).not.toBe(403);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'get'])
    expect(mayAsk('review', method, '/runs/x/steer/pause'), method).toBe(false);
  expect(mayAsk('review', 'POST', '/runs/a/review/1/../../steer/stop')).toBe(false);
});

test('a session that was ended, is old or of another token is worth nothing', async () => {
  const [mine, other, third] = [await logIn(TOKEN), await logIn(TOKEN), await logIn(REVIEW)];
  const shown = await (await ask('/sessions', { headers: mine })).text();
  expect(shown).toContain('operates (you)');
  expect(shown).toContain('a browser');
  expect(shown).not.toContain(mine.cookie.split('=')[1]);

  expect((await ask('/logout', post({}, other))).status).toBe(303);
  expect(await statusOf('/', other)).toBe(401);
  expect(await statusOf('/', mine)).toBe(200);

  expect((await ask('/sessions', post({ end: 'others' }, mine))).status).toBe(303);
  expect(await statusOf('/', third)).toBe(401);
  expect(await statusOf('/', mine)).toBe(200);

  const fourth = await logIn(REVIEW);
  const { rows } = await database.db.execute<{ id: string }>(sql`select max(id) as id from web_sessions`);
  expect((await ask('/sessions', post({ end: rows[0]!.id }, mine))).status).toBe(303);
  expect(await statusOf('/', fourth)).toBe(401);
  expect((await ask('/sessions', post({ end: 'x' }, mine))).status).toBe(400);

  expect((await ask('/', { headers: mine }, { token: `${TOKEN} 2` })).status).toBe(401);
  await database.db.execute(sql`update web_sessions set seen_at = now() - interval '7 days'`);
  expect(await statusOf('/', mine)).toBe(401);
  const used = await logIn(TOKEN);
  await database.db.execute(sql`update web_sessions set created_at = now() - interval '30 days'`);
  expect(await statusOf('/', used)).toBe(401);
});

test('a cookie that is no session of ours lets nobody in', async () => {
  for (const cookie of [
    'ratchet_session=',
    'ratchet_session=x',
    `ratchet_session=${TOKEN}`,
    'ratchet_session=%00',
  ])
    expect(await statusOf('/', { cookie }), cookie).toBe(401);
  const { rows } = await database.db.execute<{ digest: string }>(sql`select digest from web_sessions`);
  for (const { digest } of rows)
    expect(await statusOf('/', { cookie: `ratchet_session=${digest}` })).toBe(401);
});

test('an address that can be no text gets 400', async () => {
  for (const path of [
    '/runs/%00',
    '/runs/a%00b/review',
    '/?x=%00',
    '/runs/%zz',
    '/runs/%ff',
    '/events?topic=%00',
  ])
    expect(await statusOf(path, { authorization: `Bearer ${TOKEN}` }), path).toBe(400);
});

test('a database that fails puts nothing of the request into the log', async () => {
  const lines: string[] = [];
  const { error } = console;
  console.error = (...words: unknown[]) =>
    void lines.push(words.map((word) => inspect(word, { depth: 9 })).join(' '));
  try {
    await database.db.execute(sql`alter table runs rename to gone_runs`);
    expect(await statusOf('/runs/what-the-patient-said', { authorization: `Bearer ${TOKEN}` })).toBe(500);
  } finally {
    console.error = error;
    await database.db.execute(sql`alter table gone_runs rename to runs`);
  }
  expect(lines.join('\n')).toContain('does not exist');
  expect(lines.join('\n')).not.toContain('patient');
});

test('the two tokens are told apart, and one alone that reviews is refused', () => {
  expect(webSettings({ RATCHET_WEB_TOKEN: TOKEN, RATCHET_WEB_REVIEW_TOKEN: REVIEW })).toMatchObject({
    token: TOKEN,
    reviewToken: REVIEW,
  });
  expect(() => webSettings({ RATCHET_WEB_REVIEW_TOKEN: REVIEW })).toThrow('RATCHET_WEB_TOKEN');
  expect(() => webSettings({ RATCHET_WEB_TOKEN: TOKEN, RATCHET_WEB_REVIEW_TOKEN: TOKEN })).toThrow(
    'another one',
  );
  expect(() => webSettings({ RATCHET_WEB_TOKEN: TOKEN, RATCHET_WEB_REVIEW_TOKEN: 'short' })).toThrow(
    'RATCHET_WEB_REVIEW_TOKEN has 5',
  );
});
