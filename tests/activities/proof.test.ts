/** What proves an improvement: faults count against the candidate, looks share alpha, maj@K is a yardstick. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { majorityCounts } from '../../db/queries/majority.ts';
import { addCheckpoint } from '../../db/queries/runs.ts';
import { decisions } from '../../db/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, asks, talk, talker, toCritic } from '../support/page.ts';
import {
  startScriptedEndpoint,
  type Script,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
const endpoints: ScriptedEndpoint[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
}, 120_000);

afterAll(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  await database?.drop();
});

async function start(script: Partial<Script>): Promise<ScriptedEndpoint> {
  const endpoint = await startScriptedEndpoint(talker(script));
  endpoints.push(endpoint);
  return endpoint;
}

type Page = Awaited<ReturnType<typeof addPage>>;
const environment = () => new MockActivityEnvironment();

/** Asks a checkpoint all held-out problems of the run. */
async function measure(page: Page, checkpointId: number, iterationId?: number) {
  const { main, llm } = page.activities;
  const plans = await main.planEvaluations({
    runId: page.runId,
    checkpointId,
    roles: ['target'],
    iterationId,
  });
  for (const { evaluationId, total } of plans) {
    await environment().run(llm.benchmarkItems, { evaluationId, first: 0, count: total });
    await main.closeEvaluation({ evaluationId });
  }
}

/** The iteration of this index with a candidate that was measured. */
async function iterationWithCandidate(page: Page, index: number, baseId: number): Promise<number> {
  const { id } = await addIteration(db, {
    runId: page.runId,
    index,
    checkpointId: baseId,
    plan: { seed: index },
  });
  const candidate = await addCheckpoint(db, {
    runId: page.runId,
    iterationIndex: index,
    kind: 'adapter',
    model: 'talker',
    parentId: baseId,
  });
  await measure(page, candidate.id, id);
  return id;
}

const numbersOf = async (iterationId: number) =>
  (await db.select().from(decisions).where(eq(decisions.iterationId, iterationId)))[0]!.numbers as {
    fixed: number;
    broken: number;
    look?: { number: number; level: number };
  };

const item = (request: ScriptedRequest) =>
  Number(/prompt 1(\d+)$/.exec(request.messages.at(-1)!.content)?.[1]);

describe('a fault of the endpoint', () => {
  it('is a wrong answer of the candidate, and makes the comparison worthless where it strikes often', async () => {
    let refuses = false;
    const endpoint = await start({
      // The best fails on every fourth item. The candidate would fail on none.
      answer: (request) => (refuses || item(request) % 4 > 0 ? talk(request) : '#### 41'),
      fault: (request) =>
        refuses && item(request) % 2 === 0 ? { status: 400, message: 'The prompt was filtered.' } : undefined,
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 40 });
    await measure(page, page.checkpoint.id);
    refuses = true;
    const iterationId = await iterationWithCandidate(page, 3, page.checkpoint.id);
    const decided = await page.activities.main.decide({ iterationId });
    expect(decided.kind).toBe('discard');
    expect(decided.reason).toMatch(/20 of 40 problems of target could not be measured of both/);
    // Even items are lost: ten that the best had right as well as ten that it had wrong.
    expect(await numbersOf(iterationId)).toMatchObject({ fixed: 0, broken: 10 });
  });

  it('is no gain of a candidate where it strikes the best: the base is measured again first', async () => {
    let refuses = true;
    const endpoint = await start({
      answer: (request) => (item(request) % 4 > 0 ? talk(request) : '#### 41'),
      fault: (request) =>
        refuses && item(request) % 2 === 0 ? { status: 400, message: 'The prompt was filtered.' } : undefined,
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 40 });
    await expect(measure(page, page.checkpoint.id)).rejects.toThrow(
      /20 of 40 problems were refused or could not be read, more than promotion.maxMissing \(0.05\) lets pass.*The prompt was filtered/,
    );
    refuses = false;
    const before = endpoint.requests.length;
    await measure(page, page.checkpoint.id);
    // Only what was refused is asked again.
    expect(endpoint.requests.length - before).toBe(20);
    const decided = await page.activities.main.decide({
      iterationId: await iterationWithCandidate(page, 3, page.checkpoint.id),
    });
    expect(decided.reason).toContain('75.0 % → 75.0 % of 40 (0 fixed, 0 broken');
  });

  it('leaves a pair out where it strikes the best on a single item', async () => {
    let strikes = true;
    const endpoint = await start({
      fault: (request) => (strikes && item(request) === 7 ? { status: 422 } : undefined),
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 40 });
    await measure(page, page.checkpoint.id);
    strikes = false;
    const decided = await page.activities.main.decide({
      iterationId: await iterationWithCandidate(page, 3, page.checkpoint.id),
    });
    expect(decided.reason).toContain('100.0 % → 100.0 % of 39 (0 fixed, 0 broken');
  });

  it('does not stop a candidate that is better on all that it answers', async () => {
    let better = false;
    const endpoint = await start({
      answer: (request) => (better ? talk(request) : '#### 41'),
      fault: (request) => (better && item(request) === 7 ? { status: 422 } : undefined),
    });
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 40 });
    await measure(page, page.checkpoint.id);
    better = true;
    const decided = await page.activities.main.decide({
      iterationId: await iterationWithCandidate(page, 3, page.checkpoint.id),
    });
    expect(decided.kind).toBe('promote');
    expect(decided.reason).toContain('0.0 % → 97.5 % of 40 (39 fixed, 0 broken');
  });
});

it('a fault of the judge is no verdict, and what has no verdict is not trained on', async () => {
  const endpoint = await start({
    fault: (request) =>
      toCritic(request) && asks(request, 5) ? { status: 400, message: 'No judging this.' } : undefined,
  });
  const page = await addPage(db, { url: endpoint.url, prompts: 10 });
  await page.generate();
  await page.vote();
  await page.critique();
  await environment().run(page.activities.main.filter, { iterationId: page.iterationId });
  const { rows } = await db.execute<{ text: string; n: number }>(
    sql`select p.text, count(e.id)::int as n from prompts p left join examples e on e.prompt_id = p.id
        where p.iteration_id = ${page.iterationId} group by 1`,
  );
  const withoutExample = rows.filter(({ n }) => n === 0).map(({ text }) => text);
  expect(withoutExample).toEqual(['prompt 5']);
});

describe('the looks of a run at its target', () => {
  it('share alpha, and what was not measured is no look', async () => {
    let lucky = 0;
    const endpoint = await start({
      answer: (request) => (item(request) < 20 + lucky ? talk(request) : '#### 41'),
    });
    // Eight iterations are planned; the first that measures a candidate is the third.
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 40 });
    const base = page.checkpoint.id;
    await measure(page, base);
    await page.activities.main.decide({ iterationId: page.iterationId, nothing: 'no example passed' });
    expect((await numbersOf(page.iterationId)).look).toBeUndefined();

    // Five fixed, none broken: p = 1/32, less than alpha and more than a sixth of it.
    lucky = 5;
    const third = await iterationWithCandidate(page, 3, base);
    const decided = await page.activities.main.decide({ iterationId: third });
    expect(decided.kind).toBe('discard');
    expect(decided.reason).toContain('p = 0.0313, needs < 0.00833 at look 1');
    expect((await numbersOf(third)).look).toEqual({ number: 1, level: 0.05 / 6 });

    lucky = 12;
    const fourth = await iterationWithCandidate(page, 4, base);
    const better = await page.activities.main.decide({ iterationId: fourth });
    expect(better.kind).toBe('promote');
    expect(better.reason).toContain('at look 2');
    const { look } = await numbersOf(fourth);
    expect(look!.level).toBeCloseTo((0.05 - 0.05 / 6) / 5, 12);

    // The promotion has spent nothing.
    lucky = 17;
    const fifth = await iterationWithCandidate(page, 5, base);
    await page.activities.main.decide({ iterationId: fifth });
    expect((await numbersOf(fifth)).look!.level).toBeCloseTo((0.05 - 0.05 / 6) / 4, 12);
  });

  it('are each at alpha where the correction is off', async () => {
    let lucky = 0;
    const endpoint = await start({
      answer: (request) => (item(request) < 20 + lucky ? talk(request) : '#### 41'),
    });
    const settings = { promotion: { correction: 'none' as const } };
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 40, settings });
    await measure(page, page.checkpoint.id);
    lucky = 5;
    const iterationId = await iterationWithCandidate(page, 3, page.checkpoint.id);
    const decided = await page.activities.main.decide({ iterationId });
    expect(decided.kind).toBe('promote');
    expect(decided.reason).toContain('p = 0.0313 < 0.05)');
  });
});

describe('maj@K of the base', () => {
  const K = 8;
  const settings = { sampling: { samples: K } };
  const work = (answer: number) => `We count what there is.\nSo it is ${answer}.\n#### ${answer}`;

  /** By item: all agree, four against four, refused, five with three that state nothing, all wrong. */
  const script = {
    answer(request: ScriptedRequest) {
      const rank = request.seed % K;
      switch (item(request) % 5) {
        case 1:
          return work(rank % 2 === 0 ? 42 : 41);
        case 3:
          return rank < 5 ? work(42) : 'I would rather not say.';
        case 4:
          return work(41);
        default:
          return work(42);
      }
    },
    fault: (request: ScriptedRequest) =>
      item(request) % 5 === 2 ? ({ status: 400, message: 'The prompt was filtered.' } as const) : undefined,
  };

  it('is the vote over K samples of each target item, asked for once', async () => {
    const endpoint = await start(script);
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 10, settings });
    const { majorityPage } = page.activities.llm;
    const measurePage = (first: number) =>
      environment().run(majorityPage, { runId: page.runId, first, count: 5 });
    expect(await measurePage(0)).toEqual({ items: 5 });
    expect(await majorityCounts(db, page.runId)).toMatchObject({ items: 10, voted: 5 });
    expect(await measurePage(5)).toEqual({ items: 5 });
    const { rows } = await db.execute<{
      answer: string | null;
      votes: number;
      samples: number;
      correct: boolean;
    }>(
      sql`select m.answer, m.votes, m.samples, m.correct from majority_items m
          join benchmark_items b on b.id = m.item_id where b.run_id = ${page.runId} and b.position < 5
          order by b.position`,
    );
    expect(rows).toEqual([
      { answer: '42', votes: 8, samples: 8, correct: true },
      { answer: null, votes: 4, samples: 8, correct: false },
      { answer: null, votes: 0, samples: 8, correct: false },
      { answer: '42', votes: 5, samples: 8, correct: true },
      { answer: '41', votes: 8, samples: 8, correct: false },
    ]);
    expect(await majorityCounts(db, page.runId)).toEqual({
      items: 10,
      voted: 10,
      correct: 4,
      samples: 80,
      k: 8,
    });

    const before = endpoint.arrivals.length;
    expect(await measurePage(0)).toEqual({ items: 0 });
    expect(endpoint.arrivals).toHaveLength(before);
  });

  it('is completed where the endpoint gives one choice at a time', async () => {
    const endpoint = await start({ fault: () => ({ kind: 'choices', count: 1 }) });
    const page = await addPage(db, { url: endpoint.url, prompts: 0, items: 2, settings });
    const all = { runId: page.runId, first: 0, count: 2 };
    expect(await environment().run(page.activities.llm.majorityPage, all)).toEqual({ items: 2 });
    expect(await majorityCounts(db, page.runId)).toMatchObject({ voted: 2, samples: 16 });
  });

  it('is left out where the budget has no room for it, before the first call', async () => {
    const endpoint = await start(script);
    const page = await addPage(db, {
      url: endpoint.url,
      prompts: 0,
      items: 10,
      settings: { ...settings, budget: { run: { tokens: 100 } } },
    });
    const all = { runId: page.runId, first: 0, count: 10 };
    const result = await environment().run(page.activities.llm.majorityPage, all);
    expect(result).toMatchObject({
      items: 0,
      skipped: expect.stringMatching(/before majority\/0: .*tokens/),
    });
    expect(endpoint.arrivals).toHaveLength(0);
    expect(await majorityCounts(db, page.runId)).toMatchObject({ voted: 0, samples: 0 });
  });
});
