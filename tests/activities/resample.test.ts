/** Rewrites that missed a trusted answer are asked again, in the very way in which they were asked. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addPage, talk, talker } from '../support/page.ts';
import { createTestDatabase } from '../support/database.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let endpoint: ScriptedEndpoint;

beforeAll(async () => {
  database = await createTestDatabase();
  // Where the prompt has a label before it, the answer is another one.
  endpoint = await startScriptedEndpoint(
    talker({
      answer: (request) =>
        talk(request).replace(/42$/, request.messages.at(-1)!.content.startsWith('Problem:') ? '41' : '42'),
    }),
  );
}, 120_000);
afterAll(async () => {
  await endpoint.close();
  await database.drop();
});

test('with noise around the prompt as well', async () => {
  const { db } = database;
  const page = await addPage(db, {
    url: endpoint.url,
    prompts: 1,
    settings: { sampling: { samples: 8, noise: true, resamples: 2, cache: false } },
  });
  await page.generate();
  await page.vote();
  await new MockActivityEnvironment().run(page.activities.llm.resamplePage, {
    iterationId: page.iterationId,
    first: 0,
    count: 1,
  });
  const { rows } = await db.execute<{ round: number; strategy: string; n: number }>(
    sql`select s.round, s.strategy, count(*)::int as n from samples s join prompts p on p.id = s.prompt_id
      where p.iteration_id = ${page.iterationId} group by 1, 2 order by 1, 2`,
  );
  expect(rows).toEqual([
    ...['plain', 'plain+blank-lines', 'plain+labelled', 'plain+ruled'].map((strategy) => {
      return { round: 1, strategy, n: 2 };
    }),
    { round: 2, strategy: 'plain+labelled', n: 2 },
  ]);
});
