/** A caller that tries anything, at the doors of the gateway, the web page and the model server. Writes to the socket itself: no library would
 * send this. */
import { connect } from 'node:net';
import type { Random } from '../../../loop/random.ts';
import { deep, json, oddText, oddValue, pick, spoil, spoilBytes, whole } from './odd.ts';

export type Door = { name: string; port: number; routes: string[]; log?: string };

export const ROUTES = {
  gateway: [
    'POST /v1/chat/completions',
    'POST /v1/chat/completions',
    'POST /v1/feedback',
    'GET /v1/models',
    'GET /v1/models/arithmetic',
    'GET /health',
  ],
  web: [
    'GET /',
    'GET /launch',
    'POST /launch',
    'POST /login',
    'GET /runs/hostile-1',
    'GET /runs/hostile-1/iterations/1',
    'GET /runs/hostile-1/review',
    'POST /runs/hostile-1/review',
    'GET /samples/1',
    'GET /samples/1/text',
    'GET /checkpoints/1',
    'POST /checkpoints/1/promote',
    'GET /compare?a=1&b=2',
    'GET /schedules',
    'GET /tasks/arithmetic',
  ],
  'model server': [
    'POST /v1/chat/completions',
    'POST /v1/chat/completions',
    'POST /v1/fine_tuning/jobs',
    'POST /v1/files',
    'GET /v1/files',
    'GET /v1/models',
    'GET /v1/models/arithmetic',
    'GET /v1/adapters/arithmetic-critic/files/adapter_config.json',
    'GET /v1/fine_tuning/jobs?limit=2',
    'POST /v1/fine_tuning/jobs/x/cancel',
    'DELETE /v1/models/arithmetic',
    'GET /health',
  ],
};

const CHAT = {
  model: 'arithmetic',
  messages: [{ role: 'user', content: '0000000001+0000000002' }],
  max_tokens: 4,
  temperature: 0.5,
  n: 2,
  seed: 7,
  stop: ['x'],
  stream: false,
  logprobs: false,
  response_format: { type: 'text' },
};
const JOB = { model: 'arithmetic', training_file: 'file-1', seed: 1, hyperparameters: { n_epochs: 1 } };
const FEEDBACK = { completion_id: 'chatcmpl-1', rating: 'up', comment: 'fine' };

function oddPath(path: string, draw: Random): string {
  const how = draw();
  if (how < 0.5) return path;
  const piece = pick(draw, [
    '%00',
    '%',
    '%ff',
    '..%2f..%2f',
    '%2e%2e/',
    "'",
    '%E2%80%AE',
    '1e99',
    '-1',
    '999999999999999999999',
    'x'.repeat(5000),
  ]);
  if (how < 0.8) return path.replace(/\/[^/?]*($|\?)/, `/${piece}$1`);
  return `${path}${path.includes('?') ? '&' : '?'}${piece}=${piece}&limit=${piece}&page=${piece}`;
}

function oddHeaders(draw: Random): string[] {
  const odd = [
    () => `Cookie: ratchet_session=${'x'.repeat(3000)}`,
    () => 'Authorization: Bearer ' + 'y'.repeat(whole(draw, 1, 4000)),
    () => 'Origin: https://evil.example',
    () => 'X-Forwarded-Host: evil.example',
    () => `Idempotency-Key: ${'k'.repeat(whole(draw, 1, 2000))}`,
    () => 'Accept: \u0001',
    () => `X-Long: ${'z'.repeat(whole(draw, 1, 100_000))}`,
    () => 'Range: bytes=0-,5-2,-1',
    () => 'If-None-Match: "' + 'e'.repeat(2000),
    () => 'Content-Encoding: gzip',
    () => 'Expect: 100-continue',
    () => 'Upgrade: websocket\r\nConnection: Upgrade',
    () => 'traceparent: 00-zz-zz-01',
  ];
  return Array.from({ length: whole(draw, 0, 3) }, () => pick(draw, odd)());
}

function oddBody(path: string, draw: Random): { type: string; body: Buffer } {
  const form = path.startsWith('/v1/files') || !path.startsWith('/v1');
  const like = path.includes('feedback') ? FEEDBACK : path.includes('jobs') ? JOB : CHAT;
  const how = draw();
  if (form && how < 0.5) {
    const part = `--b\r\nContent-Disposition: form-data; name="${pick(draw, ['file', 'purpose', '\u0000', 'x'.repeat(3000)])}"; filename="${oddText(draw).slice(0, 300)}"\r\n\r\n${oddText(draw)}\r\n`;
    return {
      type: 'multipart/form-data; boundary=b',
      body: spoilBytes(Buffer.from(`${part.repeat(whole(draw, 1, 5))}--b--`), draw),
    };
  }
  if (form && how < 0.7) {
    const fields = Array.from(
      { length: whole(draw, 1, 200) },
      () => `task=${encodeURIComponent(oddText(draw).toWellFormed().slice(0, 500))}&%=%`,
    );
    return { type: 'application/x-www-form-urlencoded', body: Buffer.from(fields.join('&')) };
  }
  const bodies: (() => Buffer)[] = [
    () => Buffer.from(json(like)),
    () => Buffer.from(json(spoil(like, draw))),
    () => Buffer.from(json(spoil(like, draw))),
    () => spoilBytes(Buffer.from(json(like)), draw),
    () => Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)),
    () =>
      Buffer.from(
        json({
          ...like,
          metadata: deep(1000),
          response_format: { type: 'json_schema', json_schema: { name: 'x', schema: deep(800) } },
        }),
      ),
    () => Buffer.from(json({ ...like, messages: [{ role: 'user', content: 'x'.repeat(5_000_000) }] })),
    () =>
      Buffer.from(
        json({ ...like, messages: Array.from({ length: 50_000 }, () => ({ role: 'user', content: '1' })) }),
      ),
    () => Buffer.from(json({ ...like, [oddText(draw)]: oddValue(draw) })),
    () => Buffer.alloc(whole(draw, 0, 2000), 0),
  ];
  const types = [
    'application/json',
    'application/json',
    'application/json',
    'text/plain',
    'application/json; charset=utf-16',
    '',
  ];
  return { type: pick(draw, types), body: pick(draw, bodies)() };
}

export function oddRequest(door: Door, draw: Random): Buffer {
  const [known, route] = pick(draw, door.routes).split(' ') as [string, string];
  const method =
    draw() < 0.9 ? known : pick(draw, ['PUT', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'BREW', 'CONNECT']);
  const path = oddPath(route, draw);
  const { type, body } = known === 'POST' ? oddBody(route, draw) : { type: '', body: Buffer.alloc(0) };
  const host =
    draw() < 0.85
      ? `127.0.0.1:${door.port}`
      : pick(draw, ['evil.example', '', '\u0000', '[::1', '127.0.0.1:99999999', 'localhost.evil.example']);
  const length =
    draw() < 0.92
      ? String(body.length)
      : pick(draw, ['-1', '99999999999', '5, 6', '0x10', String(body.length + 10)]);
  const head = [
    `${method} ${path} ${draw() < 0.97 ? 'HTTP/1.1' : pick(draw, ['HTTP/1.0', 'HTTP/9.9', 'HTTQ'])}`,
    `Host: ${host}`,
    ...(draw() < 0.05 ? ['Host: 127.0.0.1'] : []),
    ...(type ? [`Content-Type: ${type}`] : []),
    ...(known === 'POST' ? [`Content-Length: ${length}`] : []),
    ...(draw() < 0.05 ? ['Transfer-Encoding: chunked'] : []),
    ...oddHeaders(draw),
    'Connection: close',
  ];
  const request = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
  return draw() < 0.05 ? spoilBytes(request, draw) : request;
}

/** Sends it and waits for an answer: its status, or 0 for none. The line is cut after a while, or at once. */
export function knock(door: Door, request: Buffer, draw: Random): Promise<number> {
  return new Promise((resolve) => {
    const line = connect(door.port, '127.0.0.1');
    let answer = '';
    const end = () => {
      line.destroy();
      resolve(Number(/^HTTP\/1\.\d (?!100)(\d{3})/m.exec(answer)?.[1] ?? 0));
    };
    const timer = setTimeout(end, draw() < 0.1 ? 20 : 5000);
    line.on('connect', () => line.write(request));
    line.on('data', (piece: Buffer) => {
      if (answer.length < 100) answer += piece.toString('latin1');
    });
    line.on('error', () => undefined);
    line.on('close', () => {
      clearTimeout(timer);
      end();
    });
  });
}
