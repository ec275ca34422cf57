/** What a task serves: promotions of runs, choices of people, and what is refused. */
import { eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  followPromotions,
  promoteCheckpoint,
  rollBack,
  servedCheckpoint,
  servingOfTask,
} from '../../engine/serving.ts';
import { SERVING_CHANNEL } from '../../db/queries/serving.ts';
import * as t from '../../db/schema.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { ratchet as runRatchet } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
/** A task of its own for each test. */
let task = '';
let tasks = 0;

beforeAll(async () => {
  database = await createTestDatabase();
}, 180_000);
afterAll(async () => {
  await database?.drop();
});
beforeEach(() => {
  task = `task-${++tasks}`;
});

const ITEMS = 40;
const why = { reason: 'a test', by: 'ada' };

/** A run whose base answers `right` of the target items right. */
async function addRun(id: string, { right, ...input }: ImproveInput & { right: number; parentId?: number }) {
  const { parentId, ...settings } = input;
  await database.db.insert(t.runs).values({
    id,
    task,
    taskSpec: { kind: 'arithmetic' },
    settings: improveInputSchema.parse(settings),
    codeVersion: 'test',
  });
  await database.db.insert(t.benchmarkItems).values(
    Array.from({ length: ITEMS }, (_, i) => ({
      runId: id,
      benchmark: 'target',
      role: 'target' as const,
      position: i,
      key: `item ${i}`,
      text: `item ${i}`,
      answer: String(i),
    })),
  );
  return addCheckpoint(id, 0, right, parentId);
}

async function addCheckpoint(runId: string, index: number, right: number, parentId?: number) {
  const { db } = database;
  const [checkpoint] = await db
    .insert(t.checkpoints)
    .values({
      runId,
      iterationIndex: index,
      kind: parentId === undefined ? 'base' : 'adapter',
      model: parentId === undefined ? 'base' : `${runId}/${index}`,
      parentId,
    })
    .returning();
  const [call] = await db
    .insert(t.modelCalls)
    .values({ runId, stage: 'benchmark', role: 'generator', model: 'm', latencyMs: 1 })
    .returning();
  const [evaluation] = await db
    .insert(t.evaluations)
    .values({ checkpointId: checkpoint!.id, benchmark: 'target', total: ITEMS, finishedAt: new Date() })
    .returning();
  await db.execute(sql`insert into evaluation_items (evaluation_id, item_id, rationale, correct, call_id)
    select ${evaluation!.id}, id, '', position < ${right}, ${call!.id} from benchmark_items where run_id = ${runId}`);
  return checkpoint!;
}

/** Iteration `index` trains a candidate from `from` and promotes it, or throws it away. */
async function iterate(
  runId: string,
  index: number,
  from: { id: number },
  { right, kind = 'promote' }: { right: number; kind?: 'promote' | 'discard' },
) {
  const { db } = database;
  const [iteration] = await db
    .insert(t.iterations)
    .values({ runId, index, checkpointId: from.id, plan: { seed: index } })
    .returning();
  const candidate = await addCheckpoint(runId, index, right, from.id);
  await db.insert(t.decisions).values({
    iterationId: iteration!.id,
    kind,
    candidateId: candidate.id,
    bestId: kind === 'promote' ? candidate.id : from.id,
    reason: `${right} of ${ITEMS} right`,
    numbers: {},
    createdAt: sql`clock_timestamp()` as unknown as Date,
  });
  return candidate;
}

const serves = async () => (await servedCheckpoint(database.db, task))?.id;

test('nothing is served before a promotion; then each one of the run, at once', async () => {
  const base = await addRun('plain', { right: 2 });
  expect(await serves()).toBeUndefined();
  await iterate('plain', 1, base, { right: 1, kind: 'discard' });
  expect(await serves()).toBeUndefined();
  const better = await iterate('plain', 2, base, { right: 20 });
  expect(await serves()).toBe(better.id);
  const best = await iterate('plain', 3, better, { right: 38 });
  const serving = await servingOfTask(database.db, task);
  expect(serving).toMatchObject({ checkpoint: { id: best.id }, before: { id: better.id }, pinned: false });
  expect(serving.turns.map(({ kind, reason }) => [kind, reason])).toEqual([
    ['proven', '20 of 40 right'],
    ['proven', '38 of 40 right'],
  ]);
});

test('another run that began at the base takes over only with what beats the served checkpoint on the same problems', async () => {
  const base = await addRun('strong', { right: 2 });
  const strong = await iterate('strong', 1, base, { right: 25 });
  const weakBase = await addRun('weak', { right: 2 });
  const weak = await iterate('weak', 1, weakBase, { right: 12 });
  expect(await serves()).toBe(strong.id);
  const { turns } = await servingOfTask(database.db, task);
  expect(turns.at(-1)).toMatchObject({ kind: 'held-back', checkpoint: { id: weak.id } });
  expect(turns.at(-1)!.reason).toMatch(
    /not proven better: target 62\.5 % → 30\.0 % of 40 \(0 fixed, 13 broken/,
  );
  const strongest = await iterate('weak', 2, weak, { right: 39 });
  expect(await serves()).toBe(strongest.id);
});

test('a run that began at the served adapter continues it, whatever its row is called', async () => {
  const base = await addRun('one', { right: 2 });
  const first = await iterate('one', 1, base, { right: 20 });
  const start = await addRun('two', { right: 20, parentId: first.id, start: 'promoted' });
  const second = await iterate('two', 1, start, { right: 30 });
  expect(await servingOfTask(database.db, task)).toMatchObject({
    checkpoint: { id: second.id },
    before: { id: first.id },
  });
});

test('contrast arms and runs on another base model promote nothing here', async () => {
  const base = await addRun('arm', { right: 2, experiment: 'ungated' });
  const candidate = await iterate('arm', 1, base, { right: 30 });
  expect(await serves()).toBeUndefined();
  await expect(promoteCheckpoint(database.db, task, candidate.id, why)).rejects.toThrow(
    /was promoted in a contrast arm \(ungated\), for comparison only.*only if forced/,
  );
  const real = await iterate('real', 1, await addRun('real', { right: 2 }), { right: 30 });
  expect((await servedCheckpoint(database.db, task, { baseModel: 'base' }))?.id).toBe(real.id);
  expect(await servedCheckpoint(database.db, task, { baseModel: 'another' })).toBeUndefined();
});

test('a person rolls back step by step, pinned, and unpins; every choice is kept', async () => {
  const base = await addRun('steps', { right: 2 });
  const first = await iterate('steps', 1, base, { right: 15 });
  const second = await iterate('steps', 2, first, { right: 25 });
  await rollBack(database.db, task, { reason: 'wrong carries', by: 'ada', seen: second.id });
  expect(await servingOfTask(database.db, task)).toMatchObject({
    checkpoint: { id: first.id },
    pinned: true,
  });
  const third = await iterate('steps', 3, second, { right: 38 });
  expect(await serves()).toBe(first.id);
  await expect(rollBack(database.db, task, { ...why, seen: second.id })).rejects.toThrow(
    /serves checkpoint \d+ by now/,
  );
  await rollBack(database.db, task, why);
  expect(await serves()).toBe(base.id);
  await expect(rollBack(database.db, task, why)).rejects.toThrow(/served nothing before/);
  // What was promoted meanwhile counts once people let the promotions decide again.
  await followPromotions(database.db, task, why);
  expect(await serves()).toBe(third.id);
  await expect(followPromotions(database.db, task, why)).rejects.toThrow(/follows its proven promotions/);
  const kept = await database.db.query.servingChoices.findMany({ where: eq(t.servingChoices.task, task) });
  expect(kept.map((one) => [one.kind, one.checkpointId, one.insteadOfId, one.pinned, one.by])).toEqual([
    ['rollback', first.id, second.id, true, 'ada'],
    ['rollback', base.id, first.id, true, 'ada'],
    ['follow', null, base.id, false, 'ada'],
  ]);
  for (const change of [sql`update serving_choices set reason = 'x'`, sql`delete from serving_choices`]) {
    const refused: unknown = await database.db.execute(change).catch((error: Error) => error.cause);
    expect(String(refused)).toContain('never changed or deleted');
  }
});

test('a chosen checkpoint gives way to what is proven better than it, not to what was compared with another', async () => {
  const base = await addRun('chosen', { right: 2 });
  const first = await iterate('chosen', 1, base, { right: 20 });
  const second = await iterate('chosen', 2, first, { right: 32 });
  await promoteCheckpoint(database.db, task, first.id, why);
  expect(await serves()).toBe(first.id);
  const small = await iterate('chosen', 3, base, { right: 21 });
  expect(await serves()).toBe(first.id);
  const third = await iterate('chosen', 4, second, { right: 39 });
  expect((await servingOfTask(database.db, task)).turns.slice(-3)).toMatchObject([
    { kind: 'promote', by: 'ada' },
    { kind: 'held-back', checkpoint: { id: small.id } },
    { kind: 'proven', checkpoint: { id: third.id } },
  ]);
});

test('a checkpoint that never passed is refused, or forced with a reason and kept so', async () => {
  const base = await addRun('forced', { right: 20 });
  const failed = await iterate('forced', 1, base, { right: 1, kind: 'discard' });
  const { db } = database;
  await expect(promoteCheckpoint(db, task, failed.id, why)).rejects.toThrow(/never passed its benchmark/);
  await expect(promoteCheckpoint(db, task, failed.id, { ...why, reason: ' ', force: true })).rejects.toThrow(
    /reason is needed/,
  );
  await expect(promoteCheckpoint(db, 'other', failed.id, why)).rejects.toThrow(/is of the task task-/);
  expect(await serves()).toBeUndefined();
  expect(await promoteCheckpoint(db, task, failed.id, { ...why, force: true })).toMatchObject({
    forced: true,
  });
  expect(await serves()).toBe(failed.id);
  await expect(promoteCheckpoint(db, task, failed.id, { ...why, force: true })).rejects.toThrow(/already/);
});

test('two people who choose at once do so one after the other, and the second is told', async () => {
  const base = await addRun('both', { right: 2 });
  const first = await iterate('both', 1, base, { right: 20 });
  const second = await iterate('both', 2, first, { right: 38 });
  const made = await Promise.allSettled(
    Array.from({ length: 4 }, () => rollBack(database.db, task, { ...why, seen: second.id })),
  );
  expect(made.map((one) => one.status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  expect(await serves()).toBe(first.id);
});

test('promotions and choices are announced', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const heard: (string | undefined)[] = [];
  client.on('notification', ({ payload }) => heard.push(payload));
  await client.query(`listen ${SERVING_CHANNEL}`);
  const base = await addRun('heard', { right: 2 });
  await iterate('heard', 1, base, { right: 1, kind: 'discard' });
  await iterate('heard', 2, base, { right: 20 });
  await rollBack(database.db, task, why);
  await client.query('select 1');
  expect(heard).toEqual([task, task]);
  await client.end();
});

test('the commands show, choose and refuse', async () => {
  const ratchet = (...args: string[]) => runRatchet(args, { env: { DATABASE_URL: database.url } });
  const base = await addRun('typed', { right: 2 });
  const first = await iterate('typed', 1, base, { right: 20 });
  const failed = await iterate('typed', 2, first, { right: 1, kind: 'discard' });

  expect((await ratchet('serving')).stdout).toContain(
    `${task} serves checkpoint:${first.id} (iteration 1 of typed, typed/1)`,
  );
  expect(await ratchet('promote', `checkpoint:${failed.id}`, '--reason', 'try it')).toMatchObject({
    code: 2,
    stderr: `✗ Checkpoint ${failed.id} never passed its benchmark: no run promoted it. It is served only if forced.\n`,
  });
  const forced = await ratchet('promote', String(failed.id), '--reason', 'try it', '--force', '--pin');
  expect(forced).toMatchObject({ code: 0, stderr: '' });
  expect(forced.stdout).toContain('It never passed its benchmark: forced, and kept so.');
  expect(forced.stdout).toContain(`serves checkpoint:${failed.id} (iteration 2 of typed, typed/2), pinned`);
  const back = await ratchet('rollback', task, '--reason', 'it is bad', '--no-pin');
  expect(back.stdout).toMatch(
    new RegExp(
      `^${task} serves checkpoint:${first.id} .*\\n +\\S+ \\S+ +rolled back to checkpoint:${first.id}`,
    ),
  );
  expect((await ratchet('unpin', task, '--reason', 'done')).code).toBe(0);
  const { stdout } = await ratchet('serving', task, '--json');
  expect(JSON.parse(stdout)).toMatchObject([
    {
      task,
      checkpoint: { id: first.id },
      before: { id: base.id },
      turns: [{ kind: 'proven' }, { kind: 'promote' }, { kind: 'rollback' }, { kind: 'follow' }],
    },
  ]);
  expect(await ratchet('rollback', 'nosuch', '--reason', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no task "nosuch"'),
  });
}, 60_000);
