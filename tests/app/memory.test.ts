/** Memory as people meet it: pages, commands, and taking an entry back. */
import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addMemory } from '../../db/queries/memory.ts';
import { addProblems, addTest, closeTest, listMemory, problemsOf } from '../../db/queries/memory-tests.ts';
import { examples, memoryShown, revocations, samples } from '../../db/schema.ts';
import { admission } from '../../loop/memory.ts';
import { addCheckpoint, addIteration, addPool, addRun } from '../cli/fixture.ts';
import { ratchet as runRatchet } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/database.ts';
import { startSite, type Site } from '../web/site.ts';

const EVIL = '<script>alert(1)</script> \u001b[2Jgone';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let site: Site;
let entry: number;
let seen: number[];

const ratchet = (...args: string[]) => runRatchet(args, { env: { DATABASE_URL: database.url } });
const get = async (path: string) => {
  const answer = await fetch(`${site.url}${path}`);
  return { status: answer.status, text: await answer.text() };
};

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await addRun(db, 'demo');
  const base = await addCheckpoint(db, 'demo', 0, { target: 4, guard: 20 });
  const iterationId = await addIteration(db, 'demo', 1, base.id);
  await addPool(db, 'demo', iterationId, base.id, [
    { text: '1234+5678', answer: '6912', agreement: 1, accepted: 'vote' },
    { text: '4321+8765', answer: '13086', agreement: 1, accepted: 'vote' },
  ]);
  entry = (await addMemory(
    db,
    { task: 'arithmetic', kind: 'pattern', request: '2+2', text: EVIL, tokens: 12, by: EVIL },
    [{ key: EVIL, text: '2+2' }],
    EVIL,
  ))!;
  const drawn = await db.select({ id: samples.id }).from(samples).orderBy(asc(samples.id));
  await db
    .insert(memoryShown)
    .values(drawn.slice(0, 2).map(({ id }) => ({ sampleId: id, position: 0, entryId: entry })));
  const made = await db.select().from(examples).orderBy(asc(examples.id));
  seen = made.flatMap(({ id, sampleId }) => (drawn.slice(0, 2).some((one) => one.id === sampleId) ? id : []));
  await addProblems(
    db,
    Array.from({ length: 20 }, (_, position) => {
      return {
        iterationId,
        position,
        key: `${position}+1`,
        text: `${position}+1`,
        level: 4,
        answer: `${position + 1}`,
      };
    }),
  );
  const problems = await problemsOf(db, iterationId);
  const trials = problems.map(({ id: problemId }) => ({
    problemId,
    shownWithout: '',
    shownWith: String(entry),
  }));
  const looked = { iterationId, number: 0, checkpointId: base.id, weights: 'w', problems: 20, level: 0.01 };
  const opened = await addTest(db, looked, [entry], trials);
  const found = problems.map((_, i) => ({ level: 4, without: i < 4, with: true }));
  const decided = admission(found, new Map([[4, 20]]), { level: 0.01, margin: 0.05 });
  await closeTest(db, opened, decided, 'run demo');
  // Closed once, it stays so.
  await closeTest(db, opened, { ...decided, admitted: false }, 'run demo');
  site = await startSite(db);
}, 120_000);
afterAll(async () => {
  await site?.close();
  await database?.drop();
});

test('is listed and shown with its test and its sources, and no text of a stranger acts', async () => {
  const list = await get('/memory?task=arithmetic');
  expect(list.status).toBe(200);
  expect(list.text).toContain(`href="/memory/${entry}"`);
  const one = await get(`/memory/${entry}`);
  expect(one.text).toMatch(/right 4 → 20 of 20 \(16 fixed, 0 broken; p 0\.000015 ≤ 0\.010\)/);
  for (const { text } of [list, one]) {
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('\u001b');
    expect(text).toContain('&lt;script&gt;alert(1)');
  }
  expect(seen.length).toBeGreaterThan(0);
  expect(one.text).toContain(`example ${seen[0]}`);
  const drawn = await database.db.select({ id: memoryShown.sampleId }).from(memoryShown);
  expect((await get(`/samples/${drawn[0]!.id}`)).text).toContain(
    `<a href="/memory/${entry}">memory ${entry}</a>`,
  );
  expect((await get('/memory/999')).status).toBe(404);
  expect((await get('/memory?task=none')).status).toBe(404);
});

test('is typed: list, show, add, why', async () => {
  const list = await ratchet('memory', 'list', 'arithmetic');
  expect(list).toMatchObject({ code: 0, stderr: '' });
  expect(list.stdout).toMatch(new RegExp(`memory:${entry} +arithmetic +pattern +admitted +12 +2 +2 `));
  expect(list.stdout).not.toContain('\u001b');
  const shown = await ratchet('memory', 'show', `memory:${entry}`);
  expect(shown.stdout).toContain('right 4 → 20 of 20');
  expect(shown.stdout).not.toContain('\u001b');
  const given = await ratchet(
    'memory',
    'add',
    'arithmetic',
    '--heuristic',
    'Add from the right.',
    '--by',
    'ada',
  );
  expect(given.stdout).toMatch(/^memory:\d+ of arithmetic is unverified/);
  expect(await ratchet('memory', 'add', 'arithmetic', '--problem', '1+1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Give --heuristic, or --problem and --answer.'),
  });
  const why = await ratchet('why', `memory:${entry}`);
  expect(why.stdout).toBe(shown.stdout);
  expect(await ratchet('memory', 'show', '999')).toMatchObject({ code: 2 });
}, 240_000);

test('is taken back with the examples whose samples saw it', async () => {
  const mixed = await ratchet('revoke', `memory:${entry}`, 'example:1', '--reason', 'r', '--yes');
  expect(mixed).toMatchObject({ code: 2, stderr: expect.stringContaining('one after the other') });
  const done = await ratchet('revoke', `memory:${entry}`, '--reason', 'it misleads', '--yes');
  expect(done.stderr).toBe('');
  expect(done.stdout).toContain(`Revoked 1 of memory, shown no more, and ${seen.length} examples.`);
  const revoked = await database.db.select().from(revocations);
  expect(new Set(revoked.map(({ exampleId }) => exampleId))).toEqual(new Set(seen));
  const [listed] = await listMemory(database.db, { ids: [entry], most: 1 });
  expect(listed).toMatchObject({ state: 'revoked', reason: 'it misleads' });
  const other = await database.db.select().from(examples).where(eq(examples.runId, 'demo'));
  expect(other.length).toBeGreaterThan(revoked.length);
}, 240_000);
