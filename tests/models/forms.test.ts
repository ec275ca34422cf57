import { APIError } from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { chat, type ChatRequest } from '../../models/chat.ts';
import { resolveEndpoint, type Endpoint } from '../../models/endpoint.ts';
import { folded, refusedForm, unwelcome, type Form } from '../../models/forms.ts';
import { responseFormat } from '../../tasks/critic.ts';
import { z } from 'zod';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

const endpoints: ScriptedEndpoint[] = [];
afterAll(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));

async function start(script: Partial<Script>, extra?: Record<string, unknown>) {
  const server = await startScriptedEndpoint({
    baseModel: 'm',
    answer: ({ seed }) => `draw ${seed}`,
    ...script,
  });
  endpoints.push(server);
  const endpoint = resolveEndpoint('generator', { baseURL: server.url, ...(extra ? { extra } : {}) }, 'm');
  return { server, endpoint };
}

const schema = responseFormat('verdict', z.strictObject({ verdict: z.enum(['holds', 'fails']) }));
const request: ChatRequest = {
  messages: [
    { role: 'system', content: 'Judge.' },
    { role: 'user', content: '36 - 7 = 29' },
  ],
  maxTokens: 50,
  temperature: 0.5,
  topP: 0.9,
  n: 3,
  seed: 100,
  extra: { response_format: schema, logprobs: true, top_logprobs: 2 },
};

type Sent = Record<string, unknown> & { messages: { role: string; content: string }[] };
const bodies = (server: ScriptedEndpoint) => server.received.map(({ body }) => body as Sent);

/** How servers refuse a field: OpenAI, vLLM, llama.cpp, FastAPI's forms, and templates. */
const refusals: [Form, string, { status?: number; body: unknown }, (body: Sent) => boolean][] = [
  [
    'temperature',
    'OpenAI',
    {
      body: {
        error: {
          message:
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
          type: 'invalid_request_error',
          param: 'temperature',
          code: 'unsupported_value',
        },
      },
    },
    (b) => b.temperature !== undefined,
  ],
  [
    'max_tokens',
    'OpenAI',
    {
      body: {
        error: {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          type: 'invalid_request_error',
          param: 'max_tokens',
          code: 'unsupported_parameter',
        },
      },
    },
    (b) => b.max_tokens !== undefined,
  ],
  [
    'n',
    'llama.cpp',
    {
      body: {
        error: { code: 400, message: 'Only one completion choice is allowed', type: 'invalid_request_error' },
      },
    },
    (b) => b.n !== undefined,
  ],
  [
    'n',
    'Groq',
    { body: { error: { message: "'n' : number must be at most 1", type: 'invalid_request_error' } } },
    (b) => b.n !== undefined,
  ],
  [
    'n',
    'FastAPI',
    {
      status: 422,
      body: {
        detail: [
          { type: 'extra_forbidden', loc: ['body', 'n'], msg: 'Extra inputs are not permitted', input: 3 },
        ],
      },
    },
    (b) => b.n !== undefined,
  ],
  [
    'seed',
    'FastAPI, in a string',
    { status: 422, body: { detail: 'Unknown field: seed' } },
    (b) => b.seed !== undefined,
  ],
  [
    'seed',
    'older vLLM',
    {
      body: {
        object: 'error',
        message: 'seed is not supported',
        type: 'BadRequestError',
        param: null,
        code: 400,
      },
    },
    (b) => b.seed !== undefined,
  ],
  [
    'logprobs',
    'OpenAI',
    {
      body: {
        error: {
          message: 'You are not allowed to request logprobs from this model',
          param: null,
          code: null,
        },
      },
    },
    (b) => b.logprobs !== undefined,
  ],
  [
    'top_p',
    'an error in a string',
    { body: { error: 'unrecognized argument: top_p' } },
    (b) => b.top_p !== undefined,
  ],
  [
    'top_p',
    'one of two',
    { body: { error: { message: '`temperature` and `top_p` cannot both be specified for this model' } } },
    (b) => b.top_p !== undefined,
  ],
  [
    'json_schema',
    'our own server, before',
    {
      body: {
        error: { message: "Invalid 'response_format.type'", param: 'response_format.type', code: null },
      },
    },
    (b) => (b.response_format as { type?: string })?.type === 'json_schema',
  ],
  [
    'system',
    "Gemma's template",
    { body: { error: { message: 'System role not supported' } } },
    (b) => b.messages[0]!.role === 'system',
  ],
  [
    'system',
    'a template that wants turns',
    {
      status: 500,
      body: {
        error: {
          code: 500,
          message: 'Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...',
        },
      },
    },
    (b) => b.messages[0]!.role === 'system',
  ],
];

/** How servers and templates say that the first message may be no system message. */
const NO_SYSTEM: [number, string, string?][] = [
  [400, 'Only user, assistant and tool roles are supported!'],
  [422, "Input should be 'user' or 'assistant'", 'messages.0.role'],
  [400, "messages[0].role must be one of ['user','assistant']"],
  [
    400,
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
    'messages[0].role',
  ],
  [400, 'Developer instruction is not enabled for models/gemma-3-27b-it'],
  [400, 'the first message must be from the user'],
  [400, 'invalid role: system'],
  [500, 'TemplateError: System role not supported'],
];
it.each(NO_SYSTEM)('a system message is refused by %i "%s"', (status, message, param) => {
  const error = APIError.generate(status, { error: { message, param } }, undefined, new Headers());
  const [system, user] = [
    { role: 'system' as const, content: 'Judge.' },
    { role: 'user' as const, content: 'x' },
  ];
  const endpoint = { model: 'm' } as Endpoint;
  expect(refusedForm(error, { messages: [system, user] }, endpoint)).toBe('system');
  expect(refusedForm(error, { messages: [user] }, endpoint)).toBeUndefined();
});
it.each([
  'The system prompt exceeds the context length, which is not allowed',
  "Input should be 'user' or 'assistant' (messages.12.role)",
])('a system message is not refused by "%s"', (message) => {
  const error = APIError.generate(400, { error: { message } }, undefined, new Headers());
  const messages = [{ role: 'system' as const, content: 'Judge.' }];
  expect(refusedForm(error, { messages }, { model: 'm' } as Endpoint)).toBeUndefined();
});

describe('a field that is refused by name', () => {
  it.each(refusals)(
    '%s (%s) is left out from then on, at the cost of one call',
    async (form, _, { status = 400, body }, used) => {
      const { server, endpoint } = await start({
        fault: (asked) => (used(asked.body as Sent) ? { kind: 'reply', status, body } : undefined),
      });
      const told: Form[] = [];
      const first = await chat(endpoint, request, undefined, (refused) => told.push(refused));
      expect(first.choices).toHaveLength(3);
      expect(told).toEqual([form]);
      const asked = bodies(server).length;
      await chat(endpoint, request, undefined, (refused) => told.push(refused));
      expect(told).toEqual([form]);
      expect(bodies(server).filter(used)).toHaveLength(1);
      expect(bodies(server).length).toBe(2 * asked - 1);
      // Nothing else is given up with it.
      expect([...unwelcome(endpoint)]).toEqual([form]);
    },
  );

  it.each([
    'response_format is not supported',
    // Our own server, of a model that can write no JSON.
    "'response_format' is not possible with this model: its vocabulary cannot write { }. Leave it out",
  ])(
    'goes from json_schema over json_object to none, with the schema told in the prompt: %s',
    async (message) => {
      const { server, endpoint } = await start({
        fault: ({ body }) => (body.response_format ? { status: 400, message } : undefined),
      });
      await chat(endpoint, { ...request, n: 1 });
      const [schemaForm, objectForm, none] = bodies(server);
      expect(schemaForm!.response_format).toEqual(schema);
      expect(schemaForm!.messages).toEqual(request.messages);
      expect(objectForm!.response_format).toEqual({ type: 'json_object' });
      expect(none).not.toHaveProperty('response_format');
      for (const { messages } of [objectForm!, none!]) {
        expect(messages[1]!.content).toContain('36 - 7 = 29\n\nAnswer with one JSON object and nothing else');
        expect(messages[1]!.content).toContain('"enum":["holds","fails"]');
      }
      // Text is not asked to be JSON for it.
      const { extra: _, ...plain } = request;
      await chat(endpoint, { ...plain, n: 1 });
      expect(bodies(server).at(-1)!.messages).toEqual(request.messages);
    },
  );

  it('may be every one: the plainest form is still a request', async () => {
    const order: [string, (b: Sent) => unknown][] = [
      ['response_format', (b) => b.response_format],
      ['n', (b) => b.n],
      ['seed', (b) => b.seed],
      ['logprobs', (b) => b.logprobs],
      ['top_p', (b) => b.top_p],
      ['temperature', (b) => b.temperature],
      ['max_tokens', (b) => b.max_tokens],
    ];
    const { server, endpoint } = await start({
      fault: ({ body }) => {
        const found = order.find(([, of]) => of(body as Sent) !== undefined);
        if (found)
          return { status: 422, message: `Unknown parameter: '${found[0]}'`, code: 'unknown_parameter' };
        return (body as Sent).messages[0]!.role === 'system'
          ? { status: 400, message: 'Only user and assistant roles are supported!' }
          : undefined;
      },
    });
    const reply = await chat(endpoint, request);
    expect(reply.choices).toHaveLength(3);
    expect(bodies(server)).toHaveLength(9 + 3);
    const { messages, ...rest } = bodies(server).at(-1)!;
    expect(rest).toEqual({ model: 'm', max_completion_tokens: 50, stream: false });
    expect(messages).toHaveLength(1);
    expect(messages[0]!.content).toMatch(/^Judge\.\n\n36 - 7 = 29\n\nAnswer with one JSON object/);
  });

  it('is given up by 256 calls in flight, each at most once, and none of them fails', async () => {
    const { server, endpoint } = await start({
      latencyMs: 30,
      fault: ({ body }) => {
        if (body.n !== undefined)
          return { status: 400, message: 'n is not supported', code: 'unsupported_parameter' };
        return body.response_format
          ? { status: 400, message: 'response_format is not supported' }
          : undefined;
      },
    });
    const asked = { ...request, n: 1, extra: { response_format: schema } };
    const replies = await Promise.all(
      Array.from({ length: 256 }, (_, i) => chat(endpoint, { ...asked, seed: i })),
    );
    expect(replies.map(({ choices }) => choices[0]!.text)).toEqual(
      Array.from({ length: 256 }, (_, i) => `draw ${i}`),
    );
    expect(bodies(server).length).toBeLessThanOrEqual(256 * 4);
    const before = bodies(server).length;
    await chat(endpoint, asked);
    expect(bodies(server).length).toBe(before + 1);
  });

  it('is remembered by endpoint and model: another model is asked in the usual form', async () => {
    const { server, endpoint } = await start({
      otherModels: ['other'],
      fault: ({ model, body }) =>
        model === 'm' && body.seed !== undefined
          ? { status: 400, message: 'seed is not supported' }
          : undefined,
    });
    await chat(endpoint, { ...request, n: 1 });
    const other: Endpoint = { ...endpoint, model: 'other' };
    await chat(other, { ...request, n: 1 });
    expect(bodies(server).map((body) => body.seed)).toEqual([100, undefined, 100]);
  });
});

describe('what is no refusal of a field', () => {
  it.each([
    [
      'a context that is too short',
      400,
      "This model's maximum context length is 4096 tokens. Please reduce max_tokens, which is not supported beyond it.",
    ],
    ['a value out of range', 400, "'temperature' must be between 0 and 1"],
    ['a filter', 400, 'The prompt was filtered: unsupported content'],
    ['a spent quota', 429, "Unsupported parameter: 'seed'"],
    ['a missing key', 401, "Unsupported parameter: 'seed'"],
  ])('%s stays the error that it is', async (_, status, message) => {
    const { server, endpoint } = await start({ fault: () => ({ status, message }) });
    await expect(chat(endpoint, request)).rejects.toThrow(message);
    expect(bodies(server)).toHaveLength(1);
    expect([...unwelcome(endpoint)]).toEqual([]);
  });

  it('a field that the user set is sent, or the call fails', async () => {
    const { endpoint } = await start(
      { fault: () => ({ status: 400, message: "Unsupported parameter: 'temperature'" }) },
      { temperature: 0.2 },
    );
    await expect(chat(endpoint, request)).rejects.toThrow(/temperature/);
    expect([...unwelcome(endpoint)]).toEqual([]);
  });
});

describe('samples', () => {
  it('of an endpoint that ignores n are asked for singly, each under its own seed', async () => {
    const { server, endpoint } = await start({ fault: () => ({ kind: 'choices', count: 1 }) });
    const reply = await chat(endpoint, request);
    expect(reply.choices.map(({ text }) => text)).toEqual(['draw 100', 'draw 101', 'draw 102']);
    expect(reply.requests).toBe(3);
    expect(bodies(server).map(({ n, seed }) => [n, seed])).toEqual([
      [3, 100],
      [undefined, 101],
      [undefined, 102],
    ]);
    await chat(endpoint, request);
    expect(bodies(server)).toHaveLength(6);
  });

  it('that came before a failure are kept', async () => {
    const { endpoint } = await start({
      fault: (_request, count) => (count === 3 ? { status: 503 } : { kind: 'choices', count: 1 }),
    });
    expect((await chat(endpoint, request)).choices).toHaveLength(2);
  });

  it('that all say index 0 are kept where as many came as were asked for', async () => {
    const choice = (content: string) => ({
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content },
    });
    const { endpoint } = await start({
      fault: () => ({
        kind: 'reply',
        body: { choices: ['a', 'b', 'c'].map(choice), usage: { completion_tokens: 9 } },
      }),
    });
    const { choices } = await chat(endpoint, request);
    expect(choices.map(({ text, completionTokens }) => [text, completionTokens])).toEqual([
      ['a', 3],
      ['b', 3],
      ['c', 3],
    ]);
  });
});

describe('further fields', () => {
  it('are passed as they are, and a limit of the user’s own takes the place of ours', async () => {
    const extra = {
      chat_template_kwargs: { enable_thinking: false },
      top_k: 20,
      min_p: 0.05,
      reasoning_effort: 'low',
      max_completion_tokens: 4096,
    };
    const { server, endpoint } = await start({}, extra);
    await chat(endpoint, { ...request, n: 1 });
    expect(bodies(server)[0]).toMatchObject(extra);
    expect(bodies(server)[0]).not.toHaveProperty('max_tokens');
  });
});

it('a system message without a user message becomes one', () => {
  expect(folded([{ role: 'system', content: 'a' }])).toEqual([{ role: 'user', content: 'a' }]);
});
