/** Where nobody names a model, the only one that an endpoint serves is taken, and several are listed as the choices. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { EndpointError } from '../../models/endpoint.ts';
import { onlyModel } from '../../models/list.ts';

let server: Server | undefined;
afterEach(() => new Promise<void>((done) => (server ? server.close(() => done()) : done())));

async function serving(data: object[], status = 200): Promise<string> {
  server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(status === 200 ? { object: 'list', data } : { error: { message: 'no such page' } }),
    );
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server!.once('listening', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const base = (id: string, more: object = {}) => ({ id, object: 'model', parent: null, ...more });

it.each([
  ['the only one', [base('small')], 'small'],
  ['the base beside its adapters', [base('small'), base('small:a1', { parent: 'small' })], 'small'],
  ['one without a parent field (llama.cpp, OpenAI)', [{ id: 'm.gguf' }, { id: 'ft:m:org::1' }], 'm.gguf'],
  [
    'one that is not built in',
    [base('arithmetic', { builtin: true }), base('real', { builtin: false })],
    'real',
  ],
  ['the built-in one where there is no other', [base('arithmetic', { builtin: true })], 'arithmetic'],
  ['the first of several names of one model', [base('a', { root: '/m' }), base('b', { root: '/m' })], 'a'],
])('takes %s', async (_, data, model) => {
  expect(await onlyModel('generator', { baseURL: await serving(data) })).toBe(model);
});

async function refusal(data: object[], status?: number): Promise<string> {
  const error: unknown = await onlyModel('generator', { baseURL: await serving(data, status) }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EndpointError);
  return (error as EndpointError).message;
}

it('names the choices where there are several, some of very many', async () => {
  expect(await refusal([base('a'), base('b')])).toMatch(
    /^No model for the generator is named, and http:\S+ serves 2: a, b\. Choose one with --model, or models\.generator\.model/,
  );
  const many = Array.from({ length: 30 }, (_, i) => base(`m${i}`));
  expect(await refusal(many)).toContain('m19, and 10 more.');
});

it('says so where none is served, or the endpoint lists none', async () => {
  expect(await refusal([])).toMatch(/^No model for the generator: http:\S+ lists none\. Name one/);
  expect(await refusal([], 404)).toMatch(/can't be asked which it serves \(404 no such page\)/);
});
