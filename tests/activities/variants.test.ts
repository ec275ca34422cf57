/** Easier variants against a real database and a scripted model. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { asc, eq, isNotNull, and } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import type { Db } from '../../db/connect.ts';
import { leaks, modelCalls, prompts, runs, variants } from '../../db/schema.ts';
import { waitForVariants } from '../../db/queries/variants.ts';
import { keyOf } from '../../tasks/file/rows.ts';
import { levelStats } from '../../db/queries/prompts.ts';
import type { ImproveInput } from '../../loop/input.ts';
import type { TaskSpec } from '../../tasks/index.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { heard, productsTask, work } from '../support/arguers.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  startScriptedEndpoint,
  type Script,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint | undefined;
beforeAll(async () => void ({ db, drop } = await createTestDatabase()), 120_000);
afterAll(() => drop());
afterEach(() => endpoint?.close());

const asksForEasier = ({ messages }: Pick<ScriptedRequest, 'messages'>) =>
  messages[0]!.content.startsWith('You write practice problems');

/** The first factor of the product that is to be made easier. */
const factor = ({ messages }: Pick<ScriptedRequest, 'messages'>) =>
  Number(/What is (\d+) times/.exec(messages.at(-1)!.content)![1]);
const choiceOf = ({ seed, body }: ScriptedRequest) => seed - Number(body.seed);
const product = (a: number) => `What is ${a} times ${a + 3}?`;

/** Never agrees with itself on a product, and makes one easier one of each: its first choice can be used. */
function lost(second: (a: number) => string) {
  return (request: ScriptedRequest): string => {
    if (!asksForEasier(request)) return work(heard(request).truth + (request.seed % 1013));
    const a = factor(request);
    return choiceOf(request) === 0 ? product(a - 90) : second(a);
  };
}

async function start(
  script: Partial<Script> & Pick<Script, 'answer'>,
  settings: ImproveInput = {},
  spec?: TaskSpec,
) {
  endpoint = await startScriptedEndpoint({ baseModel: 'lost', ...script });
  const run = await addArithmeticRun(db, {
    url: endpoint.url,
    model: 'lost',
    spec: spec ?? (await productsTask(60)),
    settings: {
      pool: { prompts: 8, rehearsal: 0 },
      sampling: { samples: 4, resamples: 0, cache: false },
      probes: { mode: 'off' },
      drift: { prompts: 0 },
      ...settings,
      gates: { critique: { mode: 'off' } },
      strategy: { variants: { mode: 'on', ...settings.strategy?.variants } },
    },
  });
  const { llm } = createActivities({ db });
  const make = (iterationId: number, first = 0, count = 100) =>
    new MockActivityEnvironment().run(llm.variantPage, { iterationId, first, count }) as Promise<{
      variants: number;
      usable: number;
    }>;
  return { run, make };
}

const rowsOf = (iterationId: number) =>
  db
    .select()
    .from(variants)
    .where(eq(variants.iterationId, iterationId))
    .orderBy(asc(variants.promptId), asc(variants.number));
const poolOf = (iterationId: number) =>
  db.select().from(prompts).where(eq(prompts.iterationId, iterationId)).orderBy(asc(prompts.position));
const times = (asked: number[]) => asked.length - new Set(asked).size;

describe('variants that the model writes', () => {
  test('are asked for once, checked, stored for good and drawn by the next iteration', async () => {
    const { run, make } = await start({
      answer: lost((a) => [product(500), product(a), '', `${product(a - 90)} And times 2?`][a % 4]!),
    });
    const { iterationId } = await run.iterate(1);
    const made = await make(iterationId);
    expect(made).toEqual({ variants: 16, usable: 8 });
    const rows = await rowsOf(iterationId);
    const parents = new Map((await poolOf(iterationId)).map((one) => [one.id, one]));
    for (const { promptId, number, by, callId, key, text, outcome } of rows) {
      const parent = parents.get(promptId)!;
      expect([parent.purpose, by, callId === null]).toEqual(['learn', 'model', false]);
      const a = Number(/\d+/.exec(parent.text)![0]);
      const wanted = ['held-out', 'same', 'unreadable', 'not-easier'][a % 4];
      expect([number, outcome]).toEqual(number === 0 ? [0, 'usable'] : [1, wanted]);
      if (number === 0) expect(text).toBe(product(a - 90));
      expect(key === null).toBe(outcome === 'unreadable');
    }
    const calls = await db
      .select()
      .from(modelCalls)
      .where(and(eq(modelCalls.iterationId, iterationId), eq(modelCalls.stage, 'variants')));
    expect(calls).toHaveLength(8);

    const asked = endpoint!.requests.length;
    expect(await make(iterationId)).toEqual(made);
    expect(endpoint!.requests.length).toBe(asked);
    expect(await rowsOf(iterationId)).toEqual(rows);
    await expect(
      db.update(variants).set({ outcome: 'usable' }).where(eq(variants.id, rows[1]!.id)),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('does not change any more') } });

    const second = await run.iterate(2);
    const pool = await poolOf(second.iterationId);
    const drawn = pool.filter(({ variantId }) => variantId !== null);
    // Half of eight; each once, before the task's own.
    expect(drawn.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
    expect(pool.filter(({ purpose }) => purpose === 'learn')).toHaveLength(8);
    const usable = new Map(rows.filter(({ outcome }) => outcome === 'usable').map((one) => [one.id, one]));
    for (const { variantId, key, text, purpose } of drawn)
      expect([purpose, key, text]).toEqual([
        'learn',
        usable.get(variantId!)!.key,
        usable.get(variantId!)!.text,
      ]);
    const third = await run.iterate(3);
    const later = (await poolOf(third.iterationId)).flatMap(({ variantId }) => variantId ?? []);
    expect(new Set([...later, ...drawn.map(({ variantId }) => variantId)])).toEqual(new Set(usable.keys()));
    expect(later).toHaveLength(4);
  });

  test('are asked for of nobody twice, when the page was stopped between', async () => {
    let broken = true;
    const answered: number[] = [];
    const { run, make } = await start(
      {
        answer: lost((a) => product(a + 800)),
        fault: (request) => {
          if (!asksForEasier(request)) return undefined;
          if (broken && answered.length >= 3) return { status: 401 };
          answered.push(factor(request));
          return undefined;
        },
      },
      { paging: { callsInFlight: 1 } },
    );
    const { iterationId } = await run.iterate(1);
    await expect(make(iterationId)).rejects.toThrow();
    expect(await rowsOf(iterationId)).toHaveLength(6);
    broken = false;
    expect(await make(iterationId)).toEqual({ variants: 16, usable: 16 });
    expect(answered).toHaveLength(8);
    expect(times(answered)).toBe(0);
  });

  test('of which the same problem comes twice is used once, whichever page it is of', async () => {
    const { run, make } = await start({
      answer: (request) =>
        asksForEasier(request) ? product(7) : work(heard(request).truth + (request.seed % 1013)),
    });
    const { iterationId } = await run.iterate(1);
    const [first] = await poolOf(iterationId);
    let page: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      // Another page that is about to store the same, while this one is answered.
      await waitForVariants(tx, iterationId);
      page = make(iterationId);
      await until(
        'all to be asked',
        async () => endpoint!.requests.filter((one) => one.includes('easier')).length >= 8,
        10_000,
      );
      await sleep(300);
      const { key, text } = { key: keyOf(product(7)), text: product(7) };
      const row = { iterationId, promptId: first!.id, number: 9, by: 'model' as const, key, text };
      await tx.insert(variants).values({ ...row, outcome: 'usable', reason: 'it was first' });
    });
    await page;
    const rows = await rowsOf(iterationId);
    expect(rows.filter(({ number }) => number < 2)).toHaveLength(16);
    expect(rows.filter(({ outcome }) => outcome !== 'same').map(({ reason }) => reason)).toEqual([
      'it was first',
    ]);
  });

  test('that are refused, cut off or missing are counted as such', async () => {
    const { run, make } = await start({
      answer: lost((a) => product(a + 800)),
      fault: (request) => {
        if (!asksForEasier(request)) return undefined;
        const a = factor(request);
        if (a % 3 === 0) return { status: 400, message: 'not that' };
        // What is left is asked for once more, and fails.
        if (a % 3 === 1) return request.body.n === 2 ? { kind: 'choices', count: 1 } : { status: 500 };
        const choice = (index: number) => ({
          index,
          message: { role: 'assistant', content: product(a + 800 - 890 * (1 - index)) },
          finish_reason: index === 0 ? 'stop' : 'length',
          logprobs: null,
        });
        return {
          kind: 'reply',
          body: {
            id: 'cut',
            object: 'chat.completion',
            created: 0,
            model: 'lost',
            choices: [choice(0), choice(1)],
            usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
          },
        };
      },
    });
    const { iterationId } = await run.iterate(1);
    await make(iterationId);
    const parents = new Map((await poolOf(iterationId)).map((one) => [one.id, one.text]));
    const rows = await rowsOf(iterationId);
    expect(rows).toHaveLength(16);
    for (const { promptId, number, outcome } of rows) {
      const a = Number(/\d+/.exec(parents.get(promptId)!)![0]);
      const wanted = [
        ['refused', 'refused'],
        ['usable', 'missing'],
        ['usable', 'cut-off'],
      ][a % 3]!;
      expect(outcome).toBe(wanted[number]);
    }
  });

  test('end where the budget does, before anybody is asked', async () => {
    const { run, make } = await start({ answer: lost((a) => product(a + 800)) });
    const { iterationId } = await run.iterate(1);
    const asked = endpoint!.requests.length;
    const settings = { ...run.settings, budget: { ...run.settings.budget, iteration: { tokens: 50 } } };
    await db.update(runs).set({ settings }).where(eq(runs.id, run.runId));
    await expect(make(iterationId)).rejects.toMatchObject({ type: 'BudgetExceeded' });
    expect(endpoint!.requests.length).toBe(asked);
    expect(await rowsOf(iterationId)).toEqual([]);
  });
});

describe('variants that the task makes', () => {
  /** Adds sums of three digits alone. */
  const settings = { pool: { prompts: 12, rehearsal: 0 }, strategy: { variants: { prompts: 4, share: 1 } } };
  const confused = ({ seed }: ScriptedRequest) => `I guess ${seed % 1013}`;

  test('ask no model, are of the hardest first, and come whatever their level', async () => {
    const { run, make } = await start({ answer: confused }, settings, {
      kind: 'arithmetic',
      benchmarkSize: 2,
    });
    const { iterationId } = await run.iterate(1, [4, 5]);
    const asked = endpoint!.requests.length;
    const made = await make(iterationId);
    expect(endpoint!.requests.length).toBe(asked);
    const rows = await rowsOf(iterationId);
    expect(made).toEqual({ variants: 8, usable: rows.filter(({ outcome }) => outcome === 'usable').length });
    expect(made.usable).toBeGreaterThan(0);
    const parents = new Map((await poolOf(iterationId)).map((one) => [one.id, one.level]));
    for (const row of rows) {
      expect(parents.get(row.promptId)).toBe(5);
      expect([row.by, row.callId]).toEqual(['task', null]);
      if (row.outcome === 'usable') expect(row.level).toBeLessThan(5);
    }
    const second = await run.iterate(2, [5]);
    const drawn = (await poolOf(second.iterationId)).filter(({ variantId }) => variantId !== null);
    expect(drawn).toHaveLength(made.usable);
    // What the curriculum knows of a level are the prompts that were drawn at it.
    expect((await levelStats(db, run.runId)).filter(({ iteration }) => iteration === 2)).toEqual([
      expect.objectContaining({ level: 5, prompts: 12 - made.usable }),
    ]);
  });

  test('that turn out to be held out since are dropped as leaks when they would be drawn', async () => {
    const { run, make } = await start({ answer: confused }, settings, {
      kind: 'arithmetic',
      benchmarkSize: 2,
    });
    const { iterationId } = await run.iterate(1, [4, 5]);
    await make(iterationId);
    const usable = (await rowsOf(iterationId)).filter(({ outcome }) => outcome === 'usable');
    // A calibration problem of the run that came after the variant was made.
    const { key, text } = usable[0]!;
    const at = { iterationId, position: 1000, purpose: 'calibrate' as const };
    await db.insert(prompts).values({ ...at, key: `${key} again`, text: text! });
    const second = await run.iterate(2, [5]);
    const drawn = (await poolOf(second.iterationId)).flatMap(({ variantId }) => variantId ?? []);
    expect(drawn).not.toContain(usable[0]!.id);
    expect(drawn).toHaveLength(usable.length - 1);
    const [leak] = await db.select().from(leaks).where(eq(leaks.iterationId, second.iterationId));
    expect(leak).toMatchObject({ key, kind: 'exact', benchmark: 'calibration' });
  });
});

test('without them nothing is made or drawn', async () => {
  endpoint = await startScriptedEndpoint({ baseModel: 'lost', answer: lost((a) => product(a + 800)) });
  const run = await addArithmeticRun(db, {
    url: endpoint.url,
    model: 'lost',
    spec: await productsTask(60),
    settings: {
      pool: { prompts: 8, rehearsal: 0 },
      sampling: { samples: 2, resamples: 0, cache: false },
      gates: { critique: { mode: 'off' } },
      probes: { mode: 'off' },
    },
  });
  const { main } = createActivities({ db });
  const begun = (await new MockActivityEnvironment().run(main.startIteration, {
    runId: run.runId,
    index: 1,
  })) as object;
  expect(begun).not.toHaveProperty('variants');
  const { iterationId } = await run.iterate(1);
  expect(await rowsOf(iterationId)).toEqual([]);
  await run.iterate(2);
  const drawn = await db
    .select()
    .from(prompts)
    .where(and(eq(prompts.iterationId, iterationId), isNotNull(prompts.variantId)));
  expect(drawn).toEqual([]);
});
