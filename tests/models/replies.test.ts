/** Every form of reply that endpoints are known to give, from an endpoint that gives it: what the client makes of it. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { joinThinking } from '../../models/choices.ts';
import { partThinking, visibleOf } from '../../tasks/thinking-text.ts';
import { chat } from '../../models/chat.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { isRetryable, isRefusal } from '../../models/errors.ts';
import { estimateTokens } from '../../models/tokens.ts';
import { startScriptedEndpoint, type Fault, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

const endpoints: ScriptedEndpoint[] = [];
afterAll(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));

const messages = [{ role: 'user' as const, content: 'How many are left of 3 boxes of 12 when 7 are sold?' }];

async function ask(fault: Fault, n = 1) {
  const server = await startScriptedEndpoint({ baseModel: 'm', answer: () => '#### 1', fault: () => fault });
  endpoints.push(server);
  const endpoint = resolveEndpoint('generator', { baseURL: server.url }, 'm');
  return chat(endpoint, { messages, maxTokens: 100, temperature: 0, n, seed: 1 });
}
const reply = (body: unknown, n?: number) => ask({ kind: 'reply', body }, n);
const errorOf = (body: unknown) =>
  reply(body).then(
    () => undefined,
    (error: unknown) => error,
  );

type Case = { name: string; reply: unknown; asked_n?: number };
const cases = new Map(
  readFileSync(new URL('../fixtures/replies.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case)
    .map((one) => [one.name, one]),
);
const only = async (name: string) => (await reply(cases.get(name)!.reply)).choices[0]!;

describe('a reply', () => {
  it.each(['reasoning apart', 'reasoning_content apart'])(
    'with %s is one text, thinking first',
    async (name) => {
      expect(await only(name)).toMatchObject({
        text: '<think>\n3 boxes of 12 are 36; 36 - 7 = 29.\n</think>\n\n#### 29',
        finishReason: 'stop',
      });
    },
  );

  it('that is cut in mid-thought has nothing behind its thinking', async () => {
    const { text, finishReason } = await only('cut in mid-thought');
    expect({ text, finishReason }).toEqual({ text: '<think>\n3 boxes of 12 are', finishReason: 'length' });
    expect(partThinking(text)).toMatchObject({ visible: '', unfinished: true });
  });

  it.each([
    ['think tags in the text', '36 - 7 = 29\n#### 29'],
    ['closing tag only', '#### 29'],
    ['unfinished think tag', ''],
  ])('with %s is kept as it came, and is read behind the thinking', async (name, visible) => {
    const { text } = await only(name);
    const given = (cases.get(name)!.reply as { choices: { message: { content: string } }[] }).choices[0]!;
    expect(text).toBe(given.message.content);
    expect(visibleOf(text)).toBe(visible);
  });

  it('with null content and no reasoning is empty', async () => {
    expect(await only('null content, no reasoning')).toEqual({
      text: '',
      finishReason: 'stop',
      completionTokens: 0,
    });
  });

  it('with content in parts is their text', async () => {
    expect((await only('content in parts')).text).toBe('36 - 7 = 29\n#### 29');
  });

  it('with a refusal is refused, in the model’s words', async () => {
    expect(await only('refusal field')).toMatchObject({ text: '', refused: "I can't help with that." });
  });

  it('that was cut by a filter is refused, however much of it came', async () => {
    const { choices } = await reply({
      choices: [
        { index: 0, finish_reason: 'content_filter', message: { role: 'assistant', content: '36 - 7' } },
      ],
    });
    expect(choices[0]).toMatchObject({ refused: 'finish_reason "content_filter"' });
  });

  it('without usage has tokens all the same, rather too many, marked as an estimate', async () => {
    const { choices, estimated, promptTokens, completionTokens } = await reply(
      cases.get('usage missing')!.reply,
    );
    expect(estimated).toBe(true);
    expect(choices[0]!.completionTokens).toBeGreaterThanOrEqual(4);
    expect(completionTokens).toBe(choices[0]!.completionTokens);
    expect(promptTokens).toBeGreaterThan(15);
    const counted = await reply({
      choices: [{ index: 0, finish_reason: 'stop', message: { content: '#### 29' } }],
      usage: { prompt_tokens: 12, completion_tokens: 5 },
    });
    expect(counted).toMatchObject({ estimated: false, promptTokens: 12, completionTokens: 5 });
  });

  it('without a finish reason has an unknown one', async () => {
    expect(await only('finish_reason null')).toMatchObject({
      text: '36 - 7 = 29\n#### 29',
      finishReason: 'unknown',
    });
  });

  it('of one choice where more were asked for is followed by single requests', async () => {
    const { reply: body, asked_n: n } = cases.get('n ignored')!;
    const { choices, requests } = await reply(body, n);
    expect({ choices: choices.length, requests }).toEqual({ choices: 4, requests: 4 });
  });
});

describe('a fault in an answer with status 200', () => {
  it.each([
    ['an overloaded model', cases.get('error body with status 200')!.reply, undefined, true],
    ['a rate limit', { error: { message: 'slow down', type: 'rate_limit_error' } }, 429, true],
    ['its own status', { error: { message: 'bad gateway', code: 502 } }, 502, true],
    ['an error in a string', { error: 'CUDA out of memory' }, 500, true],
    ['no choices', { choices: null }, undefined, true],
    ['an empty list of choices', { choices: [] }, undefined, true],
    [
      'a choice that failed',
      { choices: [{ index: 0, finish_reason: 'error', message: { content: '' } }] },
      500,
      true,
    ],
    [
      'a choice with an error',
      { choices: [{ index: 0, error: { code: 503, message: 'upstream' }, message: {} }] },
      503,
      true,
    ],
    [
      'a network reason',
      { choices: [{ index: 0, finish_reason: 'network_error', message: { content: '' } }] },
      500,
      true,
    ],
    ['a spent quota', { error: { message: 'pay', code: 'insufficient_quota' } }, 429, false],
    ['a wrong key', { error: { message: 'no', type: 'authentication_error' } }, 401, false],
    ['a filter', { error: { message: 'no', code: 'content_filter' } }, 400, false],
  ])(
    '%s is the error of a failed call, tried again where that can help',
    async (_, body, status, retryable) => {
      const error = await errorOf(body);
      expect(error).toBeInstanceOf(Error);
      expect(isRetryable(error)).toBe(retryable);
      if (status !== undefined) expect((error as { status?: number }).status).toBe(status);
      expect(isRefusal(error)).toBe(status === 400);
    },
  );

  it('of one choice of several leaves the others', async () => {
    const choice = (index: number, finish: string) => ({
      index,
      finish_reason: finish,
      message: { content: `t${index}` },
    });
    const { choices } = await reply(
      { choices: [choice(0, 'stop'), choice(1, 'error'), choice(2, 'stop')] },
      3,
    );
    expect(choices.map(({ text }) => text).slice(0, 2)).toEqual(['t0', 't2']);
  });
});

it('a stream that nobody asked for is an error that no second try mends', async () => {
  const server = await startScriptedEndpoint(
    { baseModel: 'm', answer: () => '' },
    {
      intercept: async (_request, _body, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end('data: {"choices":[{"delta":{"content":"#### 29"}}]}\n\ndata: [DONE]\n\n');
        return true;
      },
    },
  );
  endpoints.push(server);
  const endpoint = resolveEndpoint('generator', { baseURL: server.url }, 'm');
  const error = await chat(endpoint, { messages, maxTokens: 5, temperature: 0 }).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(String(error)).toMatch(/answers with a stream although/);
  expect(isRetryable(error)).toBe(false);
  expect(isRefusal(error)).toBe(false);
});

describe('thinking', () => {
  it.each([
    ['plain', 'plain', false],
    ['<think>a</think>b', 'b', false],
    ['<thinking>a</thinking>\n b', 'b', false],
    ['[THINK]a[/THINK]b', 'b', false],
    ['<think>a</think>b<think>c</think>\nd', 'd', false],
    ['<think>a</think>b<think>c', '', true],
    ['a</think>', '', false],
    ['2 < 3 and <thinks> is no tag', '2 < 3 and <thinks> is no tag', false],
  ])('%j shows %j', (text, visible, unfinished) => {
    expect(partThinking(text)).toMatchObject({ visible, unfinished });
  });

  it('and what is visible are the text, whatever stands in it', () => {
    const piece = fc.oneof(
      fc.constantFrom('<think>', '</think>', '[THINK]', '[/THINK]', '\n', ' '),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
        (text) => {
          const { thinking, visible } = partThinking(text);
          expect(text.startsWith(thinking) && text.endsWith(visible)).toBe(true);
          expect(text.slice(thinking.length, text.length - visible.length).trim()).toBe('');
          if (thinking !== '') expect(visible).not.toMatch(/<\/?think>|\[\/?THINK\]/);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), (thought, answer) => {
        fc.pre(!/<\/?think|\[\/?THINK/.test(thought + answer));
        expect(visibleOf(joinThinking(thought, answer, false))).toBe(answer.trimStart());
      }),
    );
  });

  it('of any length is parted in little time', () => {
    const began = performance.now();
    for (const unit of ['<think>', '</think>', '<', '<think', '[THINK]']) partThinking(unit.repeat(100_000));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

it.each([
  ['', 0],
  ['The cat sat on the mat.', 6],
  ['36 - 7 = 29\n#### 29', 14],
  ['答案是二十九', 6],
])('the tokens of %j are at least what tokenizers take', (text, least) => {
  expect(estimateTokens(text)).toBeGreaterThanOrEqual(least);
  expect(estimateTokens(text)).toBeLessThanOrEqual(3 * least);
});
