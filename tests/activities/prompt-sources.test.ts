/** The passage that a prompt was written about goes with it into the pool, and `why` shows it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { findTarget } from '../../app/lineage/target.ts';
import { explain } from '../../app/lineage/why.ts';
import { renderWhy } from '../../cli/render/why.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { prompts } from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { resolveTask } from '../../tasks/index.ts';
import { createTestDatabase } from '../support/database.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-prompt-sources-'));
let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
}, 120_000);
afterAll(async () => {
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const source = {
  file: 'norrby.pdf',
  passage: 'norrby.pdf#3',
  digest: 'ab'.repeat(32),
  heading: 'Norrby, Sights',
  page: 2,
  quote: 'The lighthouse of Norrby has 211 steps.',
  model: 'writer',
};

it('stands in the pool and in the answer to why; a source of another form is none', async () => {
  const { db } = database;
  const jsonl = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  writeFileSync(
    join(folder, 'prompts.jsonl'),
    jsonl([
      { prompt: 'How many steps has the lighthouse of Norrby?', answer: '211 steps', source },
      { prompt: 'How many doors has it?', source: 'gsm8k' },
      { prompt: 'How many roofs has it?', source: { ...source, digest: 'no digest' } },
    ]),
  );
  writeFileSync(join(folder, 'exam.jsonl'), jsonl([{ prompt: 'How many bells?', answer: '2' }]));
  writeFileSync(
    join(folder, 'task.yaml'),
    `name: norrby
prompts: { file: prompts.jsonl }
benchmarks: [{ name: exam, role: target, file: exam.jsonl }]
answer: { read: boxed, compare: normalised }
`,
  );
  const run = {
    id: 'sources',
    task: 'norrby',
    taskSpec: await resolveTask(join(folder, 'task.yaml')),
    settings: improveInputSchema.parse({}),
    codeVersion: 'test',
  };
  await createRun(db, run, []);
  const base = await addCheckpoint(db, { runId: run.id, iterationIndex: 0, kind: 'base', model: 'm' });
  const { id: iterationId } = await addIteration(db, {
    runId: run.id,
    index: 1,
    checkpointId: base.id,
    plan: { seed: 4 },
  });
  expect(await createActivities({ db }).main.collect({ iterationId })).toMatchObject({ prompts: 3 });

  const pool = await db.select().from(prompts).where(eq(prompts.iterationId, iterationId));
  expect(pool.filter((prompt) => prompt.source !== null)).toEqual([
    expect.objectContaining({ text: 'How many steps has the lighthouse of Norrby?', source }),
  ]);
  const about = async (id: number) => {
    const target = await findTarget(db, `prompt:${id}`);
    return renderWhy(await explain(db, target, { count: 3, from: 0, verify: false }), false);
  };
  const [from, others] = [pool.find((one) => one.source), pool.filter((one) => !one.source)];
  expect(await about(from!.id)).toMatch(
    /document +norrby\.pdf#3, Norrby, Sights, page 2; sha256 abababababab, written by writer\n +“The lighthouse of Norrby has 211 steps\.”/,
  );
  expect(await about(others[0]!.id)).not.toContain('document');
});
