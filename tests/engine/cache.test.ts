import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sampleKeys } from '../../engine/cache.ts';
import { seedOf } from '../../engine/context.ts';
import type { Db } from '../../db/connect.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, asks, talk, talker, toCritic } from '../support/page.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let endpoint: ScriptedEndpoint;
let script: Partial<Script>;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
}, 120_000);

beforeEach(async () => {
  await endpoint?.close();
  script = {};
  endpoint = await startScriptedEndpoint(
    talker({
      answer: (request) => (script.answer ?? talk)(request),
      fault: (...args) => script.fault?.(...args),
    }),
  );
});

afterAll(async () => {
  await endpoint?.close();
  await database?.drop();
});

const PROMPTS = 10;
const add = (options: Partial<Parameters<typeof addPage>[1]> = {}) =>
  addPage(db, { url: endpoint.url, prompts: PROMPTS, ...options });

describe('samples of an earlier run', () => {
  it('are used by an equal one, which pays for nothing', async () => {
    const first = await add();
    expect(await first.generate()).toEqual({ wanted: 20, asked: 20, cached: 0 });
    const asked = endpoint.requests.length;

    const second = await add();
    expect(await second.generate()).toEqual({ wanted: 20, asked: 0, cached: 20 });
    expect(endpoint.requests).toHaveLength(asked);
    expect(await second.ledger()).toMatchObject({ requests: 0 });

    const drawn = await first.samples();
    const taken = await second.samples();
    expect(drawn.every((s) => !s.cached)).toBe(true);
    expect(taken.every((s) => s.cached)).toBe(true);
    const draw = ({ rationale, callId, seed, cacheKey, completionTokens }: (typeof drawn)[number]) => ({
      rationale,
      callId,
      seed,
      cacheKey,
      completionTokens,
    });
    expect(taken.map(draw)).toEqual(drawn.map(draw));
    expect(await second.vote()).toEqual({ voted: PROMPTS, trusted: PROMPTS });
  });

  it.each([
    ['another seed', { seed: 2 }],
    ['another temperature', { settings: { sampling: { temperature: 0.7 } } }],
    ['another topP', { settings: { sampling: { topP: 0.9 } } }],
    ['another limit on tokens', { settings: { sampling: { maxTokens: 77 } } }],
    ['another checkpoint', { checkpoint: { model: 'other', path: null } }],
    ['the cache turned off', { settings: { sampling: { cache: false } } }],
  ])('are not used with %s', async (_, changes) => {
    await (await add()).generate();
    if ('checkpoint' in changes) {
      await endpoint.close();
      endpoint = await startScriptedEndpoint(talker({ baseModel: 'other' }));
    }
    expect(await (await add(changes)).generate()).toEqual({ wanted: 20, asked: 20, cached: 0 });
  });

  it('are read anew by the present task, which alone decides what they say', async () => {
    script.answer = (request) => `${talk(request)}\nThat was it.`;
    const first = await add({ read: { pattern: '#### (\\S+)' } });
    await first.generate();
    const second = await add({ read: { pattern: 'So it is (\\S+?)\\.' } });
    expect(await second.generate()).toMatchObject({ asked: 0, cached: 20 });
    const third = await add({ read: { pattern: 'the answer: (.+)' } });
    expect(await third.generate()).toMatchObject({ asked: 0, cached: 20 });
    expect(new Set((await first.samples()).map((s) => s.answer))).toEqual(new Set(['42']));
    expect(new Set((await second.samples()).map((s) => s.answer))).toEqual(new Set(['7']));
    const unread = await third.samples();
    expect(unread.every((s) => s.answer === null && !s.formatOk && !s.coherenceOk)).toBe(true);
    expect(await third.vote()).toEqual({ voted: PROMPTS, trusted: 0 });
  });

  it('are completed when more are wanted, by draws of other seeds', async () => {
    await (await add()).generate();
    const more = await add({ settings: { sampling: { samples: 5 } } });
    expect(await more.generate()).toEqual({ wanted: 50, asked: 30, cached: 20 });
    expectDistinctDraws(await more.samples(), 5);
  });

  it('are found though the endpoint gave them in parts', async () => {
    script.fault = ({ body }) => ({ kind: 'choices', count: Math.ceil(Number(body.n) / 2) });
    const settings = { sampling: { samples: 7 } };
    const first = await add({ settings });
    expect(await first.generate()).toMatchObject({ asked: 70 });
    const second = await add({ settings });
    expect(await second.generate()).toEqual({ wanted: 70, asked: 0, cached: 70 });
    const taken = await second.samples();
    expectDistinctDraws(taken, 7);
    expect(taken.map((s) => s.rationale)).toEqual((await first.samples()).map((s) => s.rationale));
  });

  it('that are there in part never make one draw vote twice', async () => {
    const settings = { sampling: { samples: 4 } };
    const first = await add({ settings });
    await first.generate();
    // Without its first sample a request is asked as before: the same seed, and so the same draws.
    await db.execute(
      sql`delete from samples where "index" = 0 and prompt_id in (select id from prompts where iteration_id = ${first.iterationId})`,
    );
    const second = await add({ settings });
    expect(await second.generate()).toEqual({ wanted: 40, asked: 40, cached: 0 });
    expectDistinctDraws(await second.samples(), 4);
    // And without one in the middle, only those before it are taken over.
    await db.execute(sql`delete from samples where "index" = 2`);
    const third = await add({ settings });
    expect(await third.generate()).toEqual({ wanted: 40, asked: 20, cached: 20 });
    expectDistinctDraws(await third.samples(), 4);
  });

  it('that were refused are asked for again', async () => {
    script.fault = (request) => (asks(request, 4) ? { status: 400, message: 'Filtered.' } : undefined);
    await (await add()).generate();
    script.fault = undefined;
    const second = await add();
    expect(await second.generate()).toEqual({ wanted: 20, asked: 2, cached: 18 });
    expect((await second.samples()).every((s) => s.answer === '42')).toBe(true);
  });

  /** Every sample of a prompt is a draw of its own: the scripted model tells its draws apart. */
  function expectDistinctDraws(
    samples: { prompt: string; rationale: string; cacheKey: string | null }[],
    k: number,
  ) {
    for (const [, mine] of Map.groupBy(samples, (s) => s.prompt)) {
      expect(mine).toHaveLength(k);
      expect(new Set(mine.map((s) => s.rationale)).size).toBe(k);
      expect(new Set(mine.map((s) => s.cacheKey)).size).toBe(k);
    }
  }
});

describe('critiques of an earlier run', () => {
  const critiques = async (iterationId: number) =>
    (
      await db.execute<{ prompt: string; outcome: string; cached: boolean; call_id: number; reply: string }>(
        sql`select p.text as prompt, c.outcome, c.cached, c.call_id, c.reply from critiques c
            join samples s on s.id = c.sample_id join prompts p on p.id = s.prompt_id
            where p.iteration_id = ${iterationId} order by c.id`,
      )
    ).rows;

  it('are used for equal requests', async () => {
    const first = await add();
    await first.generate();
    await first.vote();
    expect(await first.critique()).toEqual({ wanted: 20, asked: 20, cached: 0 });
    const asked = endpoint.requests.length;

    const second = await add();
    await second.generate();
    await second.vote();
    expect(await second.critique()).toEqual({ wanted: 20, asked: 0, cached: 20 });
    expect(endpoint.requests).toHaveLength(asked);
    const [made, taken] = [await critiques(first.iterationId), await critiques(second.iterationId)];
    expect(made.every((c) => !c.cached && c.outcome === 'holds')).toBe(true);
    expect(taken).toEqual(made.map((c) => ({ ...c, cached: true })));

    const third = await add({ settings: { sampling: { cache: false } } });
    await third.generate();
    await third.vote();
    expect(await third.critique()).toMatchObject({ asked: 20, cached: 0 });
  });

  it('are made once where two samples are the same work', async () => {
    script.answer = (request) => (toCritic(request) ? talk(request) : 'So it is 7.\n#### 42');
    const page = await add({ prompts: 3 });
    await page.generate();
    await page.vote();
    expect(await page.critique()).toEqual({ wanted: 6, asked: 3, cached: 3 });
    const made = await critiques(page.iterationId);
    expect(made.filter((c) => c.cached)).toHaveLength(3);
    expect(new Set(made.map((c) => c.call_id)).size).toBe(3);
  });
});

describe('the key of a sample', () => {
  const at = (baseURL: string, model = 'm') => resolveEndpoint('generator', { baseURL }, model);
  const here = at('http://127.0.0.1:1/v1');
  const checkpoint = (fingerprint: string | null) => ({ fingerprint }) as Checkpoint;
  const request = (seed: number) => ({
    messages: [{ role: 'user' as const, content: 'x' }],
    maxTokens: 10,
    temperature: 1,
    topP: 1,
    seed,
  });
  const keyAt = (endpoint: typeof here, fingerprint: string | null) =>
    sampleKeys(endpoint, checkpoint(fingerprint), request(1), [0])[0];

  it('follows the weights where their digest is known, else the place and the name', () => {
    const there = at('http://127.0.0.1:2/v1', 'renamed');
    const weights = 'fp_0123456789abcdef';
    expect(keyAt(there, weights)).toBe(keyAt(here, weights));
    expect(keyAt(here, 'fp_fedcba9876543210')).not.toBe(keyAt(here, weights));
    // A build, such as llama.cpp and OpenAI name it, is the same for many models.
    for (const build of [null, 'b4743-7ad0779f', 'fp_44709d6fcb']) {
      expect(keyAt(here, build)).toBe(keyAt(here, build));
      expect(keyAt(there, build)).not.toBe(keyAt(here, build));
      expect(keyAt(at('http://127.0.0.1:1/v1', 'other'), build)).not.toBe(keyAt(here, build));
    }
  });

  it('is never shared by two samples of a prompt, however they are spread over requests', () => {
    const split = fc.uniqueArray(fc.nat(63), { minLength: 1, maxLength: 32 }).chain((indices) =>
      fc.record({
        indices: fc.constant(indices),
        cuts: fc.uniqueArray(fc.nat(indices.length), { maxLength: 6 }),
        rounds: fc.constantFrom([1], [1, 2]),
      }),
    );
    fc.assert(
      fc.property(split, ({ indices, cuts, rounds }) => {
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), indices.length];
        const keys = rounds.flatMap((round) =>
          bounds.flatMap((from, i) => {
            const part = indices.slice(from, bounds[i + 1]);
            if (part.length === 0) return [];
            return sampleKeys(here, checkpoint(null), request(seedOf(1, 'prompt', round, part[0]!)), part);
          }),
        );
        expect(keys).toHaveLength(indices.length * rounds.length);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });
});
