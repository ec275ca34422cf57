/** What an example led to, how a revocation is kept, and that answers stay as small as the question. */
import { and, asc, eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderRemedies } from '../../cli/render/revoke.ts';
import { planRevocation } from '../../app/lineage/revoke.ts';
import { explain } from '../../app/lineage/why.ts';
import type { CheckpointWhy } from '../../app/lineage/types.ts';
import { connect, type Db } from '../../db/connect.ts';
import { earlierExamples, newExamples } from '../../db/queries/examples.ts';
import { ancestorIds, descendantIds, taughtIds } from '../../db/queries/lineage.ts';
import { acceptedKeys } from '../../db/queries/prompts.ts';
import { siblings } from '../../db/queries/revocations.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import * as t from '../../db/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPupil, addSynthetic } from '../support/synthetic-lineage.ts';
import { until } from '../support/wait.ts';
import { addCheckpoint, addIteration, addPool, addRun } from '../cli/fixture.ts';

let db: Db;
let url: string;
let drop: () => Promise<void>;

beforeAll(async () => {
  ({ db, url, drop } = await createTestDatabase());
}, 120_000);
afterAll(() => drop());

const options = { count: 3, from: 0, verify: false };

async function exampleIdsOf(runId: string): Promise<number[]> {
  const rows = await db
    .select({ id: t.examples.id })
    .from(t.examples)
    .where(eq(t.examples.runId, runId))
    .orderBy(asc(t.examples.id));
  return rows.map((row) => row.id);
}

/** The queries that a piece of work makes, and the rows that they bring. */
async function counted<T>(work: () => Promise<T>): Promise<{ result: T; queries: number; rows: number }> {
  const { $client: pool } = db;
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<{ rows: unknown[] }>;
  let [queries, rows] = [0, 0];
  const watched = async (...args: unknown[]) => {
    const answer = await query(...args);
    queries += 1;
    rows += answer.rows.length;
    return answer;
  };
  Object.assign(pool, { query: watched });
  try {
    return { result: await work(), queries, rows };
  } finally {
    Object.assign(pool, { query });
  }
}

describe('the size of an answer', () => {
  test('a checkpoint of 40,000 examples is explained with as few queries and rows as one of 300', async () => {
    const small = await addSynthetic(db, 'small', 300);
    const large = await addSynthetic(db, 'large', 40_000);
    const ask = (id: number) => counted(() => explain(db, { kind: 'checkpoint', id }, options));
    const [few, many] = [await ask(small.checkpointId), await ask(large.checkpointId)];
    // The small dataset is read to compare its digest, the large one is not.
    expect((few.result as CheckpointWhy).training!.dataset.check).toBe('verified');
    expect((many.result as CheckpointWhy).training!.dataset.check).toBe('large');
    expect((many.result as CheckpointWhy).examples).toMatchObject({ total: 40_000, from: 0, next: 3 });
    expect((many.result as CheckpointWhy).counts).toEqual([
      {
        run: 'large',
        iteration: 1,
        kind: 'vote',
        replayed: false,
        generator: large.baseId,
        examples: 40_000,
      },
    ]);
    expect(many.queries).toBeLessThanOrEqual(few.queries);
    expect(many.rows).toBeLessThan(60);

    const last = await explain(
      db,
      { kind: 'checkpoint', id: large.checkpointId },
      { ...options, from: 39_999 },
    );
    expect((last as CheckpointWhy).examples).toMatchObject({
      from: 39_999,
      next: null,
      items: [{ position: 39_999 }],
    });
  }, 240_000);

  test('its digest can be compared all the same, and a changed rationale shows', async () => {
    const { checkpointId } = await addSynthetic(db, 'changed', 2);
    const check = async (verify: boolean) => {
      const why = await explain(db, { kind: 'checkpoint', id: checkpointId }, { ...options, verify });
      return (why as CheckpointWhy).training!.dataset.check;
    };
    expect(await check(true)).toBe('verified');
    const [example] = await exampleIdsOf('changed');
    await db.execute(sql`update samples set rationale = 'other' where id = (select sample_id from examples
      where id = ${example!})`);
    expect(await check(false)).toBe('differs');
  });

  test('from an example to its datasets goes by index', async () => {
    const [example] = await exampleIdsOf('large');
    const { rows } = await db.execute<{ 'QUERY PLAN': string }>(
      sql`explain select * from dataset_examples m join examples e on e.id = m.example_id
          join samples s on s.id = e.sample_id where m.example_id = ${sql.raw(String(example))}`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('dataset_examples_example_id_index');
    expect(plan).not.toContain('Seq Scan');
  });
});

test('lineage goes up to the base and down to every descendant, across runs', async () => {
  const first = await addSynthetic(db, 'first', 4);
  const ids = await exampleIdsOf('first');
  // A later run begins at the adapter of the first, and trains it on.
  await addRun(db, 'second', { start: 'promoted' });
  const [start] = await db
    .insert(t.checkpoints)
    .values({
      runId: 'second',
      iterationIndex: 0,
      kind: 'adapter',
      model: 'ft:builtin:first',
      parentId: first.checkpointId,
    })
    .returning();
  const child = await addPupil(db, {
    runId: 'second',
    index: 1,
    parentId: start!.id,
    generatorId: start!.id,
    exampleIds: [ids[1]!],
  });
  // Trained anew from the base, but on what the second run's start wrote.
  const [written] = await (async () => {
    await addPool(db, 'second', child.iterationId, start!.id, [
      { text: '1+1', answer: '2', agreement: 1, accepted: 'vote' },
    ]);
    return exampleIdsOf('second');
  })();
  const pupil = await addPupil(db, {
    runId: 'second',
    index: 2,
    parentId: first.baseId,
    generatorId: first.baseId,
    exampleIds: [written!],
  });

  expect(await ancestorIds(db, child.id)).toEqual([child.id, start!.id, first.checkpointId, first.baseId]);
  const touched = [first.checkpointId, start!.id, child.id];
  expect(await descendantIds(db, [first.checkpointId])).toEqual(touched);
  expect(await taughtIds(db, touched)).toEqual([pupil.id]);

  const plan = await planRevocation(db, [ids[0]!]);
  expect(plan.touched.map(({ id, how }) => [id, how])).toEqual([
    [first.checkpointId, 'trained on it'],
    [start!.id, 'descends'],
    [child.id, 'descends'],
  ]);
  expect(plan.taught.map((one) => one.id)).toEqual([pupil.id]);
  expect(plan.remedies.find((one) => one.run === 'first')).toMatchObject({
    touchedBest: { id: first.checkpointId },
    resetTo: { id: first.baseId },
  });
  // The second run has no decision, so its best is where it began, and nothing in it lies before that.
  expect(plan.remedies.find((one) => one.run === 'second')).toMatchObject({
    touchedBest: { id: start!.id },
    resetTo: null,
  });
  const advice = renderRemedies(plan);
  expect(advice).toContain(`ratchet reset first --to ${first.baseId}`);
  expect(advice).not.toContain('ratchet resume first');
  expect(advice).toMatch(/It began at a touched adapter[\s\S]*ratchet run arithmetic --set start=base/);
  // What was taken over was trained elsewhere, and is explained from there.
  const why = (await explain(db, { kind: 'checkpoint', id: start!.id }, options)) as CheckpointWhy;
  expect(why.training).toMatchObject({ checkpoint: first.checkpointId, run: { id: 'first' } });
  expect(why.examples.total).toBe(4);
});

describe('a revoked example', () => {
  let fresh: number;
  let later: number;
  let ids: number[];

  beforeAll(async () => {
    await addRun(db, 'wrong');
    const base = await addCheckpoint(db, 'wrong', 0, { target: 4 });
    fresh = await addIteration(db, 'wrong', 1, base.id);
    // Two examples of each accepted prompt.
    await addPool(db, 'wrong', fresh, base.id, [
      { text: '1234+1', answer: '1235', agreement: 1, accepted: 'vote' },
      { text: '1234+2', answer: '9999', agreement: 1, accepted: 'vote' },
    ]);
    later = await addIteration(db, 'wrong', 2, base.id);
    await db.execute(sql`update samples s set rationale = rationale || index from prompts p
      where p.id = s.prompt_id and p.iteration_id = ${fresh}`);
    ids = await exampleIdsOf('wrong');
  });

  test('is kept out of fresh, replayed and base-retraining sets, and its prompt may be learnt again', async () => {
    const [good, alsoGood, wrong, alsoWrong] = ids as [number, number, number, number];
    const key = `${fresh}-1`;
    expect(await siblings(db, [wrong])).toEqual([alsoWrong]);
    await addRevocations(db, [wrong], { reason: 'not a sum', by: 'me' });
    expect((await newExamples(db, fresh, new Set())).ids).toEqual([good, alsoGood, alsoWrong]);
    expect((await earlierExamples(db, 'wrong', 2, new Set())).map(({ id }) => id)).toEqual([
      good,
      alsoGood,
      alsoWrong,
    ]);
    // The other example of the prompt still counts.
    expect(await acceptedKeys(db, 'wrong')).toContain(key);
    expect(await addRevocations(db, [wrong, alsoWrong], { reason: 'again', by: 'you' })).toEqual([alsoWrong]);
    expect(await acceptedKeys(db, 'wrong')).toEqual(new Set([`${fresh}-0`]));
    expect((await newExamples(db, fresh, new Set())).learnt).toHaveLength(2);
    const kept = await db.query.revocations.findFirst({ where: eq(t.revocations.exampleId, wrong) });
    expect(kept).toMatchObject({ reason: 'not a sum', by: 'me' });
  });

  test('stays out under another id, when an equal draw brings it back', async () => {
    const base = await db.query.checkpoints.findFirst({ where: eq(t.checkpoints.runId, 'wrong') });
    await addPool(db, 'wrong', later, base!.id, [
      { text: '1234+2', answer: '9999', agreement: 1, accepted: 'vote' },
    ]);
    const [same, other] = (await exampleIdsOf('wrong')).slice(4) as [number, number];
    await db.execute(sql`update samples set rationale = rationale || index where id in (select sample_id from examples
      where id = ${same})`);
    expect((await newExamples(db, later, new Set())).ids).toEqual([other]);
  });

  test('is refused by the database, whoever inserts it', async () => {
    const [dataset] = await db
      .insert(t.datasets)
      .values({ iterationId: later, digest: 'd', examples: 2, bytes: 1 })
      .returning();
    const rows = [ids[0]!, ids[2]!].map((exampleId, position) => ({
      datasetId: dataset!.id,
      position,
      exampleId,
      replayed: false,
    }));
    await expect(db.insert(t.datasetExamples).values(rows)).rejects.toMatchObject({
      cause: { message: `example ${ids[2]} is revoked: it may be in no dataset any more` },
    });
    expect(
      await db.select().from(t.datasetExamples).where(eq(t.datasetExamples.datasetId, dataset!.id)),
    ).toEqual([]);
    await db.insert(t.datasetExamples).values(rows.slice(0, 1));
  });

  test('is stored with all others that are named, or not at all', async () => {
    const before = await db.$count(t.revocations);
    await expect(addRevocations(db, [ids[0]!, 123_456_789], { reason: 'r', by: 'b' })).rejects.toThrow(
      'There is no example 123456789. Nothing was revoked.',
    );
    expect(await db.$count(t.revocations)).toBe(before);
    await expect(planRevocation(db, [ids[0]!, 123_456_789])).rejects.toThrow('example:123456789');
  });

  /** Sessions that wait for a lock. */
  const waiting = async () => {
    const { rows } = await db.execute<{ n: number }>(
      sql`select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]!.n;
  };

  test('can not slip into a dataset that is stored at the same time', async () => {
    const id = ids[1]!;
    const other = connect(url, 2);
    try {
      const dataset = await db.query.datasets.findFirst({ where: eq(t.datasets.iterationId, later) });
      const row = { datasetId: dataset!.id, position: 1, exampleId: id, replayed: false };
      const client = await other.$client.connect();
      await client.query('begin');
      await client.query('select 1 from examples where id = $1 for update', [id]);
      await client.query(`insert into revocations (example_id, reason, "by") values ($1, 'late', 'me')`, [
        id,
      ]);
      const inserting = db
        .insert(t.datasetExamples)
        .values(row)
        .then(
          () => 'stored',
          (error: Error) => (error.cause as Error).message,
        );
      await until('the insert to wait', async () => (await waiting()) > 0);
      await client.query('commit');
      client.release();
      expect(await inserting).toContain('is revoked');
    } finally {
      await other.$client.end();
    }
  });

  test('waits for a dataset under way, and then knows of it', async () => {
    const id = ids[0]!;
    const other = connect(url, 2);
    try {
      const dataset = await db.query.datasets.findFirst({ where: eq(t.datasets.iterationId, later) });
      const client = await other.$client.connect();
      await client.query('begin');
      await client.query('insert into dataset_examples values ($1, 7, $2, false)', [dataset!.id, id]);
      const revoking = addRevocations(db, [id], { reason: 'r', by: 'b' });
      await until('the revocation to wait', async () => (await waiting()) > 0);
      await client.query('commit');
      client.release();
      expect(await revoking).toEqual([id]);
      const plan = await planRevocation(db, [id]);
      expect(plan.datasets.map((one) => one.position)).toEqual([0, 7]);
      expect(plan.remedies).toMatchObject([{ run: 'wrong', touchedBest: null, underWay: [2] }]);
      expect(renderRemedies({ ...plan, remedies: [{ ...plan.remedies[0]!, status: 'running' }] })).toContain(
        'ratchet skip wrong',
      );
      const members = and(eq(t.datasetExamples.datasetId, dataset!.id), eq(t.datasetExamples.exampleId, id));
      expect(await db.$count(t.datasetExamples, members)).toBe(2);
    } finally {
      await other.$client.end();
    }
  });
});
