/** Stored prompts were two tables once. What a database of that time holds is carried over. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../db/migrate.ts';
import { storePrompt, storedPromptPages } from '../../db/queries/outside.ts';
import { createTestDatabase } from '../support/database.ts';

const BEFORE = 'one-pool';
let database: Awaited<ReturnType<typeof createTestDatabase>>;
const folder = mkdtempSync(join(tmpdir(), 'ratchet-migrations-'));

type Journal = { entries: { tag: string }[] };

/** The schema as it was before a migration. */
async function migrateUpTo(name: string): Promise<void> {
  cpSync('db/migrations', folder, { recursive: true });
  const file = join(folder, 'meta', '_journal.json');
  const journal = JSON.parse(readFileSync(file, 'utf8')) as Journal;
  const at = journal.entries.findIndex(({ tag }) => tag.endsWith(name));
  expect(at).toBeGreaterThan(0);
  writeFileSync(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, at) }));
  await runMigrations(database.db, { migrationsFolder: folder });
}

const rows = async <T extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
  (await database.db.execute<T>(query)).rows;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  for (const schema of ['public', 'drizzle']) await db.execute(sql.raw(`drop schema ${schema} cascade`));
  await db.execute(sql`create schema public`);
  await migrateUpTo(BEFORE);
  const settings = (pool: object) => sql`${JSON.stringify({ seed: 1, pool })}::jsonb`;
  await db.execute(sql`insert into runs (id, task, task_spec, settings, code_version) values
    ('drew', 'sums', '{}', ${settings({ prompts: 8, source: 'gateway', unused: true })}, 'test'),
    ('drew-not', 'sums', '{}', ${settings({ prompts: 8, source: 'task', stored: 'off' })}, 'test')`);
  await db.execute(
    sql`insert into checkpoints (run_id, iteration_index, kind, model) values ('drew', 0, 'base', 'm')`,
  );
  await db.execute(
    sql`insert into iterations (run_id, index, checkpoint_id, plan) values ('drew', 1, 1, '{"seed": 1}')`,
  );
  await db.execute(sql`insert into stored_prompts (task, key, text, source, origin) values
    ('sums', '1+1', '1+1', 'import', 'a.jsonl, line 1'), ('sums', '9+9', '9+9', 'import', 'a.jsonl, line 2')`);
  await db.execute(sql`insert into gateway_prompts (task, key_digest, key, text, level) values
    ('sums', 'a', '2+2', '2+2', 1), ('sums', 'b', '1+1', '1+1', 1), ('sums', 'c', '3+3', '3+3', 1), ('words', 'd', '2+2', '2+2', null)`);
  await db.execute(sql`insert into gateway_completions (id, task, checkpoint_id, streamed, outcome, latency_ms, prompt_id) values
    ('first', 'sums', 1, false, 'completed', 1, 1), ('second', 'sums', 1, false, 'completed', 1, 2),
    ('third', 'sums', 1, false, 'completed', 1, 1), ('silent', 'sums', 1, false, 'completed', 1, null),
    ('other', 'words', 1, false, 'completed', 1, 4)`);
  await db.execute(sql`insert into gateway_feedback (completion_id, task, choice, prompt_id, correction, answer, use, by, digest)
    values ('silent', 'sums', 0, 3, '6', '6', 'example', 'ada', 'x')`);
  await db.execute(sql`insert into prompts (iteration_id, position, purpose, key, text, gateway_prompt_id, feedback_id) values
    (1, 0, 'learn', '3+3', '3+3', 3, 1), (1, 1, 'learn', '1+1', '1+1', 2, null), (1, 2, 'learn', '5+5', '5+5', null, null)`);
  await migrate(database.url);
}, 60_000);
afterAll(async () => {
  await database?.drop();
  rmSync(folder, { recursive: true });
});

test('every stored prompt is in the one table, with its source, each problem of a task once', async () => {
  const found = await rows(sql`select task, key, level, source, origin from stored_prompts order by id`);
  expect(found).toEqual([
    { task: 'sums', key: '1+1', level: null, source: 'import', origin: 'a.jsonl, line 1' },
    { task: 'sums', key: '9+9', level: null, source: 'import', origin: 'a.jsonl, line 2' },
    { task: 'sums', key: '2+2', level: 1, source: 'gateway', origin: 'first' },
    { task: 'sums', key: '3+3', level: 1, source: 'gateway', origin: 'silent' },
    { task: 'words', key: '2+2', level: null, source: 'gateway', origin: 'other' },
  ]);
});

test('what pointed at a stored prompt points at it still', async () => {
  const of = (table: string, name: string) =>
    rows<{ name: string; key: string | null; task: string | null }>(
      sql.raw(
        `select t.${name} as name, s.key, s.task from ${table} t left join stored_prompts s on s.id = t.stored_prompt_id order by t.id`,
      ),
    );
  const completions = await of('gateway_completions', 'id');
  expect(Object.fromEntries(completions.map((one) => [one.name, [one.task, one.key]]))).toEqual({
    first: ['sums', '2+2'],
    second: ['sums', '1+1'],
    third: ['sums', '2+2'],
    silent: [null, null],
    other: ['words', '2+2'],
  });
  expect(await of('gateway_feedback', 'answer')).toEqual([{ name: '6', key: '3+3', task: 'sums' }]);
  expect((await of('prompts', 'key')).map((one) => [one.name, one.key])).toEqual([
    ['3+3', '3+3'],
    ['1+1', '1+1'],
    ['5+5', null],
  ]);
});

test('a run that drew from the gateway goes on with what is stored; others keep what they said', async () => {
  const settings = await rows(sql`select id, settings->'pool' as pool from runs order by id`);
  expect(settings).toEqual([
    { id: 'drew', pool: { prompts: 8, stored: 'only', unused: true } },
    { id: 'drew-not', pool: { prompts: 8, stored: 'off' } },
  ]);
});

test('a problem that is stored is found, whoever sends it next', async () => {
  const sent = { task: 'sums', key: '1+1', text: '1+1', source: 'gateway', origin: 'fourth' } as const;
  const id = await storePrompt(database.db, sent);
  const stored = [];
  for await (const page of storedPromptPages(database.db, 'sums', 2)) stored.push(...page);
  expect(stored.map((one) => one.key)).toEqual(['1+1', '9+9', '2+2', '3+3']);
  expect(stored[0]).toMatchObject({ id, source: 'import' });
});
