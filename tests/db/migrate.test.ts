import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../db/migrate.ts';
import { addPrompts } from '../../db/prompts.ts';
import { addCheckpoint, createRun } from '../../db/runs.ts';
import { addIteration } from '../../db/iterations.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => database?.drop());

it('can be migrated by many processes at once', async () => {
  await database.db.execute(sql`drop schema public cascade`);
  await database.db.execute(sql`drop schema drizzle cascade`);
  await database.db.execute(sql`create schema public`);
  await Promise.all(Array.from({ length: 5 }, () => migrate(database.url)));
  const { rows } = await database.db.execute(
    sql`select count(*)::int as n from drizzle.__drizzle_migrations`,
  );
  expect(rows[0]!.n).toBeGreaterThanOrEqual(1);
});

it('stores the same thing once, however often it is written', async () => {
  const { db } = database;
  const run = {
    id: 'twice',
    task: 'arithmetic',
    taskSpec: { kind: 'arithmetic' as const },
    settings: improveInputSchema.parse({}),
    codeVersion: 'test',
  };
  const items = [
    { benchmark: 'target', role: 'target' as const, position: 0, key: '1+1', text: '1+1', answer: '2' },
  ];
  const prompts = (iterationId: number) => [
    { iterationId, position: 0, purpose: 'learn' as const, key: '2+2', text: '2+2' },
  ];
  const ids = new Set<number>();
  for (let i = 0; i < 2; i++) {
    await createRun(db, run, items);
    const base = await addCheckpoint(db, { runId: 'twice', iterationIndex: 0, kind: 'base', model: 'm' });
    const iteration = await addIteration(db, {
      runId: 'twice',
      index: 1,
      checkpointId: base.id,
      plan: { seed: i },
    });
    await addPrompts(db, prompts(iteration.id));
    ids.add(base.id).add(iteration.id + 1_000_000);
    // What an iteration was begun with stays.
    expect(iteration.plan).toEqual({ seed: 0 });
  }
  expect(ids.size).toBe(2);
  const { rows } = await db.execute(
    sql`select (select count(*) from benchmark_items)::int as items, (select count(*) from prompts)::int as prompts`,
  );
  expect(rows[0]).toEqual({ items: 1, prompts: 1 });
});
