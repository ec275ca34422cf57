/**
 * Adapters at each kind of server: scripted ones that answer as the documentation or the sources of the real ones have it (vLLM's and SGLang's
 * HTTP servers, Ollama's and llama.cpp's descriptions of their API, LM Studio's REST API).
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { adapterFields, loadAdapter, serverKind, unloadAdapter } from '../../models/adapters.ts';
import { chat } from '../../models/chat.ts';
import { resolveEndpoint, type Endpoint } from '../../models/endpoint.ts';

type Asked = { method: string; path: string; body: string };
type Answer = { status?: number; text?: string; json?: unknown };
type Running = { url: string; asked: Asked[]; server: Server };

const running: Running[] = [];
afterEach(() => {
  for (const { server } of running.splice(0)) server.close();
});

/** A server that answers what `routes` says (`METHOD /path`), and 404 to everything else. */
async function start(routes: Record<string, Answer | ((body: string) => Answer)>): Promise<Running> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [method, path, body] = [request.method!, request.url!, Buffer.concat(chunks).toString()];
      asked.push({ method, path, body });
      const known = routes[`${method} ${path}`];
      const found = typeof known === 'function' ? known(body) : (known ?? { status: 404, text: 'Not Found' });
      const text = found.json === undefined ? (found.text ?? '') : JSON.stringify(found.json);
      const type = found.json === undefined ? 'text/plain' : 'application/json';
      response
        .writeHead(found.status ?? 200, { 'content-type': type })
        .end(method === 'HEAD' ? undefined : text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const one = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked, server };
  running.push(one);
  return one;
}

const listOf = (owner: string) => ({
  json: { object: 'list', data: [{ id: 'base', object: 'model', owned_by: owner }] },
});
const completion = {
  json: {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'base',
    choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  },
};

function adapterAt({ url }: Running, changes: Partial<Endpoint> = {}): Endpoint {
  return {
    ...resolveEndpoint('generator', { baseURL: url }, 'base'),
    model: 'sums-3',
    base: 'base',
    ...changes,
  };
}

const signal = AbortSignal.timeout(60_000);
const sent = ({ asked }: Running, path: string) =>
  asked.filter((one) => one.path === path).map(({ body }) => JSON.parse(body) as unknown);
const question = { messages: [{ role: 'user' as const, content: '1 + 1?' }], maxTokens: 5, temperature: 0 };

/** The folder of an adapter, as a trainer names it. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ratchet-adapter-'));
  writeFileSync(join(path, 'adapter_model.safetensors'), 'weights');
  writeFileSync(join(path, 'adapter_config.json'), '{"r": 8}');
  return path;
}

describe('vLLM', () => {
  const routes = {
    'GET /v1/models': listOf('vllm'),
    'POST /v1/load_lora_adapter': { text: "Success: LoRA adapter 'sums-3' added successfully." },
    'POST /v1/unload_lora_adapter': { text: "Success: LoRA adapter 'sums-3' removed successfully." },
    'POST /v1/chat/completions': completion,
  };

  it('loads and unloads by call, and calls an adapter by its name', async () => {
    const server = await start(routes);
    const endpoint = adapterAt(server);
    expect(await serverKind(endpoint)).toBe('vllm');
    await loadAdapter(endpoint, 'sums-3', '/adapters/3', signal);
    expect(sent(server, '/v1/load_lora_adapter')).toEqual([
      { lora_name: 'sums-3', lora_path: '/adapters/3' },
    ]);
    expect((await chat(endpoint, question)).choices[0]!.text).toBe('yes');
    expect(sent(server, '/v1/chat/completions')).toMatchObject([{ model: 'sums-3' }]);
    await unloadAdapter(endpoint, 'sums-3', signal);
    expect(sent(server, '/v1/unload_lora_adapter')).toEqual([{ lora_name: 'sums-3' }]);
    // What it is was asked once.
    expect(server.asked.filter(({ path }) => path === '/v1/models')).toHaveLength(1);
  });

  it('one that is loaded, or gone, already is no error, and a refusal is told in its words', async () => {
    const message =
      "The lora adapter 'sums-3' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.";
    const loaded = await start({
      ...routes,
      'POST /v1/load_lora_adapter': { status: 400, json: { error: { message } } },
      'POST /v1/unload_lora_adapter': {
        status: 404,
        json: { error: { message: "The lora adapter 'sums-3' cannot be found." } },
      },
    });
    await loadAdapter(adapterAt(loaded), 'sums-3', '/adapters/3', signal);
    await unloadAdapter(adapterAt(loaded), 'sums-3', signal);
    const full = await start({
      ...routes,
      'POST /v1/load_lora_adapter': {
        status: 400,
        json: { error: { message: 'LoRA rank 64 is greater than max_lora_rank 16.' } },
      },
    });
    await expect(loadAdapter(adapterAt(full), 'sums-3', '/adapters/3', signal)).rejects.toThrow(
      /did not load the adapter sums-3 from \/adapters\/3.*max_lora_rank 16/,
    );
  });

  it('an adapter counts as served when each replica has it, and each forgets it', async () => {
    const [one, two] = [await start(routes), await start(routes)];
    const balancer = await start(routes);
    const replicas = [one.url, two.url];
    const settings = { baseURL: balancer.url, replicas };
    const endpoint = { ...resolveEndpoint('generator', settings, 'base'), model: 'sums-3', base: 'base' };
    await loadAdapter(endpoint, 'sums-3', '/adapters/3', signal);
    await unloadAdapter(endpoint, 'sums-3', signal);
    for (const server of [one, two]) {
      expect(sent(server, '/v1/load_lora_adapter')).toHaveLength(1);
      expect(sent(server, '/v1/unload_lora_adapter')).toHaveLength(1);
    }
    expect(balancer.asked).toEqual([]);

    const broken = await start({
      ...routes,
      'POST /v1/load_lora_adapter': { status: 500, text: 'out of memory' },
    });
    const half = resolveEndpoint(
      'generator',
      { baseURL: balancer.url, replicas: [one.url, broken.url] },
      'base',
    );
    await expect(loadAdapter(half, 'sums-4', '/adapters/4', signal)).rejects.toThrow(
      `${broken.url} did not load the adapter sums-4 from /adapters/4: out of memory`,
    );
  });
});

it('a server that is none of the others is taken for one that has vLLM’s routes', async () => {
  const server = await start({
    'GET /v1/models': listOf('ratchet'),
    'POST /v1/load_lora_adapter': { text: 'ok' },
  });
  await loadAdapter(adapterAt(server), 'sums-3', '/adapters/3', signal);
  expect(await serverKind(adapterAt(server))).toBe('vllm');
});

it('SGLang has its routes at the root, and calls an adapter BASE:NAME', async () => {
  const server = await start({
    'GET /v1/models': listOf('sglang'),
    'POST /load_lora_adapter': { json: { success: true, loaded_adapters: { 'sums-3': '/adapters/3' } } },
    'POST /unload_lora_adapter': { json: { success: true, loaded_adapters: {} } },
    'POST /v1/chat/completions': completion,
  });
  const endpoint = adapterAt(server);
  await loadAdapter(endpoint, 'sums-3', '/adapters/3', signal);
  expect(sent(server, '/load_lora_adapter')).toEqual([{ lora_name: 'sums-3', lora_path: '/adapters/3' }]);
  await chat(endpoint, question);
  expect(sent(server, '/v1/chat/completions')).toMatchObject([{ model: 'base:sums-3' }]);
  await unloadAdapter(endpoint, 'sums-3', signal);
  expect(sent(server, '/unload_lora_adapter')).toEqual([{ lora_name: 'sums-3' }]);
});

it('Ollama is sent the files of an adapter and makes a model of it, which is deleted', async () => {
  const digests = ['weights', '{"r": 8}'].map(
    (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`,
  );
  const [weights, config] = digests as [string, string];
  const server = await start({
    'GET /v1/models': listOf('library'),
    'GET /api/version': { json: { version: '0.12.6' } },
    [`HEAD /api/blobs/${config}`]: { status: 200 },
    [`POST /api/blobs/${weights}`]: { status: 201 },
    'POST /api/create': { json: { status: 'success' } },
    'DELETE /api/delete': { status: 200 },
  });
  const endpoint = adapterAt(server);
  await loadAdapter(endpoint, 'sums-3', folder(), signal);
  const posted = server.asked.filter(
    ({ method, path }) => method === 'POST' && path.startsWith('/api/blobs/'),
  );
  expect(posted).toEqual([{ method: 'POST', path: `/api/blobs/${weights}`, body: 'weights' }]);
  const adapters = { 'adapter_model.safetensors': weights, 'adapter_config.json': config };
  expect(sent(server, '/api/create')).toEqual([{ model: 'sums-3', from: 'base', adapters, stream: false }]);
  expect(await adapterFields(endpoint)).toEqual({});
  await unloadAdapter(endpoint, 'sums-3', signal);
  expect(sent(server, '/api/delete')).toEqual([{ model: 'sums-3' }]);
  await expect(loadAdapter(endpoint, 'sums-4', '/not/here', signal)).rejects.toThrow(
    "is Ollama, which is sent the files of an adapter, and there is no adapter_model.safetensors in /not/here on this worker's machine",
  );
});

it('llama.cpp answers with an adapter that it was started with, by its number, and says how to start it with another', async () => {
  const server = await start({
    'GET /v1/models': listOf('llamacpp'),
    'GET /lora-adapters': {
      json: [
        { id: 0, path: '/gguf/other.gguf', scale: 0 },
        { id: 1, path: '/gguf/sums-3.gguf', scale: 0 },
      ],
    },
    'POST /v1/chat/completions': completion,
  });
  const endpoint = adapterAt(server);
  await loadAdapter(endpoint, 'sums-3', '/adapters/3', signal);
  await chat(endpoint, question);
  expect(sent(server, '/v1/chat/completions')).toMatchObject([
    { model: 'base', lora: [{ id: 1, scale: 1 }] },
  ]);
  await unloadAdapter(endpoint, 'sums-3', signal);
  await expect(loadAdapter(endpoint, 'sums-4', '/adapters/4', signal)).rejects.toThrow(
    /is llama.cpp, which loads adapters when it starts: convert the adapter in \/adapters\/4 with convert_lora_to_gguf.py, and start it with --lora sums-4.gguf/,
  );
});

describe('the list of llama.cpp', () => {
  type Listed = { id: number; path: string };
  const lists = ({ asked }: Running) => asked.filter(({ path }) => path === '/lora-adapters').length;
  const loras = (server: Running) =>
    sent(server, '/v1/chat/completions').map((body) => (body as { lora: { id: number }[] }).lora[0]!.id);
  async function startLlama() {
    const state = { list: [{ id: 0, path: 'sums-3.gguf' }] as Listed[], status: 200 };
    const server = await start({
      'GET /v1/models': listOf('llamacpp'),
      'GET /lora-adapters': () => ({ status: state.status, json: state.list }),
      'POST /v1/chat/completions': () => ({ ...completion, status: state.status }),
    });
    return { server, state, endpoint: adapterAt(server) };
  }
  afterEach(() => void vi.restoreAllMocks());

  it('is asked for once by requests of a moment, however many come at once, and again when it is old', async () => {
    const { server, state, endpoint } = await startLlama();
    // Whole, so that sums of it are exact.
    let now = Math.round(performance.now());
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    await Promise.all(Array.from({ length: 8 }, () => chat(endpoint, question)));
    for (let i = 0; i < 4; i++) await chat(endpoint, question);
    expect([lists(server), loras(server)]).toEqual([1, Array(12).fill(0)]);
    state.list = [
      { id: 0, path: 'other.gguf' },
      { id: 1, path: 'sums-3.gguf' },
    ];
    now += 1_999;
    await chat(endpoint, question);
    expect(lists(server)).toBe(1);
    now += 1;
    await chat(endpoint, question);
    expect([lists(server), loras(server).at(-1)]).toEqual([2, 1]);
  });

  it('is asked for again after a request that failed: the server may have been started anew', async () => {
    const { server, state, endpoint } = await startLlama();
    await chat(endpoint, question);
    state.status = 503;
    await expect(chat(endpoint, question)).rejects.toThrow();
    // What can't be asked is not kept either.
    await expect(chat(endpoint, question)).rejects.toThrow('did not name its adapters');
    Object.assign(state, { status: 200, list: [{ id: 3, path: 'sums-3.gguf' }] });
    await chat(endpoint, question);
    expect(loras(server)).toEqual([0, 0, 3]);
  });

  it('is asked for again when an adapter is loaded, or is not on it', async () => {
    const { server, state, endpoint } = await startLlama();
    await chat(endpoint, question);
    state.list = [...state.list, { id: 1, path: 'sums-4.gguf' }];
    await chat({ ...endpoint, model: 'sums-4' }, question);
    expect([lists(server), loras(server)]).toEqual([2, [0, 1]]);
    await loadAdapter(endpoint, 'sums-4', '/adapters/4', signal);
    expect(lists(server)).toBe(3);
    await expect(chat({ ...endpoint, model: 'sums-5' }, question)).rejects.toThrow('--lora sums-5.gguf');
  });
});

it('LM Studio serves no adapters, and is told so', async () => {
  const server = await start({
    'GET /v1/models': listOf('organization_owner'),
    'GET /api/v0/models': { json: { object: 'list', data: [] } },
  });
  await expect(loadAdapter(adapterAt(server), 'sums-3', '/adapters/3', signal)).rejects.toThrow(
    'is LM Studio, which serves no adapters: merge it into the base',
  );
});

it('a base, and an adapter that its trainer serves, go by their own names, and nobody is asked', async () => {
  const server = await start({ 'POST /v1/chat/completions': completion });
  await chat(resolveEndpoint('generator', { baseURL: server.url }, 'base'), question);
  expect(server.asked.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
});
