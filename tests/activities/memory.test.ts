/** Memory entries against a real database and a scripted endpoint: what is tested, shown, and taken back. */
import { eq, sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { giveMemory } from '../../app/memory/add.ts';
import { memoryDetail } from '../../app/memory/memory.ts';
import { planMemoryRevocation, revokeWithDescent } from '../../app/lineage/revoke-memory.ts';
import { createSampleReader } from '../../app/lineage/sample.ts';
import { renderMemory, renderMemoryList } from '../../cli/render/memory.ts';
import { renderSample } from '../../cli/render/why-sample.ts';
import type { Db } from '../../db/connect.ts';
import { addMemory } from '../../db/queries/memory.ts';
import { listMemory, testedKeys } from '../../db/queries/memory-tests.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import { addCheckpoint } from '../../db/queries/runs.ts';
import { memoryEntries, memoryShown, memoryStates, memoryTests, prompts, samples } from '../../db/schema.ts';
import { memoryTokens } from '../../engine/memory/prompt.ts';
import { testsMemory } from '../../engine/memory/scope.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { LEAST_PROBLEMS } from '../../loop/memory.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { createTestDatabase } from '../support/database.ts';
import { CAREFUL, FORGET, readingAdder, shownSum } from '../support/reading-adder.ts';
import { startScriptedEndpoint, type Fault, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import pc from 'picocolors';

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint;

beforeAll(async () => {
  endpoint = await startScriptedEndpoint({
    ...readingAdder,
    answer: (request) => rule?.(request.messages.at(-1)!.content) ?? readingAdder.answer(request),
    fault: (request) => (request.messages[0]!.content.includes('worth remembering') ? fault?.() : undefined),
  });
}, 120_000);
// Entries are a task's, whatever the run: each test has its own.
beforeEach(async () => {
  rule = undefined;
  fault = undefined;
  endpoint.requests.length = 0;
  await drop?.();
  ({ db, drop } = await createTestDatabase());
});
afterAll(async () => {
  await drop();
  await endpoint.close();
});

/** What the model answers instead, by what it is asked last. */
let rule: ((asked: string) => string) | undefined;
/** What becomes of it where it is asked for a rule. */
let fault: (() => Fault | undefined) | undefined;

const rowsOf = async <T>(query: SQL): Promise<T[]> => (await db.execute(query)).rows as T[];
const small = (memory: ImproveInput['memory'] = {}, more: ImproveInput = {}): ImproveInput => ({
  iterations: 4,
  pool: { prompts: 12, rehearsal: 2 },
  probes: { mode: 'off' },
  sampling: { cache: false },
  gates: { critique: { mode: 'off', votes: 'all' }, agreement: { calibration: { share: 0.5 } } },
  ...more,
  memory: { mode: 'on', problems: 24, proposals: 0, ...memory },
});
const runWith = (settings: ImproveInput) =>
  addArithmeticRun(db, { url: endpoint.url, model: 'adder', settings });

async function plant(kind: 'pattern' | 'heuristic', text: string, of?: { key: string; request: string }) {
  const request = of?.request ?? null;
  const sources = of ? [{ key: of.key, text: of.key }] : [];
  const entry = {
    task: 'arithmetic',
    kind,
    request,
    text,
    tokens: memoryTokens({ request, text }),
    by: 'a test',
  };
  return (await addMemory(db, entry, sources, 'planted'))!;
}
const right = shownSum(4821, 977);
const stateOf = async (id: number) => (await listMemory(db, { ids: [id], most: 1 }))[0]!;

describe('an entry', () => {
  test('is admitted by a test and then stands before samples, but before no rehearsal', async () => {
    const good = await plant('pattern', right.text, right);
    const run = await runWith(small());
    const { iterationId } = await run.iterate(1, [4, 5]);
    expect(await stateOf(good)).toMatchObject({ state: 'admitted', wrong: expect.any(Number) });
    const drawn = await db
      .select({ sample: samples, prompt: prompts, shown: memoryShown })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId))
      .leftJoin(memoryShown, eq(memoryShown.sampleId, samples.id))
      .where(eq(prompts.iterationId, iterationId));
    for (const { prompt, shown } of drawn)
      expect(shown?.entryId ?? null).toBe(prompt.purpose === 'rehearse' ? null : good);
    // What is tested is no prompt of the iteration, and no benchmark is asked with it.
    const [mixed] = await rowsOf<{ n: number }>(
      sql`select count(*)::int as n from memory_problems m where exists (select 1 from prompts p where p.key = m.key)
        or exists (select 1 from benchmark_items b where b.key = m.key)`,
    );
    expect(mixed!.n).toBe(0);

    // Its page of answers is whole: asked again, nothing is.
    const before = endpoint.requests.length;
    const [one] = await db.select().from(memoryTests);
    await run.memoryPage(one!.id);
    expect(endpoint.requests.length).toBe(before);
  });

  test('is told of by each sample that saw it, with the very request', async () => {
    await plant('pattern', right.text, right);
    const careful = await plant('heuristic', CAREFUL);
    const run = await runWith(small({ alpha: 0.9 }, { sampling: { cache: true } }));
    const { iterationId } = await run.iterate(1, [4, 5]);
    const [drawn] = await rowsOf<{ id: number }>(
      sql`select s.id::float8 as id from samples s join prompts p on p.id = s.prompt_id
        where p.iteration_id = ${iterationId} and p.purpose = 'learn' order by s.id limit 1`,
    );
    const [why] = await createSampleReader(db)([drawn!.id]);
    expect(why!.memory!.map(({ kind }) => kind)).toContain('pattern');
    expect(why!.asked).toMatchObject({ draw: 'matches' });
    const text = renderSample(why!, pc.createColors(false), '');
    expect(text).toMatch(/saw +memory:\d+ /);
    const detail = await memoryDetail(db, why!.memory![0]!.id);
    expect(renderMemory(detail, false)).toMatch(/right \d+ → \d+ of \d+ \(\d+ fixed, \d+ broken/s);
    expect(renderMemoryList(await listMemory(db, { most: 9 }), false)).toContain(`memory:${careful}`);
  });

  test('that no test has looked at is never shown, and off nothing is asked or stored otherwise', async () => {
    const entry = await plant('pattern', right.text, right);
    const off = small({ mode: 'off' });
    await (await runWith(off)).iterate(1, [4]);
    const withEntry = endpoint.requests.splice(0);
    await drop();
    ({ db, drop } = await createTestDatabase());
    await (await runWith(off)).iterate(1, [4]);
    expect(withEntry.toSorted()).toEqual(endpoint.requests.toSorted());
    const tables = ['shown', 'tests', 'problems', 'answers', 'trials', 'states', 'entries'];
    for (const name of tables)
      expect((await rowsOf(sql.raw(`select 1 from memory_${name}`))).length, name).toBe(0);
    expect(entry).toBeGreaterThan(0);
  });

  test('is no reason to trust votes more: those are never measured on what an entry was chosen by', async () => {
    await plant('pattern', right.text, right);
    const run = await runWith(small());
    // Sums of one digit: there are so few that what is drawn again would be among them.
    await run.iterate(1, [1]);
    const [first] = await rowsOf<{ keys: string[] }>(sql`select array_agg(key) as keys from memory_problems`);
    const keys = new Set(first!.keys);
    const { iterationId } = await run.iterate(2, [1]);
    const measured = await rowsOf<{ key: string }>(
      sql`select key from prompts where iteration_id = ${iterationId} and purpose = 'calibrate'`,
    );
    expect(measured.length).toBeGreaterThan(5);
    expect(measured.filter(({ key }) => keys.has(key))).toEqual([]);
    expect(await testedKeys(db, 'arithmetic')).toEqual(
      new Set((await rowsOf<{ key: string }>(sql`select key from memory_problems`)).map(({ key }) => key)),
    );
  });

  test('needs as many problems with known answers as a test needs, and a task that has some', async () => {
    const entry = await plant('heuristic', CAREFUL);
    const asks = (problems: number) => improveInputSchema.safeParse({ memory: { problems } }).success;
    expect([asks(LEAST_PROBLEMS - 1), asks(LEAST_PROBLEMS)]).toEqual([false, true]);
    await (await runWith(small({ problems: LEAST_PROBLEMS }))).iterate(1, [4]);
    expect((await stateOf(entry)).state).not.toBe('unverified');

    const run = await runWith(small());
    const { calibration: _, ...without } = run.task;
    expect(testsMemory({ settings: run.settings, task: run.task })).toBe(true);
    expect(testsMemory({ settings: run.settings, task: without })).toBe(false);
  });

  test('is tested anew for other weights, all that were admitted together, and kept by the weights that admitted it', async () => {
    const good = await plant('heuristic', CAREFUL);
    const run = await runWith(small({ tests: 1 }));
    await run.iterate(1, [4, 5]);
    expect((await stateOf(good)).state).toBe('admitted');
    const other = await addCheckpoint(db, {
      runId: run.runId,
      iterationIndex: 1,
      kind: 'adapter',
      model: 'adder',
    });
    await plant('pattern', right.text, right);
    await run.iterate(2, [4, 5], other.id);
    const states = await db
      .select()
      .from(memoryStates)
      .where(eq(memoryStates.entryId, good))
      .orderBy(memoryStates.id);
    expect(states.map(({ state }) => state)).toEqual(['unverified', 'admitted', 'stale', 'admitted']);
    // The first weights need no further test.
    await run.iterate(3, [4, 5]);
    expect(await db.$count(memoryStates, eq(memoryStates.entryId, good))).toBe(4);
  });

  test('is not tested where the budget has no room for it: nothing is asked', async () => {
    await plant('heuristic', CAREFUL);
    const run = await runWith(small({}, { budget: { iteration: { tokens: 100 } } }));
    await expect(run.iterate(1, [4])).rejects.toMatchObject({
      type: 'BudgetExceeded',
      message: expect.stringMatching(/^before memory\//),
    });
    expect(endpoint.requests).toEqual([]);
  });

  test('that others rejected is tested by new weights last', async () => {
    const bad = await plant('heuristic', FORGET);
    const run = await runWith(small({ tests: 1 }));
    await run.iterate(1, [4]);
    expect((await stateOf(bad)).state).toBe('rejected');
    const later = [await plant('pattern', right.text, right), await plant('heuristic', CAREFUL)];
    const { id: other } = await addCheckpoint(db, {
      runId: run.runId,
      iterationIndex: 1,
      kind: 'adapter',
      model: 'adder',
    });
    for (const index of [2, 3, 4]) await run.iterate(index, [4], other);
    const tested = await rowsOf<{ entry: number }>(
      sql`select e.entry_id::float8 as entry from memory_test_entries e order by e.test_id`,
    );
    expect(tested.map(({ entry }) => entry)).toEqual([bad, ...later, bad]);
  });

  test('spends the alpha of the run: an even part of what is left for the tests that may come', async () => {
    await plant('heuristic', FORGET);
    await plant('heuristic', CAREFUL);
    const run = await runWith(small({ tests: 2, alpha: 0.08 }));
    await run.iterate(1, [4, 5]);
    const tests = await db.select().from(memoryTests).orderBy(memoryTests.number);
    // Two tests in each of four iterations.
    expect(tests.map(({ level, admitted }) => [level, admitted])).toEqual([
      [0.01, false],
      [0.01, true],
    ]);
  });
});

describe('no entry stands before a problem that it tells of', () => {
  test('whatever arm it is, and the database refuses the row', async () => {
    const run = await runWith(small({ mode: 'off' }));
    const { iterationId } = await run.iterate(1, [4]);
    const [prompt] = await db.select().from(prompts).where(eq(prompts.iterationId, iterationId)).limit(1);
    const [a, b] = prompt!.key.split('+').map(Number) as [number, number];
    const own = shownSum(a, b);
    const telling = await plant('pattern', own.text, own);
    const [item] = await rowsOf<{ key: string }>(
      sql`select key from benchmark_items where run_id = ${run.runId} limit 1`,
    );
    const held = await plant('pattern', right.text, { ...right, key: item!.key });
    const [drawn] = await db.select().from(samples).where(eq(samples.promptId, prompt!.id)).limit(1);
    for (const entryId of [telling, held])
      await expect(
        db.insert(memoryShown).values({ sampleId: drawn!.id, position: 0, entryId }),
      ).rejects.toMatchObject({ cause: { message: expect.stringContaining('was made of the problem') } });

    const ungated = await runWith(small({}, { experiment: 'ungated' }));
    await ungated.iterate(1, [4]);
    const seen = await rowsOf<{ entry: number; key: string }>(
      sql`select m.entry_id::float8 as entry, p.key from memory_shown m join samples s on s.id = m.sample_id
        join prompts p on p.id = s.prompt_id`,
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.some(({ key, entry }) => entry === held || (entry === telling && key === own.key))).toBe(
      false,
    );
  });

  test('nor does the test of an entry ask for it', async () => {
    const run = await runWith(small());
    await plant('heuristic', CAREFUL);
    await run.iterate(1, [4]);
    const [problem] = await rowsOf<{ id: number; key: string; test: number }>(
      sql`select p.id::float8 as id, p.key, t.id::float8 as test from memory_problems p, memory_tests t limit 1`,
    );
    const [a, b] = problem!.key.split('+').map(Number) as [number, number];
    const own = shownSum(a, b);
    const telling = await plant('pattern', own.text, own);
    await expect(
      db.execute(
        sql`insert into memory_trials values (${problem!.test}, 999, ${problem!.id}, '', ${String(telling)})`,
      ),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('was made of its problem') } });
  });
});

describe('what is found wrong', () => {
  test('is revoked with the examples whose samples saw it and the entries made of those', async () => {
    const good = await plant('heuristic', CAREFUL);
    const run = await runWith(small({ proposals: 2 }));
    const { filtered } = await run.iterate(1, [4, 5]);
    expect(filtered.accepted).toBeGreaterThan(0);
    await run.iterate(2, [4, 5]);
    const made = await rowsOf<{ id: number; example: number }>(
      sql`select entry_id::float8 as id, example_id::float8 as example from memory_sources where example_id is not null`,
    );
    expect(made).toHaveLength(2);
    const plan = await planMemoryRevocation(db, [good]);
    expect(plan.descended).toEqual(made.map(({ id }) => id));
    expect(plan.examples).toEqual(expect.arrayContaining(made.map(({ example }) => example)));
    const done = await revokeWithDescent(db, plan, { reason: 'it misleads', by: 'ada' });
    expect(done).toEqual({ entries: 3, examples: plan.examples.length });
    expect(await stateOf(good)).toMatchObject({ state: 'revoked', reason: 'it misleads', stateBy: 'ada' });
    expect(await stateOf(made[0]!.id)).toMatchObject({
      state: 'revoked',
      reason: `memory:${good} was revoked: it misleads`,
    });
    expect(await db.$count(sql`revocations`)).toBe(plan.examples.length);
    // Once more there is nothing to do, and no later test brings it back.
    expect(await revokeWithDescent(db, plan, { reason: 'again', by: 'ada' })).toEqual({
      entries: 0,
      examples: 0,
    });
    const seen = await db.$count(memoryShown, eq(memoryShown.entryId, good));
    await run.iterate(3, [4, 5]);
    expect(await db.$count(memoryShown, eq(memoryShown.entryId, good))).toBe(seen);
    expect((await stateOf(good)).state).toBe('revoked');
    await expect(planMemoryRevocation(db, [good, 999])).rejects.toThrow('There is no memory:999.');
  });

  test('as an example takes the entries made of it along', async () => {
    const run = await runWith(small({ proposals: 1, tests: 1 }));
    await run.iterate(1, [4]);
    await run.iterate(2, [4]);
    const [made] = await rowsOf<{ id: number; example: number }>(
      sql`select entry_id::float8 as id, example_id::float8 as example from memory_sources where example_id is not null limit 1`,
    );
    await addRevocations(db, [made!.example], { reason: 'wrong carry', by: 'ada' });
    expect(await stateOf(made!.id)).toMatchObject({
      state: 'revoked',
      reason: `example:${made!.example} was revoked: wrong carry`,
    });
  });

  test('stays on record: entries and their states are only added', async () => {
    const entry = await plant('heuristic', CAREFUL);
    const refused = { cause: { message: expect.stringContaining('are never changed or deleted') } };
    await expect(db.update(memoryEntries).set({ text: 'other' })).rejects.toMatchObject(refused);
    await expect(db.delete(memoryStates)).rejects.toMatchObject(refused);
    expect(await plant('heuristic', CAREFUL)).toBeUndefined();
    expect((await stateOf(entry)).entry.text).toBe(CAREFUL);
  });
});

describe('who gives entries', () => {
  test('the loop takes the surest examples, one of a problem, and none twice', async () => {
    const run = await runWith(small({ proposals: 3, tests: 1 }));
    await run.iterate(1, [4]);
    expect(await db.$count(memoryEntries)).toBe(0);
    await run.iterate(2, [4]);
    await run.iterate(3, [4]);
    const made = await rowsOf<{ key: string; agreement: number }>(
      sql`select m.key, v.agreement from memory_sources m join examples e on e.id = m.example_id
        join votes v on v.prompt_id = e.prompt_id order by m.entry_id`,
    );
    expect(made).toHaveLength(6);
    expect(new Set(made.map(({ key }) => key)).size).toBe(6);
    const first = made.slice(0, 3).map(({ agreement }) => agreement);
    expect(first).toEqual(first.toSorted((a, b) => b - a));
  });

  test('the model, whose rules are tested as well, and rejected at once where they tell a number of their problems', async () => {
    const run = await runWith(small({ heuristics: 2, tests: 1 }));
    await run.iterate(1, [4]);
    rule = () => CAREFUL;
    const asked = endpoint.requests.length;
    const { iterationId } = await run.iterate(2, [4]);
    const rules = endpoint.requests.slice(asked).filter((request) => request.includes('worth remembering'));
    expect(rules.length).toBeGreaterThan(0);
    const [written] = await db.select().from(memoryEntries).where(eq(memoryEntries.kind, 'heuristic'));
    expect(written).toMatchObject({ text: CAREFUL, by: 'adder', iterationId });
    // Asked once, whatever came of it.
    await run.propose(iterationId);
    expect(endpoint.requests.filter((one) => one.includes('worth remembering'))).toHaveLength(rules.length);

    rule = (text) => `Remember ${/Problem: (\d+)/.exec(text)?.[1]}.`;
    await run.iterate(3, [4]);
    const telling = await db
      .select()
      .from(memoryEntries)
      .where(sql`text like 'Remember%'`);
    expect(telling.length).toBeGreaterThan(0);
    for (const { id } of telling)
      expect(await stateOf(id)).toMatchObject({
        state: 'rejected',
        reason: expect.stringMatching(/^it names \d+, a number of the problems/),
      });
  });

  test('the model, which is asked for each rule once, whatever stopped it', async () => {
    const run = await runWith(small({ heuristics: 2, tests: 1 }));
    await run.iterate(1, [4]);
    rule = () => CAREFUL;
    const asked = () =>
      endpoint.received.flatMap(({ body }) => {
        const [system, user] = body.messages as { content: string }[];
        return system?.content.includes('worth remembering') ? [user!.content] : [];
      });
    fault = () => (asked().length > 0 ? { status: 401 } : undefined);
    await expect(run.iterate(2, [4])).rejects.toThrow();
    const [first] = asked();
    const [{ id } = { id: 0 }] = await rowsOf<{ id: number }>(
      sql`select max(id)::float8 as id from iterations`,
    );
    fault = undefined;
    await run.propose(id);
    const [again, second] = asked().slice(-2);
    expect(again).toBe(first);
    expect(second).not.toBe(first);
    const count = asked().length;
    await run.propose(id);
    expect(asked()).toHaveLength(count);

    // A refusal is an answer.
    fault = () => (asked().length === count + 1 ? { status: 400, code: 'content_filter' } : undefined);
    const third = await run.iterate(3, [4]);
    expect(asked()).toHaveLength(count + 2);
    await run.propose(third.iterationId);
    expect(asked()).toHaveLength(count + 2);
  });

  test('people, whose entries the task must be able to read, and which are no held-out problems', async () => {
    await expect(giveMemory(db, { task: 'arithmetic', by: 'ada', heuristic: 'x' })).rejects.toThrow(
      'has no run yet',
    );
    const run = await runWith(small());
    const give = (given: { heuristic: string } | { problem: string; answer: string }) =>
      giveMemory(db, { task: 'arithmetic', by: 'ada', ...given });
    await expect(give({ heuristic: ' ' })).rejects.toThrow('1 to 2000 characters');
    await expect(give({ problem: 'seven', answer: right.text })).rejects.toThrow(/^The problem /);
    await expect(give({ problem: '4821+977', answer: 'many' })).rejects.toThrow(
      'none that the task can read',
    );
    const [item] = await rowsOf<{ text: string; benchmark: string }>(
      sql`select text, benchmark from benchmark_items where run_id = ${run.runId} limit 1`,
    );
    await expect(give({ problem: item!.text, answer: right.text })).rejects.toThrow(
      `held out in ${item!.benchmark}`,
    );
    const id = await give({ problem: '4821+977', answer: right.text });
    const [entry] = await db.select().from(memoryEntries).where(eq(memoryEntries.id, id));
    expect(entry).toMatchObject({ request: right.request, by: 'ada', kind: 'pattern' });
    await expect(give({ problem: '4821+977', answer: right.text })).rejects.toThrow('has this entry already');
  });
});
