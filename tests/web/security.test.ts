/** What stands between the page and whoever calls it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../web/app.tsx';
import type { Deps } from '../../web/deps.ts';
import { sameSecret } from '../../process/access.ts';
import { sessionOf } from '../../web/security.ts';
import { webSettings } from '../../web/settings.ts';
import { createTestDatabase } from '../support/database.ts';

const TOKEN = 'correct horse battery staple';
let database: Awaited<ReturnType<typeof createTestDatabase>>;
const deps = (settings: Partial<Deps['settings']> = {}): Deps => ({
  db: database.db,
  settings: { token: undefined, names: [], ...settings },
  temporal: () => Promise.reject(new Error('no Temporal here')),
  ui: { temporalUi: undefined, namespace: 'default' },
  operator: 'ada',
});
const HOME = 'http://127.0.0.1:8400';
const here = { host: '127.0.0.1:8400' };

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

type Init = { method?: string; body?: string; headers?: Record<string, string> };
const ask = (path: string, init: Init = {}, settings: Partial<Deps['settings']> = {}) =>
  createApp(deps(settings)).request(HOME + path, { ...init, headers: { ...here, ...init.headers } });

test('every answer carries a policy that runs and loads nothing of others', async () => {
  for (const path of ['/', '/assets/app.js', '/nowhere', '/events', '/login']) {
    const { headers } = await ask(path);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-frame-options')).toBe('DENY');
  }
  expect((await ask('/')).headers.get('cache-control')).toBe('no-store');
});

test('a name that somebody else points here is refused, a configured one is not', async () => {
  const from = (host: string, names: string[] = []) => ask('/healthz', { headers: { host } }, { names });
  for (const host of [
    'evil.example',
    'evil.example:8400',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '',
  ]) {
    const answer = await from(host);
    expect(answer.status, host).toBe(421);
    expect(await answer.text()).toContain('RATCHET_WEB_NAMES');
  }
  for (const host of ['127.0.0.1:8400', 'localhost', '[::1]:8400', '192.168.1.20:8400', 'ratchet.localhost'])
    expect((await from(host)).status, host).toBe(200);
  expect((await from('box.lan:8400', ['box.lan'])).status).toBe(200);
});

test('a write is taken from this page alone', async () => {
  const write = (headers: Record<string, string>) => ask('/logout', { method: 'POST', headers });
  const refused: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: HOME },
    { origin: 'http://evil.example' },
    { origin: 'http://127.0.0.1:9999' },
    { origin: 'null' },
    {},
  ];
  for (const headers of refused) {
    const answer = await write(headers);
    expect(answer.status, JSON.stringify(headers)).toBe(403);
  }
  const taken: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin' },
    { origin: HOME },
    { authorization: 'Bearer x' },
  ];
  for (const headers of taken) expect((await write(headers)).status, JSON.stringify(headers)).toBe(303);
});

test('a body that is too large is refused', async () => {
  const answer = await ask('/login', {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${'x'.repeat(300_000)}`,
  });
  expect(answer.status).toBe(413);
});

test.each([
  ['no boundary', 'multipart/form-data', 'x'],
  ['another boundary', 'multipart/form-data; boundary=b', '--a\r\n\r\nx\r\n--a--'],
  ['a part that is cut off', 'multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-d'],
  ['zeros', 'multipart/form-data; boundary=b', '\0'.repeat(100)],
])('a form that cannot be read (%s) is refused, and is no fault of the page', async (_, type, body) => {
  for (const path of ['/login', '/launch', '/checkpoints/1/promote', '/runs/none/review']) {
    const headers = { 'sec-fetch-site': 'same-origin', 'content-type': type };
    expect((await ask(path, { method: 'POST', headers, body })).status, path).toBe(400);
  }
});

describe('with a token', () => {
  const settings = { token: TOKEN };
  const form = (fields: Record<string, string>) => ({
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });

  test('nothing is shown before it is given', async () => {
    for (const path of ['/', '/events?topic=runs', '/runs/demo', '/samples/1', '/nowhere'])
      expect((await ask(path, {}, settings)).status, path).toBe(401);
    const person = await ask('/runs/demo?x=1', { headers: { accept: 'text/html' } }, settings);
    expect(person.status).toBe(302);
    expect(person.headers.get('location')).toBe('/login?to=%2Fruns%2Fdemo%3Fx%3D1');
    expect((await ask('/assets/app.css', {}, settings)).status).toBe(200);
  });

  test('it is taken from the login form, which sets a cookie that scripts cannot read, and from a header', async () => {
    const wrong = await ask('/login', form({ token: `${TOKEN}.` }), settings);
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('set-cookie')).toBeNull();
    expect(await wrong.text()).toContain('That is not the token');

    const right = await ask('/login', form({ token: TOKEN, to: '/runs/demo' }), settings);
    expect(right.status).toBe(303);
    expect(right.headers.get('location')).toBe('/runs/demo');
    const cookie = right.headers.get('set-cookie')!;
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(TOKEN);
    const session = cookie.split(';')[0]!;
    expect((await ask('/', { headers: { cookie: session } }, settings)).status).toBe(200);
    expect((await ask('/', { headers: { cookie: session } }, { token: `${TOKEN}2` })).status).toBe(401);
    expect((await ask('/', { headers: { authorization: `Bearer ${TOKEN}` } }, settings)).status).toBe(200);
    expect((await ask('/', { headers: { authorization: `Bearer ${TOKEN}x` } }, settings)).status).toBe(401);
    // A wrong header is not made good by a right cookie.
    const both = { cookie: session, authorization: 'Bearer wrong' };
    expect((await ask('/', { headers: both }, settings)).status).toBe(401);
  });

  test('logging in leads nowhere else', async () => {
    for (const to of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      const answer = await ask('/login', form({ token: TOKEN, to }), settings);
      expect(answer.headers.get('location'), to).toBe('/');
    }
  });
});

test('secrets are compared whole, and a session tells nothing of its token', () => {
  expect(sameSecret('abc', 'abc')).toBe(true);
  expect(sameSecret('abc', 'abd')).toBe(false);
  expect(sameSecret('', 'abc')).toBe(false);
  expect(sessionOf(TOKEN)).toMatch(/^[0-9a-f]{64}$/);
  expect(sessionOf(TOKEN)).not.toBe(sessionOf(`${TOKEN} `));
});

test('an address that others can reach is not served without a token', () => {
  expect(webSettings({})).toEqual({ host: '127.0.0.1', port: 8400, token: undefined, names: [] });
  for (const host of ['0.0.0.0', '::', '192.168.1.20', 'box.lan'])
    expect(() => webSettings({ RATCHET_WEB_HOST: host }), host).toThrow(/set RATCHET_WEB_TOKEN/);
  for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost'])
    expect(webSettings({ RATCHET_WEB_HOST: host }).host).toBe(host);
  expect(() => webSettings({ RATCHET_WEB_TOKEN: 'short' })).toThrow(/5 characters/);
  expect(() => webSettings({ RATCHET_WEB_PORT: 'x' })).toThrow(/RATCHET_WEB_PORT=x/);
  expect(
    webSettings({ RATCHET_WEB_HOST: '0.0.0.0', RATCHET_WEB_TOKEN: TOKEN, RATCHET_WEB_NAMES: 'Box.lan, b' }),
  ).toMatchObject({ host: '0.0.0.0', token: TOKEN, names: ['box.lan', 'b'] });
});
