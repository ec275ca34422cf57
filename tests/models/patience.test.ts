/** An endpoint that thinks for longer than Node's fetch waits is answered to, within the client's own time. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetchJson } from '../../models/transport.ts';

const usual = getGlobalDispatcher();
const server = createServer((_, response) => {
  setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'), 3000);
});
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

beforeAll(() => {
  // In place of Node's five minutes.
  setGlobalDispatcher(new Agent({ headersTimeout: 500 }));
  return new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  setGlobalDispatcher(usual);
  server.close();
});

it('is waited for', async () => {
  await expect(fetch(url())).rejects.toThrow('fetch failed');
  expect(await (await fetchJson(url())).json()).toEqual({ ok: true });
});

it('is not waited for beyond the time that the client grants', async () => {
  await expect(fetchJson(url(), { signal: AbortSignal.timeout(300) })).rejects.toThrow('aborted');
});
