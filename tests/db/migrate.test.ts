import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { migrate as migrateFrom } from 'drizzle-orm/node-postgres/migrator';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../db/migrate.ts';
import { addPrompts } from '../../db/queries/prompts.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { addIteration } from '../../db/queries/iterations.ts';
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

it('tells whose the samples of earlier versions are', async () => {
  const { db, url } = database;
  await db.execute(sql`drop schema public cascade`);
  await db.execute(sql`drop schema drizzle cascade`);
  await db.execute(sql`create schema public`);
  // As it was before samples had an origin.
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-migrations-'));
  cpSync(new URL('../../db/migrations', import.meta.url), folder, { recursive: true });
  const journal = join(folder, 'meta', '_journal.json');
  const all = JSON.parse(readFileSync(journal, 'utf8')) as { entries: { idx: number }[] };
  const entries = all.entries.filter(({ idx }) => idx < 20);
  writeFileSync(journal, JSON.stringify({ ...all, entries }));
  await migrateFrom(db, { migrationsFolder: folder });
  rmSync(folder, { recursive: true });
  await db.execute(sql`
    with r as (insert into runs (id, task, task_spec, settings, code_version) values ('r', 't', '{}', '{}', 'x') returning id),
      c as (insert into checkpoints (run_id, iteration_index, kind, model) select id, 0, 'base', 'm' from r returning id),
      i as (insert into iterations (run_id, index, checkpoint_id, plan) select 'r', 1, id, '{}' from c returning id),
      p as (insert into prompts (iteration_id, position, purpose, key, text) select id, 0, 'learn', 'k', 'k' from i returning id),
      m as (insert into model_calls (run_id, stage, role, model, latency_ms) select id, 's', 'r', 'm', 1 from r returning id)
    insert into samples (prompt_id, round, index, checkpoint_id, call_id, rewrite, strategy, request, rationale,
      format_ok, format_reason, coherence_ok, coherence_reason, finish_reason, completion_tokens, seed)
    select p.id, old.round, 0, c.id, m.id, '', '', '', '', true, '', true, '', 'stop', 1, 1
    from p, c, m, (values (-1), (0), (1), (2)) old(round)`);
  await migrate(url);
  const { rows } = await db.execute(sql`select origin, round from samples order by id`);
  expect(rows).toEqual([
    { origin: 'person', round: 0 },
    { origin: 'planted', round: 0 },
    { origin: 'model', round: 1 },
    { origin: 'model', round: 2 },
  ]);
});
