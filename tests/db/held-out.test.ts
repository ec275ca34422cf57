import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { heldOutProblems } from '../../db/queries/leaks.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase();
}, 120_000);
afterAll(async () => {
  await database?.drop();
});

it('gives held-out problems in one order, wherever the database keeps them', async () => {
  const { db } = database;
  await db.execute(
    sql`insert into runs (id, task, task_spec, settings, code_version) values ('r', 't', '{}', '{}', 'x')`,
  );
  for (const position of [7, 3, 9, 1, 0, 8, 2, 6, 4, 5])
    for (const benchmark of ['target', 'guard'])
      await db.execute(sql`insert into benchmark_items (run_id, benchmark, role, position, key, text, answer)
        values ('r', ${benchmark}, ${benchmark}, ${position}, ${`${benchmark} ${position}`}, 'text', '1')`);
  const keys = async () => (await heldOutProblems(db, 'r')).map(({ key }) => key);
  const before = await keys();
  expect(before).toEqual(
    ['guard', 'target'].flatMap((benchmark) => Array.from({ length: 10 }, (_, i) => `${benchmark} ${i}`)),
  );
  // A row that is changed moves: which problem the check at a start asked, and which leak was named, differed between runs.
  await db.execute(sql`update benchmark_items set text = 'other' where position < 4`);
  expect(await keys()).toEqual(before);
});
