/**
 * An endpoint, and a trainer, that lie: a proxy in front of the scripted one, which spoils a share of the true answers. What it does
 * to a request depends on the seed and on the request alone, however the calls fall.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { random, type Random } from '../../../loop/random.ts';
import { adder } from '../../support/scripted-adder.ts';
import { startScriptedEndpoint } from '../../support/scripted-endpoint.ts';
import { json, oddText, oddValue, pick, spoil, spoilBytes, whole } from './odd.ts';

/** What a run meets: `share` of the requests whose path matches `paths` go wrong in one of these ways. */
export type Manners = { paths: RegExp; share: number; ways: Way[] };
export type Way = keyof typeof WAYS;

type Answer = { status: number; headers: Record<string, string>; body: Buffer };
type Spoiler = (truth: Answer, response: ServerResponse, draw: Random) => void | Promise<void>;

const STATUSES = [
  100, 204, 206, 301, 304, 400, 401, 403, 404, 408, 409, 410, 413, 418, 422, 429, 500, 502, 503, 507, 529,
];
const AFTER = ['0', '-1', 'NaN', '1e99', '1', 'Thu, 01 Jan 1970 00:00:00 GMT', '', '0.2'];

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}

const parsed = (truth: Answer): unknown => JSON.parse(truth.body.toString() || '{}');
const withBody = (truth: Answer, body: string | Buffer): Answer => ({ ...truth, body: Buffer.from(body) });

/** Sets a job's fields to what no trainer should say. */
function lie(job: Record<string, unknown>, draw: Random): void {
  const lies: (() => void)[] = [
    () =>
      (job.status = pick(draw, [
        'queued',
        'running',
        'validating_files',
        'paused',
        'SUCCEEDED',
        '',
        '\u0000',
      ])),
    () =>
      Object.assign(job, {
        status: 'succeeded',
        fine_tuned_model: pick(draw, [null, '', 7, '\u0000', 'gone']),
      }),
    () => Object.assign(job, { status: 'failed', error: oddValue(draw) }),
    () => (job.trained_tokens = pick(draw, [3e9, -1, 1e300, '12', 0.5, 2 ** 53, {}])),
    () =>
      (job.result_files = pick(draw, [
        ['../../etc/passwd', 5, null],
        'x',
        {},
        Array.from({ length: 5000 }, () => 'f'),
      ])),
    () => (job.id = pick(draw, ['', '\u0000', '../x', 5, 'x'.repeat(100_000)])),
    () => (job.finished_at = oddValue(draw)),
    () => (job.hyperparameters = oddValue(draw)),
    () => (job.adapter_path = oddValue(draw)),
    () => (job.system_fingerprint = oddValue(draw)),
    () => (job.metadata = oddValue(draw)),
  ];
  for (let i = whole(draw, 1, 2); i > 0; i--) pick(draw, lies)();
}

const WAYS = {
  'fields of wrong kinds': (truth, response, draw) =>
    send(response, withBody(truth, json(spoil(parsed(truth), draw)))),
  'odd texts': (truth, response, draw) => {
    const body = parsed(truth) as { choices?: { message?: { content?: unknown } }[] };
    for (const choice of body.choices ?? []) if (choice.message) choice.message.content = oddText(draw);
    send(response, withBody(truth, json(body)));
  },
  'absurd counts': (truth, response, draw) => {
    const body = parsed(truth) as Record<string, unknown>;
    const count = () => pick(draw, [3e9, -5, 2 ** 53, 1e300, 0.1, null, '7', []]);
    body.usage = pick<unknown>(draw, [
      null,
      { prompt_tokens: count(), completion_tokens: count(), total_tokens: count() },
    ]);
    send(response, withBody(truth, json(body)));
  },
  'an error in a 200': (truth, response, draw) =>
    send(
      response,
      withBody(truth, json({ error: pick(draw, [{ message: oddText(draw), code: 500 }, 'no', [], 429]) })),
    ),
  'spoilt bytes': (truth, response, draw) => send(response, withBody(truth, spoilBytes(truth.body, draw))),
  'no JSON at all': (truth, response, draw) =>
    send(
      response,
      withBody(
        truth,
        pick(draw, ['', '<html>', 'null', '[]', '"x"', '{', '['.repeat(50_000), oddText(draw)]),
      ),
    ),
  'a status': (truth, response, draw) => {
    const status = pick(draw, STATUSES);
    const headers = { ...truth.headers, 'retry-after': pick(draw, AFTER), location: '/elsewhere' };
    if (status === 100) response.writeContinue();
    send(response, {
      status: status === 100 ? 500 : status,
      headers,
      body: Buffer.from(pick(draw, ['', oddText(draw), '{"error":5}'])),
    });
  },
  'a redirect': (_truth, response, draw) => {
    response.writeHead(pick(draw, [301, 302, 307, 308]), {
      location: pick(draw, [
        '/v1/chat/completions',
        'http://127.0.0.1:1/',
        'file:///etc/passwd',
        '//',
        'x'.repeat(8000),
      ]),
    });
    response.end();
  },
  'a reset': (truth, response, draw) => {
    if (draw() < 0.5) return void response.destroy();
    response.writeHead(200, { ...truth.headers, 'content-length': String(truth.body.length + 100) });
    response.write(truth.body.subarray(0, whole(draw, 0, truth.body.length)));
    setTimeout(() => response.destroy(), 10);
  },
  'a slow drip': async (truth, response) => {
    response.writeHead(200, truth.headers);
    for (const byte of truth.body.subarray(0, 60)) {
      if (response.destroyed) return;
      response.write(Buffer.from([byte]));
      await sleep(50);
    }
    response.end(truth.body.subarray(60));
  },
  'no end': async (truth, response, draw) => {
    response.writeHead(200, truth.headers);
    const piece = Buffer.from(pick(draw, [' ', '[', 'data: {}\n\n', '"aaaaaaaaaaaaaaa']).repeat(4096));
    while (!response.destroyed) {
      if (!response.write(piece))
        await Promise.race([new Promise((done) => response.once('drain', done)), sleep(500)]);
      await sleep(1);
    }
  },
  'a huge body': (truth, response) => {
    const body = parsed(truth) as Record<string, unknown>;
    send(response, withBody(truth, json({ ...body, padding: 'x'.repeat(30_000_000) })));
  },
  'a lie about a job': (truth, response, draw) => {
    const body = parsed(truth) as Record<string, unknown>;
    const jobs = Array.isArray(body.data) ? (body.data as Record<string, unknown>[]) : [body];
    for (const job of jobs) lie(job, draw);
    send(response, withBody(truth, json(body)));
  },
  'odd events': (truth, response, draw) => {
    const event = () => ({
      id: oddText(draw),
      type: 'metrics',
      message: oddText(draw),
      data: {
        step: pick(draw, [3e9, -1, 1e300, 'x']),
        total_steps: oddValue(draw),
        train_loss: oddValue(draw),
      },
    });
    send(
      response,
      withBody(truth, json({ object: 'list', data: Array.from({ length: 5 }, event), has_more: true })),
    );
  },
} satisfies Record<string, Spoiler>;

export const ALL_WAYS = Object.keys(WAYS) as Way[];

export type HostileEndpoint = {
  /** The base URL for one run, or whoever else; it is well-behaved towards a label without manners. */
  url(label: string): string;
  behave(label: string, manners: Manners[]): void;
  /** How often each way was taken. */
  counts: Map<Way, number>;
  close(): Promise<void>;
};

export async function startHostileEndpoint(seed: string): Promise<HostileEndpoint> {
  const truthful = await startScriptedEndpoint({ ...adder, jobMs: 100, latencyMs: 0 });
  const manners = new Map<string, Manners[]>();
  const seen = new Map<string, number>();
  const counts = new Map<Way, number>();

  async function truthOf(request: IncomingMessage, path: string, raw: Buffer): Promise<Answer> {
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const answer = await fetch(truthful.url.replace(/\/v1$/, path), {
      method: request.method,
      headers: headers as Record<string, string>,
      body: raw.length > 0 ? new Uint8Array(raw) : undefined,
    });
    return {
      status: answer.status,
      headers: { 'content-type': answer.headers.get('content-type') ?? 'application/json' },
      body: Buffer.from(await answer.arrayBuffer()),
    };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const [, label = '', path = '/v1'] = /^\/r\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    const truth = await truthOf(request, path, raw);
    const digest = createHash('sha256').update(label).update(path).update(raw).digest('hex');
    const count = (seen.get(digest) ?? 0) + 1;
    seen.set(digest, count);
    const draw = random(`${seed} ${digest} ${count}`);
    const meant = (manners.get(label) ?? []).find(({ paths }) => paths.test(path));
    if (!meant || draw() >= meant.share) return send(response, truth);
    const way = pick(draw, meant.ways);
    counts.set(way, (counts.get(way) ?? 0) + 1);
    await WAYS[way](truth, response, draw);
  }

  const server = createServer((request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: (label) => `http://127.0.0.1:${port}/r/${label}/v1`,
    behave: (label, some) => void manners.set(label, some),
    counts,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await truthful.close();
    },
  };
}
