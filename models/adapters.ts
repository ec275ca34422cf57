/**
 * How servers of models load adapters, forget them and call them. Which kind a server is, is found out by asking it, once per process:
 *
 * | server | load, unload | an adapter in a request |
 * |---|---|---|
 * | vLLM (and what is none of the others) | `POST /v1/load_lora_adapter`, `/v1/unload_lora_adapter` | `model: NAME` |
 * | SGLang | `POST /load_lora_adapter`, `/unload_lora_adapter` | `model: BASE:NAME` |
 * | Ollama | blobs and `POST /api/create`, `DELETE /api/delete` | `model: NAME` |
 * | llama.cpp | when it starts only (`--lora`) | `lora: [{id, scale: 1}]`, by `GET /lora-adapters` |
 * | LM Studio | not at all | |
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { APIConnectionError, APIError } from 'openai';
import { z } from 'zod';
import { fetchThrough } from '../process/proxy.ts';
import { ADAPTER_FILE } from './adapter-file.ts';
import type { Endpoint } from './endpoint.ts';
import { entriesOf } from './job.ts';

export type ServerKind = 'vllm' | 'sglang' | 'ollama' | 'llama.cpp' | 'lmstudio';

/** What tells a server by the entries of its `/v1/models`. */
const OWNERS: Record<string, ServerKind> = { vllm: 'vllm', sglang: 'sglang', llamacpp: 'llama.cpp' };

/** How long a server may take to say what it is. */
const ASKED_MS = 10_000;

type Server = Pick<Endpoint, 'baseURL' | 'client'>;

/** Where a server's own routes are, beside those of OpenAI. */
const rootOf = ({ baseURL }: Server) => baseURL.replace(/\/+$/, '').replace(/\/v1$/, '');

/** Not through the client: servers answer with plain text. @throws APIConnectionError when it can't be reached */
async function request(
  server: Server,
  method: string,
  url: string,
  { signal, json, file, what }: { signal: AbortSignal; json?: unknown; file?: string; what: string },
): Promise<{ status: number; ok: boolean; text: string; headers: Headers }> {
  const body =
    file === undefined
      ? json === undefined
        ? {}
        : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }
      : {
          body: Readable.toWeb(createReadStream(file)) as unknown as NonNullable<RequestInit['body']>,
          duplex: 'half',
          headers: { 'content-length': String(statSync(file).size) },
        };
  try {
    const response = await fetchThrough(url, {
      ...body,
      method,
      headers: { ...body.headers, authorization: `Bearer ${server.client.apiKey}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(server.client.timeout)]),
    } as RequestInit);
    const text = await response.text();
    return { status: response.status, ok: response.ok, text, headers: response.headers };
  } catch (error) {
    signal.throwIfAborted();
    throw new APIConnectionError({
      message: `${server.baseURL} could not be asked to ${what}`,
      cause: error instanceof Error ? error : undefined,
    });
  }
}

type Reply = Awaited<ReturnType<typeof request>>;

/** Longest part of an answer that is quoted. */
const QUOTED_CHARACTERS = 500;

function refused({ baseURL }: Server, what: string, { status, text, headers }: Reply): Error {
  const message = `${baseURL} did not ${what}: ${text.slice(0, QUOTED_CHARACTERS)}`;
  return APIError.generate(status, { error: { message } }, undefined, headers);
}

/** A server that can't do it, however often it is asked. */
const unable = ({ baseURL }: Server, why: string): Error =>
  APIError.generate(400, { error: { message: `${baseURL} ${why}` } }, undefined, new Headers());

const kinds = new Map<string, Promise<ServerKind>>();

async function askKind(server: Server): Promise<ServerKind> {
  const signal = AbortSignal.timeout(ASKED_MS);
  const page: unknown = await server.client.get('/models', { signal });
  for (const { owned_by } of entriesOf(page)) {
    const kind = typeof owned_by === 'string' ? OWNERS[owned_by] : undefined;
    if (kind) return kind;
  }
  const has = async (path: string, field: string) => {
    const { ok, text } = await request(server, 'GET', `${rootOf(server)}${path}`, {
      signal,
      what: 'say what it is',
    });
    try {
      return ok && field in (JSON.parse(text) as object);
    } catch {
      return false;
    }
  };
  if (await has('/api/version', 'version')) return 'ollama';
  if (await has('/api/v0/models', 'data')) return 'lmstudio';
  return 'vllm';
}

/** @throws APIError, or APIConnectionError, when it can't be asked; the next call asks again */
export function serverKind(server: Server): Promise<ServerKind> {
  const known = kinds.get(server.baseURL);
  if (known) return known;
  const asked = askKind(server).catch((error: unknown) => {
    kinds.delete(server.baseURL);
    throw error;
  });
  kinds.set(server.baseURL, asked);
  return asked;
}

/** Those behind an endpoint: it alone, or each of its replicas. */
const serversOf = (serving: Endpoint): readonly Server[] => serving.replicas ?? [serving];

const CONFIG_FILE = 'adapter_config.json';

async function createInOllama(server: Server, name: string, base: string, path: string, signal: AbortSignal) {
  const what = `load the adapter ${name} from ${path}`;
  if (!existsSync(join(path, ADAPTER_FILE)))
    throw unable(
      server,
      `is Ollama, which is sent the files of an adapter, and there is no ${ADAPTER_FILE} in ${path} on this worker's machine.`,
    );
  const adapters: Record<string, string> = {};
  for (const file of [ADAPTER_FILE, CONFIG_FILE]) {
    const from = join(path, file);
    const hash = createHash('sha256');
    await pipeline(createReadStream(from), hash);
    const digest = `sha256:${hash.digest('hex')}`;
    const blob = `${rootOf(server)}/api/blobs/${digest}`;
    const there = await request(server, 'HEAD', blob, { signal, what });
    if (!there.ok) {
      const sent = await request(server, 'POST', blob, { signal, what, file: from });
      if (!sent.ok) throw refused(server, what, sent);
    }
    adapters[file] = digest;
  }
  const json = { model: name, from: base, adapters, stream: false };
  const made = await request(server, 'POST', `${rootOf(server)}/api/create`, { signal, what, json });
  if (!made.ok) throw refused(server, what, made);
}

const adaptersSchema = z.array(z.looseObject({ id: z.number(), path: z.string() }));

type Listed = z.output<typeof adaptersSchema>;

/**
 * How long llama.cpp's list stands: it answers between two steps of its batch, so asking for each request costs each one a step. Another
 * list takes another start of the server, during which requests fail: then, too, it is asked again (`forgetAdapters`).
 */
const LISTED_MS = 2_000;

const lists = new Map<string, { askedAt: number; list: Promise<Listed> }>();

/** The adapters that llama.cpp was started with, as it said a moment ago. */
function adaptersOf(server: Server): Promise<Listed> {
  const known = lists.get(server.baseURL);
  if (known && performance.now() - known.askedAt < LISTED_MS) return known.list;
  const list = askAdapters(server);
  lists.set(server.baseURL, { askedAt: performance.now(), list });
  // What failed is not kept; whoever waits for it is told.
  list.catch(() => forget(server, list));
  return list;
}

async function askAdapters(server: Server): Promise<Listed> {
  const what = 'name its adapters';
  // Shared by all who ask meanwhile, so nobody's signal ends it.
  const signal = AbortSignal.timeout(ASKED_MS);
  const reply = await request(server, 'GET', `${rootOf(server)}/lora-adapters`, { signal, what });
  if (!reply.ok) throw refused(server, what, reply);
  return adaptersSchema.parse(JSON.parse(reply.text));
}

/** @param list that alone, where it is still the one that stands */
function forget({ baseURL }: Server, list?: Promise<Listed>): void {
  if (list === undefined || lists.get(baseURL)?.list === list) lists.delete(baseURL);
}

/** To be called when a request to an endpoint has failed: the server may come back with other adapters under the same numbers. */
export const forgetAdapters = (endpoint: Endpoint): void =>
  serversOf(endpoint).forEach((server) => forget(server));

/** An adapter's number. One that the list does not have is looked for in a new one before it is refused. */
async function idInLlama(
  server: Server,
  name: string,
  path: string | undefined,
  signal: AbortSignal | undefined,
): Promise<number> {
  const wanted = new Set([
    `${name}.gguf`,
    ...(path === undefined ? [] : [path, `${path}.gguf`, join(path, `${basename(path)}.gguf`)]),
  ]);
  for (const again of [false, true]) {
    if (again) forget(server);
    const list = await adaptersOf(server);
    signal?.throwIfAborted();
    const found = list.find((one) => wanted.has(one.path) || wanted.has(basename(one.path)));
    if (found) return found.id;
  }
  throw unable(
    server,
    `is llama.cpp, which loads adapters when it starts: convert the adapter${path === undefined ? '' : ` in ${path}`} with convert_lora_to_gguf.py, and start it with --lora ${name}.gguf --lora-init-without-apply.`,
  );
}

/** vLLM has them below `/v1`. */
const loraRoute = (server: Server, kind: ServerKind, verb: 'load' | 'unload'): string =>
  `${kind === 'sglang' ? rootOf(server) : server.baseURL.replace(/\/$/, '')}/${verb}_lora_adapter`;

async function loadInto(server: Server, serving: Endpoint, name: string, path: string, signal: AbortSignal) {
  const what = `load the adapter ${name} from ${path}`;
  const json = { lora_name: name, lora_path: path };
  const kind = await serverKind(server);
  if (kind === 'ollama') return createInOllama(server, name, serving.base ?? serving.model, path, signal);
  if (kind === 'llama.cpp') {
    forget(server);
    return void (await idInLlama(server, name, path, signal));
  }
  if (kind === 'lmstudio')
    throw unable(
      server,
      'is LM Studio, which serves no adapters: merge it into the base, or serve the base with vLLM, SGLang, Ollama or llama.cpp.',
    );
  const reply = await request(server, 'POST', loraRoute(server, kind, 'load'), { signal, what, json });
  if (reply.ok || /already (been )?loaded/i.test(reply.text)) return;
  throw refused(server, what, reply);
}

/**
 * Makes an adapter known where it is served, when it is trained in one place and served in another, or was evicted: to every replica, so
 * that it counts as served when each has it. Loading one that is loaded already is no error.
 *
 * @throws APIError with the server's words, or what to do where it can't; APIConnectionError when one can't be reached
 */
export async function loadAdapter(
  serving: Endpoint,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(serversOf(serving).map((server) => loadInto(server, serving, name, path, signal)));
}

async function unloadFrom(server: Server, name: string, signal: AbortSignal): Promise<void> {
  const what = `unload the adapter ${name}`;
  const kind = await serverKind(server);
  if (kind === 'llama.cpp' || kind === 'lmstudio') return;
  const reply =
    kind === 'ollama'
      ? await request(server, 'DELETE', `${rootOf(server)}/api/delete`, {
          signal,
          what,
          json: { model: name },
        })
      : await request(server, 'POST', loraRoute(server, kind, 'unload'), {
          signal,
          what,
          json: { lora_name: name },
        });
  if (reply.ok || reply.status === 404 || /not (found|loaded|exist)|does not exist/i.test(reply.text)) return;
  throw refused(server, what, reply);
}

/** Makes every replica forget an adapter. One that a server does not know is no error. @throws as `loadAdapter` */
export async function unloadAdapter(serving: Endpoint, name: string, signal: AbortSignal): Promise<void> {
  await Promise.all(serversOf(serving).map((server) => unloadFrom(server, name, signal)));
}

/**
 * What a request for an endpoint's adapter says in place of its name, where the server calls it otherwise: one that is asked for the plain name
 * might answer as the base. Nothing for a base, and where the adapter is served by its trainer.
 */
export async function adapterFields(
  endpoint: Endpoint,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
  const { base, model } = endpoint;
  if (base === undefined) return {};
  const [server] = serversOf(endpoint);
  const kind = await serverKind(server!);
  if (kind === 'sglang') return { model: `${base}:${model}` };
  if (kind !== 'llama.cpp') return {};
  const id = await idInLlama(server!, model, undefined, signal);
  return { model: base, lora: [{ id, scale: 1 }] };
}
