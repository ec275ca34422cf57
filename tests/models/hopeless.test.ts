/** What no second try mends is told from what one may: by real servers that answer with anything but a completion. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adviceOn } from '../../models/advice.ts';
import { baseUrlProblem } from '../../models/base-url.ts';
import { chat } from '../../models/chat.ts';
import { resolveEndpoint, type Endpoint } from '../../models/endpoint.ts';
import { errorText, isRefusal, isRetryable, isUnknownModel, mismatch } from '../../models/errors.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let answer: Answer;
let asked: string[] = [];
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
});
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

let models = 0;
/** Each a model of its own: what is learnt of one is not known of the next. */
const endpointAt = (baseURL = `http://127.0.0.1:${port}/v1`): Endpoint =>
  resolveEndpoint('generator', { baseURL, model: `m${++models}` }, undefined);
const request = { messages: [{ role: 'user' as const, content: 'x' }], maxTokens: 5, temperature: 0 };

async function failureOf(endpoint = endpointAt()): Promise<Error> {
  asked = [];
  return chat(endpoint, request).then(
    () => expect.unreachable('it was answered'),
    (error: unknown) => error as Error,
  );
}
const json =
  (body: unknown, status = 200): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const completion = { choices: [{ index: 0, message: { content: 'hello' }, finish_reason: 'stop' }] };

describe.each<[string, Answer]>([
  ['choices: null', json({ choices: null })],
  ['no choices', json({})],
  ['an empty list of choices', json({ choices: [] })],
  ['a list', json([])],
  ['nothing at all', (_, response) => void response.end()],
  ['a page', (_, response) => void response.end('<html>Sign in</html>')],
])('an endpoint that answers with %s', (_, given) => {
  it('is given up after a few answers where it never gave a completion, with advice', async () => {
    answer = given;
    const endpoint = endpointAt();
    for (let i = 1; i < 6; i++) expect(isRetryable(await failureOf(endpoint)), `answer ${i}`).toBe(true);
    const last = await failureOf(endpoint);
    expect(isRetryable(last)).toBe(false);
    expect(isRefusal(last)).toBe(false);
    expect(adviceOn(last)!.advice).toMatch(/gives no completions.*ends in \/v1/);
  });

  it('is asked again where it did', async () => {
    answer = json(completion);
    const endpoint = endpointAt();
    await chat(endpoint, request);
    answer = given;
    for (let i = 0; i < 12; i++) expect(isRetryable(await failureOf(endpoint))).toBe(true);
  });
});

it('a body that breaks off is no page: it may be asked again for ever', async () => {
  answer = (_, response) => void response.end('{"choices": [{"mess');
  const endpoint = endpointAt();
  for (let i = 0; i < 12; i++) expect(isRetryable(await failureOf(endpoint))).toBe(true);
});

describe('an error in an answer of status 200 counts as its own status:', () => {
  it.each<[object, 'again' | 'refused' | 'unknown' | 'never']>([
    [{ error: { message: 'slow down', code: 429 } }, 'again'],
    [{ error: { message: 'x', type: 'overloaded_error' } }, 'again'],
    [{ error: 'something broke' }, 'again'],
    [{ error: { message: 'bad key', code: 401 } }, 'never'],
    [{ error: 'Invalid API key provided' }, 'never'],
    [{ error: { message: 'pay', code: 402 } }, 'never'],
    [{ error: { message: 'filtered', code: 'content_filter' } }, 'refused'],
    [{ error: { message: 'Your prompt was flagged by moderation', code: 400 } }, 'refused'],
    [{ choices: [], error: { message: 'x', type: 'invalid_request_error' } }, 'refused'],
    [{ choices: null, error: { message: 'no such model', code: 404 } }, 'unknown'],
    [{ error: "model 'x' not found, try pulling it first" }, 'unknown'],
    [{ object: 'error', message: 'maximum context length is 5', code: 400 }, 'refused'],
    [{ success: false, errors: [{ code: 401, message: 'no' }] }, 'never'],
    [{ code: 400, msg: 'bad prompt' }, 'refused'],
    [
      { choices: [{ index: 0, message: { content: '' } }], error: { message: 'filtered', code: 400 } },
      'refused',
    ],
  ])('%j: %s', async (body, kind) => {
    answer = json(body);
    const error = await failureOf();
    const found = isRetryable(error)
      ? 'again'
      : isUnknownModel(error)
        ? 'unknown'
        : isRefusal(error)
          ? 'refused'
          : 'never';
    expect(found, errorText(error)).toBe(kind);
  });
});

describe('a stream that nobody asked for is not asked for again', () => {
  const typed =
    (type: string, text: string): Answer =>
    (_, response) =>
      void response.writeHead(200, { 'content-type': type }).end(text);
  it.each<[string, Answer]>([
    ['events', typed('text/event-stream', 'data: {"choices": []}\n\ndata: [DONE]\n\n')],
    ['a comment first', typed('text/plain', ': PROCESSING\n\ndata: {}\n\n')],
    ['an event first', typed('text/plain', 'event: start\ndata: {}\n\n')],
    ['a JSON object a line', typed('application/json', '{"a": 1}\n{"b": 2}\n')],
    ['lines by type', typed('application/x-ndjson', '{"a": 1}\n{"b"')],
  ])('%s', async (_, given) => {
    answer = given;
    const error = await failureOf();
    expect(isRetryable(error)).toBe(false);
    expect(adviceOn(error)!.advice).toMatch(/Turn streaming off/);
  });
});

describe('a redirect', () => {
  const to =
    (status: number, location: string): Answer =>
    ({ url }, response) =>
      url!.startsWith('/v1/')
        ? void response.writeHead(status, { location }).end()
        : json(completion)({} as IncomingMessage, response);

  it.each([307, 308])('of status %i on the same host is followed, with the question', async (status) => {
    answer = to(status, '/v2/chat/completions');
    asked = [];
    expect((await chat(endpointAt(), request)).choices[0]!.text).toBe('hello');
    expect(asked).toEqual(['POST /v1/chat/completions', 'POST /v2/chat/completions']);
  });
  it.each([
    [301, '/login'],
    [302, '/login?back=1'],
    [303, '/v2/chat/completions'],
    [307, 'http://elsewhere.example/v1/chat/completions'],
    [307, 'http://127.0.0.1:1/v1/chat/completions'],
    [307, 'https://127.0.0.1/v1/chat/completions'],
    [308, 'http://'],
  ])('of status %i to %s is an answer, which names where it leads', async (status, location) => {
    answer = to(status, location);
    const error = await failureOf();
    expect(asked).toHaveLength(1);
    expect(isRetryable(error)).toBe(false);
    expect(error.message).toMatch(new RegExp(`answers with a redirect \\(${status}\\) to \\S+\\.$`));
    expect(adviceOn(error)!.advice).toMatch(/name the address that it gives/);
  });
  it('that goes round ends', async () => {
    answer = to(308, '/v1/chat/completions');
    expect(isRetryable(await failureOf())).toBe(false);
    expect(asked).toHaveLength(6);
  });
});

describe('an address that can’t be right is given up at once', () => {
  it('https:// where a server speaks plain http', async () => {
    const error = await failureOf(endpointAt(`https://127.0.0.1:${port}/v1`));
    expect(mismatch(error)).toBe('http');
    expect(isRetryable(error)).toBe(false);
    expect(adviceOn(error)!.advice).toMatch(/http:\/\/ in place of https:\/\//);
  });
  it('a port that may not be called', async () => {
    const error = await failureOf(endpointAt('http://127.0.0.1:6000/v1'));
    expect(mismatch(error)).toBe('address');
    expect(isRetryable(error)).toBe(false);
    expect(adviceOn(error)!.advice).toMatch(/a usual port/);
  });
});

describe('a base URL is checked before its first use', () => {
  it.each<[string, RegExp]>([
    ['localhost:8000/v1', /did you mean http:\/\/localhost:8000\/v1\?/],
    ['127.0.0.1:8000/v1', /did you mean http:\/\/127\.0\.0\.1:8000\/v1\?/],
    ['api.example.com/v1', /did you mean http:\/\/api\.example\.com\/v1\?/],
    ['//host/v1', /did you mean http:\/\/host\/v1\?/],
    ['ftp://host/v1', /no http:\/\/ or https:\/\//],
    [' ', /is empty/],
    ['http://', /no http:\/\/ or https:\/\//],
    ['https://sk-secret@host/v1', /user name or password/],
    ['https://me:hunter2@host/v1', /apiKeyEnv/],
    ['https://host/v1?key=hunter2', /behind its path \(\?…\)/],
    ['https://host/v1#x', /behind its path \(#…\)/],
    ['http://host:0/v1', /port 0/],
  ])('%s', (baseURL, problem) => {
    const said = baseUrlProblem(baseURL)!;
    expect(said).toMatch(problem);
    expect(said).not.toMatch(/secret|hunter2/);
    expect(() => endpointAt(baseURL)).toThrow(
      `The endpoint of the generator: models.generator.baseURL ${said}.`,
    );
  });
  it.each(['http://localhost:8000/v1', 'https://api.openai.com/v1', 'http://[::1]:8000/v1/', 'http://host'])(
    '%s can be called',
    (baseURL) => expect(baseUrlProblem(baseURL)).toBeUndefined(),
  );
});
