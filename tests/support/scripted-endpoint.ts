/**
 * An OpenAI-compatible endpoint with scripted answers, for tests of the loop around the model: real HTTP,
 * files and fine-tuning jobs, deterministic texts. What it learns is the script's business: it tells which
 * model (base or fine-tuned) is asked.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type ScriptedRequest = {
  model: string;
  messages: { role: string; content: string }[];
  temperature: number;
  /** Request seed plus index of the choice. */
  seed: number;
  /** How many fine-tunings lie between the base and this model. */
  generation: number;
  body: Record<string, unknown>;
};

/**
 * What goes wrong with a completion: an error status, a silence, a connection that is cut before or within the
 * answer, a body that is no JSON or no completion, another number of choices than asked for, or any other reply.
 */
export type Fault =
  | { status: number; code?: string; message?: string; headers?: Record<string, string> }
  | { kind: 'hang' | 'cut' | 'cut-body' | 'truncated' | 'malformed' | 'no-completion' }
  | { kind: 'choices'; count: number }
  /** This very body, whatever it is. */
  | { kind: 'reply'; body: unknown; status?: number };

export type ScriptedEndpoint = {
  /** Base URL ending in /v1. */
  url: string;
  /** Completions asked for, by model. */
  completions: Map<string, number>;
  /** All prompts asked for, in order: JSON of messages, seed and n. */
  requests: string[];
  jobs: Map<string, ScriptedJob>;
  files: Map<string, string>;
  /** Arrivals of completions, failed ones too: when (ms of performance.now()) and how many were in flight then. */
  arrivals: { at: number; inFlight: number }[];
  /** Bodies and headers of all completion requests, in order. */
  received: { body: Record<string, unknown>; raw: string; headers: IncomingHttpHeaders }[];
  /** Completions whose client went away before their end. */
  abandoned: number;
  /** Bodies of the requests to load an adapter. */
  loads: { lora_name: string; lora_path: string }[];
  /** Forgets a fine-tuned model, as a server does that was started anew; `lost`: loading it again fails too. */
  evict(model: string, options?: { lost?: boolean }): void;
  /** Serves an evicted model again, lost or not. */
  restore(model: string): void;
  close(): Promise<void>;
};

export type ScriptedJob = {
  id: string;
  model: string;
  status: string;
  fine_tuned_model: string | null;
  [key: string]: unknown;
};

export type Script = {
  baseModel: string;
  answer(request: ScriptedRequest): string;
  /** Other models that are served, as the base's peers. */
  otherModels?: string[];
  /** What a completion holds beside its choices, e.g. `prompt_logprobs`. */
  extra?(request: ScriptedRequest): Record<string, unknown> | undefined;
  /** How long a fine-tuning job takes. */
  jobMs?: number;
  /** How long a completion takes. */
  latencyMs?: number;
  /** How long each piece of a streamed completion takes. */
  pieceMs?: number;
  /** Called before each completion; `count` is how many there were, this one among them. */
  fault?(request: ScriptedRequest, count: number): Fault | undefined;
  /** What becomes of a fine-tuning job. */
  outcome?(job: ScriptedJob): {
    status: 'succeeded' | 'failed';
    error?: string;
    fingerprint?: string;
    /** Folder of the adapter, as a server says that keeps them in files. */
    path?: string;
  };
};

/** What an endpoint must not forget when its process is killed. */
export type StoredEntry =
  | { file: string; text: string }
  | { job: ScriptedJob; key: string | undefined; endsAtMs: number }
  | { cancelled: string };

export type EndpointOptions = {
  /** Any free port by default. */
  port?: number;
  /** Keeps files and jobs over the life of the process; `append` must have stored when it returns. */
  store?: { entries(): StoredEntry[]; append(entry: StoredEntry): void };
  /** Sees every request first, and may change its URL; true when it has answered by itself. */
  intercept?(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<boolean>;
};

const fingerprint = (model: string) => `fp_${createHash('sha256').update(model).digest('hex').slice(0, 16)}`;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function startScriptedEndpoint(
  script: Script,
  { port: wantedPort = 0, store, intercept }: EndpointOptions = {},
): Promise<ScriptedEndpoint> {
  const completions = new Map<string, number>();
  const requests: string[] = [];
  const jobs = new Map<string, ScriptedJob>();
  const files = new Map<string, string>();
  const byKey = new Map<string, string>();
  const arrivals: ScriptedEndpoint['arrivals'] = [];
  const loads: ScriptedEndpoint['loads'] = [];
  const received: ScriptedEndpoint['received'] = [];
  let abandoned = 0;
  /** Generations of evicted models that can be loaded again. */
  const evicted = new Map<string, number>();
  const lost = new Map<string, number>();
  let inFlight = 0;
  const served = [script.baseModel, ...(script.otherModels ?? [])];
  const generations = new Map<string, number>(served.map((model) => [model, 0]));
  const prints = new Map<string, string>(served.map((model) => [model, fingerprint(model)]));
  let count = 0;

  function send(
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  }
  const fail = (
    response: ServerResponse,
    status: number,
    message: string,
    code?: string,
    headers?: Record<string, string>,
  ) =>
    send(
      response,
      status,
      { error: { message, type: 'invalid_request_error', param: null, code: code ?? null } },
      headers,
    );

  function chat(body: Record<string, unknown>, response: ServerResponse) {
    const model = String(body.model);
    const generation = generations.get(model);
    if (generation === undefined)
      return fail(response, 404, `The model '${model}' does not exist`, 'model_not_found');
    const n = Number(body.n ?? 1);
    if (!Number.isInteger(n) || n < 1 || n > 2048) return fail(response, 400, `no number of choices: ${n}`);
    const request = (i: number): ScriptedRequest => ({
      model,
      messages: body.messages as ScriptedRequest['messages'],
      temperature: Number(body.temperature ?? 1),
      seed: Number(body.seed ?? 0) + i,
      generation,
      body,
    });
    count += 1;
    const fault = script.fault?.(request(0), count);
    if (fault && 'kind' in fault && fault.kind === 'reply')
      return send(response, fault.status ?? 200, fault.body);
    if (fault && !('kind' in fault))
      return fail(response, fault.status, fault.message ?? 'scripted fault', fault.code, fault.headers);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'cut') return response.destroy();
    if (fault?.kind === 'malformed') {
      response.writeHead(200, { 'content-type': 'text/html' });
      return response.end('<html><body>Bad gateway</body></html>');
    }
    if (fault?.kind === 'no-completion') return send(response, 200, { detail: 'try later' });
    completions.set(model, (completions.get(model) ?? 0) + n);
    requests.push(JSON.stringify([model, body.messages, body.seed, n]));
    const choices = fault?.kind === 'choices' ? fault.count : n;
    const texts = Array.from({ length: choices }, (_, i) => script.answer(request(i)));
    const completion = {
      ...script.extra?.(request(0)),
      id: `chatcmpl-${count}`,
      object: 'chat.completion',
      created: 0,
      model,
      system_fingerprint: prints.get(model),
      choices: texts.map((content, index) => ({
        index,
        message: { role: 'assistant', content },
        finish_reason: 'stop',
        logprobs: null,
      })),
      usage: {
        prompt_tokens: JSON.stringify(body.messages).length,
        completion_tokens: texts.reduce((sum, text) => sum + text.length, 0),
        total_tokens: 0,
      },
    };
    if (body.stream === true) return void stream(completion, texts, response, fault !== undefined);
    if (fault?.kind !== 'truncated' && fault?.kind !== 'cut-body') return send(response, 200, completion);
    const whole = JSON.stringify(completion);
    const half = whole.slice(0, whole.length / 2);
    if (fault.kind === 'truncated') {
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(half);
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length });
    response.write(half);
    setTimeout(() => response.destroy(), 20);
  }

  /** Choice by choice in pieces, as OpenAI does; `cut`: it breaks off in the middle. */
  async function stream(
    completion: Record<string, unknown>,
    texts: string[],
    response: ServerResponse,
    cut: boolean,
  ): Promise<void> {
    const { usage, choices: _choices, ...rest } = completion;
    const base = { ...rest, object: 'chat.completion.chunk' };
    const event = (body: unknown) => response.write(`data: ${JSON.stringify(body)}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const [index, text] of texts.entries()) {
      const size = Math.ceil(text.length / 4);
      for (let at = 0; at < text.length; at += size) {
        if (response.destroyed) return;
        if (cut && at > 0) return void response.destroy();
        const delta = { ...(at === 0 ? { role: 'assistant' } : {}), content: text.slice(at, at + size) };
        event({ ...base, choices: [{ index, delta, finish_reason: null }] });
        await sleep(script.pieceMs ?? 0);
      }
      event({ ...base, choices: [{ index, delta: {}, finish_reason: 'stop' }] });
    }
    event({ ...base, choices: [], usage });
    response.end('data: [DONE]\n\n');
  }

  /** As vLLM answers: plain text when it worked. */
  function loadAdapter(body: Record<string, unknown>, response: ServerResponse) {
    const load = { lora_name: String(body.lora_name), lora_path: String(body.lora_path) };
    loads.push(load);
    if (generations.has(load.lora_name))
      return fail(response, 400, `The lora adapter '${load.lora_name}' has already been loaded.`);
    const generation = evicted.get(load.lora_name);
    if (generation === undefined) return fail(response, 404, `No adapter found for ${load.lora_path}`);
    generations.set(load.lora_name, generation);
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end(`Success: LoRA adapter '${load.lora_name}' added successfully.`);
  }

  function finish(job: ScriptedJob) {
    if (job.status !== 'running') return;
    const outcome = script.outcome?.(job) ?? { status: 'succeeded' as const };
    job.status = outcome.status;
    job.finished_at = Math.ceil(Date.now() / 1000);
    if (outcome.path !== undefined) job.adapter_path = outcome.path;
    if (outcome.status === 'failed') {
      job.error = { code: 'training_failed', message: outcome.error ?? 'scripted failure', param: null };
      return;
    }
    const name = `ft:${script.baseModel}:${String(job.suffix)}:${job.id.slice(-6)}`;
    generations.set(name, (generations.get(job.model) ?? 0) + 1);
    prints.set(name, outcome.fingerprint ?? fingerprint(name));
    job.fine_tuned_model = name;
    job.trained_tokens = 1000;
    job.system_fingerprint = prints.get(name);
  }

  function createJob(body: Record<string, unknown>, key: string | undefined, response: ServerResponse) {
    const known = key === undefined ? undefined : byKey.get(key);
    if (known) return send(response, 200, jobs.get(known));
    if (!generations.has(String(body.model)))
      return fail(response, 404, `no model ${String(body.model)}`, 'model_not_found');
    if (!files.has(String(body.training_file)))
      return fail(response, 400, `no file ${String(body.training_file)}`);
    const id = `ftjob-${createHash('sha256').update(`${key}${jobs.size}`).digest('hex').slice(0, 12)}`;
    const job: ScriptedJob = {
      ...body,
      id,
      object: 'fine_tuning.job',
      model: String(body.model),
      status: 'running',
      created_at: Math.floor(Date.now() / 1000),
      finished_at: null,
      fine_tuned_model: null,
      error: null,
    };
    const endsAtMs = Date.now() + (script.jobMs ?? 20);
    store?.append({ job, key, endsAtMs });
    addJob(job, key, endsAtMs);
    send(response, 200, job);
  }

  function addJob(job: ScriptedJob, key: string | undefined, endsAtMs: number) {
    jobs.set(job.id, job);
    if (key !== undefined) byKey.set(key, job.id);
    const leftMs = endsAtMs - Date.now();
    if (leftMs > 0) setTimeout(() => finish(job), leftMs);
    else finish(job);
  }

  for (const entry of store?.entries() ?? []) {
    if ('file' in entry) files.set(entry.file, entry.text);
    else if ('job' in entry) addJob(entry.job, entry.key, entry.endsAtMs);
    else jobs.get(entry.cancelled)!.status = 'cancelled';
  }

  const server = createServer((request, response) => {
    void (async () => {
      const raw = await readBody(request);
      if (await intercept?.(request, raw, response)) return;
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const json = () => JSON.parse(raw.toString() || '{}') as Record<string, unknown>;
      const job = /^\/v1\/fine_tuning\/jobs\/([^/]+)(\/events|\/cancel)?$/.exec(pathname);
      if (pathname === '/v1/chat/completions') {
        inFlight += 1;
        response.once('close', () => (inFlight -= 1));
        arrivals.push({ at: performance.now(), inFlight });
        received.push({ body: json(), raw: raw.toString(), headers: request.headers });
        response.once('close', () => (abandoned += response.writableFinished ? 0 : 1));
        if (script.latencyMs) await sleep(script.latencyMs);
        return chat(json(), response);
      }
      if (pathname === '/v1/load_lora_adapter') return loadAdapter(json(), response);
      if (pathname === '/v1/models') {
        return send(response, 200, {
          object: 'list',
          data: [...generations.keys()].map((id) => ({ id, object: 'model' })),
        });
      }
      if (pathname === '/v1/files') {
        const form = await new Response(new Uint8Array(raw), {
          headers: { 'content-type': request.headers['content-type'] ?? '' },
        }).formData();
        const id = `file-${files.size + 1}`;
        const text = await (form.get('file') as File).text();
        store?.append({ file: id, text });
        files.set(id, text);
        return send(response, 200, { id, object: 'file', purpose: 'fine-tune' });
      }
      if (pathname === '/v1/fine_tuning/jobs' && request.method === 'POST') {
        return createJob(json(), request.headers['idempotency-key'] as string | undefined, response);
      }
      if (pathname === '/v1/fine_tuning/jobs') {
        return send(response, 200, {
          object: 'list',
          data: [...jobs.values()].toReversed(),
          has_more: false,
        });
      }
      if (job) {
        const found = jobs.get(job[1]!);
        if (!found) return fail(response, 404, `no job ${job[1]}`);
        if (job[2] === '/events') return send(response, 200, { object: 'list', data: [], has_more: false });
        if (job[2] === '/cancel') {
          store?.append({ cancelled: found.id });
          found.status = 'cancelled';
        }
        return send(response, 200, found);
      }
      return fail(response, 404, `no route ${pathname}`);
    })().catch((error: Error) => {
      if (response.headersSent) response.destroy();
      else fail(response, 400, error.message);
    });
  });
  await new Promise<void>((resolve) => server.listen(wantedPort, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    completions,
    requests,
    jobs,
    files,
    arrivals,
    received,
    get abandoned() {
      return abandoned;
    },
    loads,
    evict(model, { lost: forGood = false } = {}) {
      const generation = generations.get(model);
      if (generation === undefined) throw new Error(`${model} is not served`);
      generations.delete(model);
      evicted.delete(model);
      (forGood ? lost : evicted).set(model, generation);
    },
    restore(model) {
      generations.set(model, evicted.get(model) ?? lost.get(model)!);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
