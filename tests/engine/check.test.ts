/** `ratchet check` against endpoints with one fault each, and against our own server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { checkRun } from '../../engine/check/check.ts';
import type { CheckReport } from '../../engine/check/types.ts';
import { renderCheck, widest } from '../../cli/render/check.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { ratchet } from '../support/cli-process.ts';
import { startModelServer } from '../support/model-server.ts';
import {
  startScriptedEndpoint,
  type EndpointOptions,
  type Script,
  type ScriptedEndpoint,
} from '../support/scripted-endpoint.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-check-'));
const file = join(folder, 'sums.yaml');
const open: ScriptedEndpoint[] = [];

const TASK = `name: sums
title: Sums
prompts: { file: prompts.jsonl, field: prompt }
benchmarks:
  - { name: target, role: target, file: held-out.jsonl, promptField: prompt, answerField: answer }
template: "{prompt}"
answer: { read: hash, compare: numeric }
maxTokens: 64
`;

const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ prompt: `What is ${from + i} plus ${7 * i + 3}?`, answer: String(from + 8 * i + 3) }),
  ).join('\n');

beforeAll(() => {
  writeFileSync(file, TASK);
  writeFileSync(join(folder, 'prompts.jsonl'), lines(1000, 400));
  writeFileSync(join(folder, 'held-out.jsonl'), lines(5000, 120));
});

afterEach(async () => {
  for (const endpoint of open.splice(0)) await endpoint.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Adds rightly, and judges everything to hold. */
const good: Script = {
  baseModel: 'm',
  answer({ messages, seed }) {
    const text = messages.at(-1)!.content;
    if (text.includes('Does the WORK hold?'))
      return JSON.stringify({ first_error: '', verdict: 'holds', confidence: 0.9 });
    const [a, b] = text.match(/\d+/g)!.map(Number) as [number, number];
    return `${a} + ${b} = ${a + b} (${seed})\n#### ${a + b}`;
  },
};

async function endpointWith(script: Partial<Script> = {}, options?: EndpointOptions) {
  const endpoint = await startScriptedEndpoint({ ...good, ...script }, options);
  open.push(endpoint);
  return endpoint;
}

const inputFor = (baseURL: string, more: ImproveInput = {}): ImproveInput => ({
  task: file,
  ...more,
  models: { generator: { baseURL, model: 'm' }, ...more.models },
});

const faults = (report: CheckReport) => report.findings.filter(({ ok }) => !ok);
const advice = (report: CheckReport) => report.findings.filter(({ ok, mend }) => ok && mend);

describe('where all is well', () => {
  test('it asks each role once, as the run does, and shows what was read', async () => {
    const endpoint = await endpointWith();
    const report = await checkRun(inputFor(endpoint.url));
    expect(faults(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(endpoint.received.map(({ body }) => [body.n, body.temperature, body.max_tokens])).toEqual([
      [8, 0.8, 64],
      [undefined, 0, 64],
      [undefined, 0, 500],
    ]);
    expect(endpoint.received[2]!.body.response_format).toMatchObject({ type: 'json_schema' });
    const [pool, heldOut] = report.traces;
    expect(pool!.reads).toHaveLength(8);
    expect(pool!.reads.every(({ answer }) => answer !== null)).toBe(true);
    expect(heldOut).toMatchObject({ known: { right: true }, reads: [{ answer: '5003' }] });
    expect(report.judgements).toMatchObject([{ critic: 'structured', outcome: 'holds' }]);
    expect(report.findings.map(({ role }) => role)).toContain('trainer');
    expect([...endpoint.jobs, ...endpoint.files]).toEqual([]);
  });

  test('it says what an iteration and the run will cost, in money too where prices are set', async () => {
    const endpoint = await endpointWith({ latencyMs: 10 });
    const more: ImproveInput = {
      iterations: 3,
      pool: { prompts: 100 },
      prices: { m: { promptPerMillion: 1, completionPerMillion: 2 } },
    };
    const { cost, traces } = await checkRun(inputFor(endpoint.url, more));
    // 100 prompts of 8 samples in one call each, critiques, the sampling of what was missed, 120 target problems.
    expect(cost!.iteration.calls).toBeGreaterThan(220);
    expect(cost!.iteration.tokens).toBeGreaterThan(
      100 * (traces[0]!.promptTokens + traces[0]!.completionTokens),
    );
    expect(cost!.run.tokens).toBeGreaterThan(3 * cost!.iteration.tokens);
    // Between the price of a prompt's token and that of a completion's.
    expect(cost!.run.money).toBeGreaterThan(cost!.run.tokens * 1e-6);
    expect(cost!.run.money).toBeLessThan(cost!.run.tokens * 2e-6);
    expect(cost!.iteration.minutes[0]).toBeLessThan(cost!.iteration.minutes[1]);

    // What a strategy takes is in it: here of each prompt a debate of 12 calls, and as many votes beside it.
    const debate = { mode: 'on' as const, prompts: 'all' as const, rounds: 2 };
    const argued = (await checkRun(inputFor(endpoint.url, { ...more, strategy: { debate } }))).cost!;
    expect(argued.iteration.calls - cost!.iteration.calls).toBe(2400);
    const ladder = { mode: 'on' as const, parts: 'model' as const, samples: 8 };
    const split = (await checkRun(inputFor(endpoint.url, { ...more, strategy: { ladder } }))).cost!;
    // A proposal, three parts and the whole in place of one call.
    expect((split.iteration.calls - cost!.iteration.calls) / 100).toBeCloseTo(3, 0);
  });

  test('the text fits a terminal of 80 columns', async () => {
    const endpoint = await endpointWith();
    const text = renderCheck(await checkRun(inputFor(endpoint.url)), pc.createColors(false));
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/One prompt of the pool\n {2}sent +What is \d+ plus \d+\?\n/);
    expect(text).toMatch(/read +answer 5003\n {2}known +5003: right/);
    expect(text).toContain('Ready to run.');
  });
});

describe('each fault is named with its mend', () => {
  const only = async (input: ImproveInput) => {
    const report = await checkRun(input);
    expect(report.ok).toBe(false);
    return faults(report)
      .map(({ role, what, mend }) => `${role}: ${what} → ${mend}`)
      .join('\n');
  };

  test('an address without /v1', async () => {
    const endpoint = await endpointWith();
    const root = endpoint.url.replace(/\/v1$/, '');
    expect(await only(inputFor(root))).toMatch(`The address lacks /v1: give ${endpoint.url}`);
  });

  test('a refused key, by the name of its variable', async () => {
    process.env.CHECK_TEST_KEY = 'wrong';
    const endpoint = await endpointWith({ fault: () => ({ status: 401, message: 'Incorrect API key' }) });
    const generator = { baseURL: endpoint.url, model: 'm', apiKeyEnv: 'CHECK_TEST_KEY' };
    expect(await only({ task: file, models: { generator } })).toMatch(
      /refuses the key \(401\).*variable CHECK_TEST_KEY/,
    );
    expect(await only(inputFor(endpoint.url))).toMatch(/No key was sent.*--api-key-env/);
  });

  test('a key that is not set', async () => {
    const endpoint = await endpointWith();
    const generator = { baseURL: endpoint.url, model: 'm', apiKeyEnv: 'CHECK_TEST_UNSET' };
    expect(await only({ task: file, models: { generator } })).toMatch(
      /set the environment variable CHECK_TEST_UNSET/,
    );
    expect(endpoint.received).toEqual([]);
  });

  test('an unknown model, with those that there are', async () => {
    const endpoint = await endpointWith({ otherModels: ['other'] });
    expect(
      await only(inputFor(endpoint.url, { models: { generator: { baseURL: endpoint.url, model: 'x' } } })),
    ).toMatch(/generator: .* does not serve x → It serves: m, other\./);
  });

  test('nobody at the address', async () => {
    expect(await only(inputFor('http://127.0.0.1:9/v1'))).toMatch(
      /127\.0\.0\.1:9\/v1 can't be reached: .*Start it there/,
    );
  });

  test('something that is no API', async () => {
    const endpoint = await endpointWith({ fault: () => ({ kind: 'malformed' }) });
    expect(await only(inputFor(endpoint.url))).toMatch(/not as OpenAI's API/);
  });

  test('a context that is too short', async () => {
    const message = "This model's maximum context length is 32 tokens.";
    const endpoint = await endpointWith({
      fault: () => ({ status: 400, message, code: 'context_length_exceeded' }),
    });
    expect(await only(inputFor(endpoint.url))).toMatch(/context of m is too short.*sampling\.maxTokens/);
  });

  test('a trainer that does not train, before the generator is asked for a token', async () => {
    const serving = await endpointWith();
    const trainer = await endpointWith(
      {},
      {
        intercept: async ({ url }, _, response) => {
          if (!url!.includes('fine_tuning')) return false;
          response.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}');
          return true;
        },
      },
    );
    const models = { trainer: { baseURL: trainer.url } };
    expect(await only(inputFor(serving.url, { models }))).toMatch(
      /trainer: .* does not train.*models\.trainer\.baseURL/,
    );
  });

  test('a server that loads no adapters where another one trains them', async () => {
    const trainer = await endpointWith();
    const loads = await endpointWith();
    const models = { trainer: { baseURL: trainer.url } };
    expect(faults(await checkRun(inputFor(loads.url, { models })))).toEqual([]);
    const serving = await endpointWith(
      {},
      {
        intercept: async ({ url }, _, response) => {
          if (!url!.includes('load_lora_adapter')) return false;
          response.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}');
          return true;
        },
      },
    );
    expect(await only(inputFor(serving.url, { models }))).toMatch(
      /adapter: .*VLLM_ALLOW_RUNTIME_LORA_UPDATING/,
    );
  });

  test('answers that can’t be read, with the rule', async () => {
    const endpoint = await endpointWith({ answer: () => 'It is a big number.' });
    expect(await only(inputFor(endpoint.url))).toMatch(
      /9 of 9 answers can't be read: no answer could be read \(hash, 19 characters\).*examples/,
    );
  });

  test('a benchmark that holds prompts of the pool', async () => {
    const overlapping = join(folder, 'overlapping.yaml');
    writeFileSync(overlapping, TASK.replace('prompts.jsonl', 'mixed.jsonl'));
    writeFileSync(join(folder, 'mixed.jsonl'), `${lines(1000, 400)}\n${lines(5000, 3)}`);
    const endpoint = await endpointWith();
    expect(await only({ ...inputFor(endpoint.url), task: overlapping })).toMatch(
      /target: 3 of its problems stand in the prompts file/,
    );
  });

  test('answers that all end at the limit', async () => {
    const endpoint = await endpointWith(
      {},
      {
        intercept: async ({ url }, body, response) => {
          if (!url!.includes('chat')) return false;
          const { n = 1 } = JSON.parse(body.toString()) as { n?: number };
          const choices = Array.from({ length: n }, (_, index) => {
            return {
              index,
              finish_reason: 'length',
              message: { role: 'assistant', content: `Let me ${index}` },
            };
          });
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(
            JSON.stringify({ model: 'm', choices, usage: { prompt_tokens: 5, completion_tokens: 64 } }),
          );
          return true;
        },
      },
    );
    expect(await only(inputFor(endpoint.url))).toMatch(
      /9 of 9 answers ended at the limit of 64 tokens\. → Raise it: --set sampling\.maxTokens=128/,
    );
  });
});

describe('what works but could be better is advice', () => {
  test('a critic whose reply can’t be read', async () => {
    const endpoint = await endpointWith({
      answer: (request) =>
        request.messages.at(-1)!.content.includes('WORK') ? 'fine!' : good.answer(request),
    });
    const report = await checkRun(inputFor(endpoint.url));
    expect(report.ok).toBe(true);
    expect(advice(report)).toMatchObject([
      { role: 'critic', what: expect.stringMatching(/no verdict that counts/) },
    ]);
  });

  test('an endpoint that never answers is not waited for at the start of a run', async () => {
    const endpoint = await endpointWith({ fault: () => ({ kind: 'hang' }) });
    const report = await checkRun(inputFor(endpoint.url), { patienceMs: 500 });
    expect(report.ok).toBe(true);
    expect(advice(report).at(-1)!.what).toMatch(/Not all was answered within/);
    expect(report.seconds).toBeLessThan(5);
  });
});

test('the command: our server passes with 0, faults end with 1, bad input with 2, and --json is data', async () => {
  const server = await startModelServer();
  try {
    const env = { MODEL_BASE_URL: server.url };
    const fine = await ratchet(['check', 'arithmetic'], { env });
    expect(fine.stdout).toMatch(/Ready to run\./);
    expect(fine.code).toBe(0);
    const json = await ratchet(
      ['check', 'arithmetic', '--model', 'nobody', '--base-url', server.url, '--json'],
      { env },
    );
    expect(json.code).toBe(1);
    const report = JSON.parse(json.stdout) as CheckReport;
    expect(faults(report).map(({ role }) => role)).toContain('generator');
    const bad = await ratchet(['check', 'arithmetic', '--set', 'pool.prompts=none'], { env });
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain('pool.prompts');
  } finally {
    await server.close();
  }
}, 300_000);
