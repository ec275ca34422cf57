import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { limiterOf } from '../../models/limiter.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, asks, talk, talker, toCritic } from '../support/page.ts';
import {
  startScriptedEndpoint,
  type Fault,
  type Script,
  type ScriptedEndpoint,
} from '../support/scripted-endpoint.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
const endpoints: ScriptedEndpoint[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
}, 120_000);

afterEach(() => void delete process.env.RATCHET_REQUEST_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  await database?.drop();
});

/** An endpoint of its own for each test, and so a limiter of its own. */
async function start(script: Partial<Script> = {}): Promise<ScriptedEndpoint> {
  const endpoint = await startScriptedEndpoint(talker(script));
  endpoints.push(endpoint);
  return endpoint;
}

async function failureOf(page: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await page.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

describe('a rate limit', () => {
  it.each([
    ['names its wait', { 'retry-after-ms': '700' }, 700],
    ['names its wait in seconds', { 'retry-after': '1' }, 1000],
    ['names none', {}, 250],
  ])('that %s is waited out by all calls, and then half as many go at once', async (_, headers, waitMs) => {
    const REFUSED = 12;
    let refused = 0;
    let struckAt = 0;
    const limits: number[] = [];
    const endpoint: ScriptedEndpoint = await start({
      latencyMs: 60,
      fault: () => {
        limits.push(limiter.state().limit);
        if (!struckAt && limiter.state().inFlight >= 24) struckAt = performance.now();
        // All of them were in flight when the first was refused.
        if (!struckAt || refused === REFUSED) return undefined;
        refused += 1;
        return { status: 429, code: 'rate_limit_exceeded', headers };
      },
    });
    const limiter = limiterOf(resolveEndpoint('generator', { baseURL: endpoint.url }, 'talker'));
    const page = await addPage(db, { url: endpoint.url, prompts: 120 });
    expect(await page.generate()).toEqual({ wanted: 240, asked: 240, cached: 0 });

    const { heldUntil } = limiter.state();
    expect(heldUntil - struckAt).toBeGreaterThanOrEqual(waitMs);
    const after = endpoint.arrivals.filter(({ at }) => at >= heldUntil);
    // What arrives within the wait was on its way before the refusal came back: never more than went at once.
    const early = endpoint.arrivals.filter(({ at }) => at > struckAt && at < heldUntil);
    expect(early.length).toBeLessThanOrEqual(Math.max(...limits.slice(0, 40)));
    // However many were refused at once, the limit is halved once.
    const limit = { before: Math.max(...limits.slice(0, 40)), after: limits.at(-after.length)! };
    expect(limit.after).toBeLessThan(limit.before);
    expect(limit.after).toBeGreaterThanOrEqual(Math.floor(limit.before / 2));
    expect(Math.max(...after.map((a) => a.inFlight))).toBeLessThan(limit.before);

    expect(await page.samples()).toHaveLength(240);
    const { requests, failed } = await page.ledger();
    expect({ requests, failed }).toEqual({ requests: 120 + REFUSED, failed: REFUSED });
  });

  it('that stays fails the page with the wait that Temporal should keep', async () => {
    const endpoint = await start({ fault: () => ({ status: 429, headers: { 'retry-after-ms': '40' } }) });
    const page = await addPage(db, { url: endpoint.url, prompts: 3 });
    const failure = await failureOf(page.generate());
    expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: false, nextRetryDelay: 40 });
    expect(endpoint.arrivals.length).toBeLessThanOrEqual(3 * 5);
  });

  it('is waited out with heartbeats, and a cancellation ends the wait at once', async () => {
    const endpoint = await start({ fault: () => ({ status: 429, headers: { 'retry-after': '60' } }) });
    const page = await addPage(db, { url: endpoint.url, prompts: 3 });
    const environment = new MockActivityEnvironment();
    let beats = 0;
    let cancelledAt = 0;
    environment.on('heartbeat', () => {
      beats += 1;
      // The first comes with the page.
      if (beats === 1) return;
      cancelledAt = performance.now();
      environment.cancel('CANCELLED');
    });
    await expect(page.generate(environment)).rejects.toThrow(/CANCELLED/);
    expect(performance.now() - cancelledAt).toBeLessThan(500);
    expect(beats).toBe(2);
    expect(endpoint.arrivals).toHaveLength(3);
  });

  it('never lets a page have more calls in flight than it may', async () => {
    const endpoint = await start({ latencyMs: 10 });
    const page = await addPage(db, {
      url: endpoint.url,
      prompts: 40,
      settings: { paging: { callsInFlight: 3 } },
    });
    await page.generate();
    expect(Math.max(...endpoint.arrivals.map((a) => a.inFlight))).toBe(3);
  });
});

describe('a transient fault', () => {
  const faults: [string, Fault, RegExp][] = [
    ['a 500', { status: 500 }, /500 scripted fault/],
    ['a hang', { kind: 'hang' }, /timed out/i],
    ['a cut connection', { kind: 'cut' }, /Connection error/],
    ['a connection that is cut within the body', { kind: 'cut-body' }, /Connection error.*terminated/],
    ['half a JSON body', { kind: 'truncated' }, /status 200 with a body that is no JSON/],
    ['a body that is no JSON', { kind: 'malformed' }, /body that is no JSON: <html>/],
    ['JSON that is no completion', { kind: 'no-completion' }, /no list of choices: \{"detail":"try later"\}/],
  ];

  it.each(faults)('%s is tried again within the page and stays in the ledger', async (_, fault, error) => {
    if ('kind' in fault && fault.kind === 'hang') process.env.RATCHET_REQUEST_TIMEOUT_MS = '1000';
    const endpoint = await start({ fault: (_request, count) => (count % 5 === 2 ? fault : undefined) });
    const page = await addPage(db, { url: endpoint.url, prompts: 12 });
    expect(await page.generate()).toMatchObject({ asked: 24 });
    const samples = await page.samples();
    expect(samples).toHaveLength(24);
    expect(samples.every((s) => s.answer === '42' && s.formatOk)).toBe(true);
    const { requests, failed, errors } = await page.ledger();
    expect(failed).toBeGreaterThan(0);
    expect(requests).toBe(12 + failed);
    for (const text of errors) expect(text).toMatch(error);
  });

  it('that stays fails the page after five attempts as a failure that Temporal retries, and nothing new begins', async () => {
    const endpoint = await start({
      fault: (request) => (asks(request, 2) ? { kind: 'malformed' } : undefined),
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 4 });
    const failure = await failureOf(page.generate());
    expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: false });
    expect(failure.message).toMatch(/^sampling from talker \(attempt 1\): Connection error.*no JSON/);
    expect(endpoint.arrivals).toHaveLength(3 + 5);
    expect(await page.samples()).toHaveLength(6);
    await sleep(200);
    expect(endpoint.arrivals).toHaveLength(3 + 5);
  });
});

it('begins no call after the page has failed, and keeps what was in flight', async () => {
  const endpoint = await start({
    latencyMs: 100,
    fault: (_request, count) => (count === 3 ? { status: 401, message: 'bad key' } : undefined),
  });
  const page = await addPage(db, { url: endpoint.url, prompts: 50 });
  const failure = await failureOf(page.generate());
  expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
  expect(failure.message).toMatch(/401 bad key/);
  const begun = endpoint.arrivals.length;
  expect(begun).toBeLessThan(50);
  expect(await page.samples()).toHaveLength(2 * (begun - 1));
  await sleep(300);
  expect(endpoint.arrivals).toHaveLength(begun);
});

it('fails at once when the quota is spent, in the words of the server', async () => {
  const message = 'You exceeded your current quota, please check your plan and billing details.';
  const endpoint = await start({ fault: () => ({ status: 429, code: 'insufficient_quota', message }) });
  const page = await addPage(db, { url: endpoint.url, prompts: 30 });
  const failure = await failureOf(page.generate());
  expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
  expect(failure.message).toContain(message);
  expect(endpoint.arrivals.length).toBeLessThanOrEqual(8);
});

it('names a request time-out that is no number of milliseconds', () => {
  process.env.RATCHET_REQUEST_TIMEOUT_MS = '10 minutes';
  expect(() => resolveEndpoint('generator', { baseURL: 'http://127.0.0.1:1/v1' }, 'm')).toThrow(
    /RATCHET_REQUEST_TIMEOUT_MS is "10 minutes"/,
  );
});

describe('a prompt that the endpoint refuses for good', () => {
  const refuse =
    (...prompts: number[]): Script['fault'] =>
    (request) =>
      prompts.some((prompt) => asks(request, prompt))
        ? { status: 400, code: 'content_filter', message: 'The prompt was filtered.' }
        : undefined;

  it('has samples that abstain from the vote, as long as few are refused', async () => {
    const endpoint = await start({ fault: refuse(3, 11) });
    const page = await addPage(db, { url: endpoint.url, prompts: 20 });
    expect(await page.generate()).toEqual({ wanted: 40, asked: 40, cached: 0 });
    const refused = (await page.samples()).filter((s) => s.finishReason === 'refused');
    expect(refused.map((s) => s.prompt)).toEqual(['prompt 3', 'prompt 3', 'prompt 11', 'prompt 11']);
    for (const s of refused) {
      expect(s).toMatchObject({
        rationale: '',
        answer: null,
        formatOk: false,
        coherenceOk: false,
        cacheKey: null,
      });
      expect(s.formatReason).toBe('refused by the endpoint: 400 The prompt was filtered.');
    }
    expect(endpoint.arrivals).toHaveLength(20);
    expect(await page.vote()).toEqual({ voted: 20, trusted: 18 });
    // They are stored like any sample: the page is done, and done again it asks for nothing.
    expect(await page.generate()).toEqual({ wanted: 40, asked: 0, cached: 0 });
    expect(endpoint.arrivals).toHaveLength(20);
  });

  it('fails the page when there are too many, also when they were refused in several attempts', async () => {
    const endpoint = await start({ fault: refuse(3, 11, 17) });
    const page = await addPage(db, { url: endpoint.url, prompts: 20 });
    for (const _attempt of [1, 2]) {
      const failure = await failureOf(page.generate());
      expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
      expect(failure.message).toMatch(/3 of 20 requests were refused.*failureAllowance \(0\.1\) lets 2 pass/);
      expect(failure.message).toMatch(/first refusal: 400 The prompt was filtered/);
    }
  });

  it('fails the page at once where nothing may be refused', async () => {
    const endpoint = await start({ fault: refuse(3) });
    const settings = { paging: { failureAllowance: 0 } };
    const page = await addPage(db, { url: endpoint.url, prompts: 20, settings });
    expect((await failureOf(page.generate())).message).toMatch(/1 of 20 requests were refused/);
  });

  it('is not judged by a critic that refuses it', async () => {
    const endpoint = await start({
      fault: (request) =>
        toCritic(request) && asks(request, 5) ? { status: 413, message: 'Too long.' } : undefined,
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 10 });
    await page.generate();
    await page.vote();
    expect(await page.critique()).toEqual({ wanted: 20, asked: 20, cached: 0 });
    const { rows } = await db.execute<{ text: string; outcome: string; reason: string }>(
      sql`select p.text, c.outcome, c.reason from critiques c join samples s on s.id = c.sample_id
          join prompts p on p.id = s.prompt_id where p.iteration_id = ${page.iterationId} and c.outcome <> 'holds'`,
    );
    const refused = {
      text: 'prompt 5',
      outcome: 'unscored',
      reason: 'refused by the endpoint: 413 Too long.',
    };
    expect(rows).toEqual([refused, refused]);
    expect(await page.critique()).toMatchObject({ asked: 0 });
  });
});

describe('another number of choices than asked for', () => {
  const draws = async (page: { samples(): Promise<{ prompt: string; rationale: string }[]> }) =>
    Map.groupBy(await page.samples(), (s) => s.prompt);

  it.each([
    ['fewer: the rest is asked for again', (n: number) => Math.max(1, n - 2)],
    ['always one: each is asked for', () => 1],
    ['more: the extra ones are ignored', (n: number) => n + 3],
  ])('%s', async (_, given) => {
    const endpoint = await start({
      fault: ({ body }) => ({ kind: 'choices', count: given(Number(body.n ?? 1)) }),
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 4, settings: { sampling: { samples: 6 } } });
    expect(await page.generate()).toEqual({ wanted: 24, asked: 24, cached: 0 });
    const byPrompt = await draws(page);
    expect(byPrompt.size).toBe(4);
    // Every sample is a draw of its own.
    for (const samples of byPrompt.values()) expect(new Set(samples.map((s) => s.rationale)).size).toBe(6);
  });

  it('all of one index are all kept, each with its own share of the tokens', async () => {
    const endpoint = await start({
      fault: (request) => {
        const n = Number(request.body.n ?? 1);
        const choices = Array.from({ length: n }, (_, i) => {
          const content = talk({ ...request, seed: request.seed + i });
          return { index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' };
        });
        return { kind: 'reply', body: { choices, usage: { prompt_tokens: 5, completion_tokens: 20 * n } } };
      },
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 2, settings: { sampling: { samples: 4 } } });
    expect(await page.generate()).toMatchObject({ asked: 8 });
    expect(endpoint.arrivals).toHaveLength(2);
    const samples = await page.samples();
    expect(new Set(samples.map((s) => s.rationale)).size).toBe(8);
    for (const { completionTokens } of samples) expect(completionTokens).toBe(20);
  });

  it('none at all, from the beginning: the page fails for good, having asked a few times', async () => {
    const endpoint = await start({ fault: () => ({ kind: 'choices', count: 0 }) });
    const page = await addPage(db, { url: endpoint.url, prompts: 4 });
    const failure = await failureOf(page.generate());
    expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: true });
    expect(failure.message).toMatch(/The answer has an empty list of choices/);
    expect(endpoint.arrivals.length).toBeLessThanOrEqual(8);
  });

  it('equal ones stay samples', async () => {
    const endpoint = await start({ answer: (request) => talk({ ...request, seed: 0 }) });
    const page = await addPage(db, { url: endpoint.url, prompts: 2 });
    await page.generate();
    expect(await page.samples()).toHaveLength(4);
  });
});
