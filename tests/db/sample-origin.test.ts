/** Answers that people gave are nobody's samples but their own, whichever face counts. */
import { and, eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportLines } from '../../app/exports/export.ts';
import { explain } from '../../app/lineage/why.ts';
import type { PromptWhy } from '../../app/lineage/types.ts';
import { buildReport } from '../../app/report/report.ts';
import { readIteration } from '../../app/runs/progress.ts';
import { gateTable, samplesPage, siblings } from '../../db/queries/browse.ts';
import { addGivenExamples, takeInGiven } from '../../db/queries/outside.ts';
import { getRun } from '../../db/queries/runs.ts';
import * as t from '../../db/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { addExportRun, asked } from '../support/exports.ts';
import { longAddition } from '../support/scripted-adder.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let iterationId: number;
let promptId: number;

/** A prompt with an accepted and a rejected sample and one asked again; a person answered it too, and a problem of his own. */
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const request = asked('1234+1111');
  const added = await addExportRun(db, 'r', [
    {
      text: '1234+1111',
      truth: '2345',
      samples: [
        { request, answer: '2345', outcome: 'accepted' },
        { request, answer: '9', rationale: 'drawn and wrong', outcome: 'failed' },
        { request: asked('1234+1111', 1), answer: '2345', outcome: 'accepted', round: 2 },
      ],
    },
  ]);
  iterationId = added.iterationId;
  const given = (key: string, answer: string) => ({
    task: 'arithmetic',
    key,
    text: asked(key),
    rationale: `By hand. ${longAddition(asked(key))}`,
    answer,
    source: 'import' as const,
    origin: 'file, line 1',
    by: 'ada',
  });
  await addGivenExamples(db, [given('1234+1111', '2345'), given('5+6', '11')]);
  const taken = { runId: 'r', iterationId, checkpointId: added.base.id, task: 'arithmetic' };
  expect(await takeInGiven(db, taken)).toBe(2);
  // A reviewer turned one of them down: as an answer of the model it would now be the best to reject.
  const [theirs] = await db
    .select({ id: t.samples.id, promptId: t.samples.promptId })
    .from(t.samples)
    .innerJoin(t.prompts, eq(t.prompts.id, t.samples.promptId))
    .where(and(eq(t.samples.origin, 'person'), eq(t.prompts.key, '1234+1111')));
  promptId = theirs!.promptId;
  await db
    .update(t.verdicts)
    .set({ outcome: 'fail' })
    .where(and(eq(t.verdicts.sampleId, theirs!.id), eq(t.verdicts.gate, 'human')));
}, 120_000);
afterAll(() => database?.drop());

test('the report counts the samples of the model', async () => {
  const [iteration] = (await buildReport(database.db, 'r')).iterations;
  expect(iteration).toMatchObject({ samples: 3, resampled: 1 });
  expect(iteration!.gates.map(({ gate }) => gate)).toEqual(['agreement', 'critique']);
});

test('so do the page, its table of gates, and the list beside a sample', async () => {
  const { db } = database;
  expect((await samplesPage(db, iterationId, {}, 10)).rows.map(({ round }) => round)).toEqual([1, 1, 2]);
  expect((await gateTable(db, iterationId)).map(({ gate }) => gate)).toEqual(['agreement', 'critique']);
  expect(await siblings(db, promptId, 10, 10)).toHaveLength(3);
});

test('and watch', async () => {
  const stages = await readIteration(database.db, await getRun(database.db, 'r'), iterationId);
  expect(stages.find(({ name }) => name === 'generate')!.done).toBe(2);
  expect(stages.find(({ name }) => name === 'filter')!.total).toBe(3);
});

test('and an export, which never rejects what a person gave', async () => {
  const pairs: unknown[] = [];
  const sink = {
    write: async (rows: unknown[]) => void pairs.push(...rows),
    written: () => ({ rows: 0, bytes: 0, sha256: '' }),
  };
  await exportLines(database.db, 'r', { format: 'trl-preference' }, sink as never);
  // Two accepted, and one to reject: what the person gave is no second.
  expect(pairs).toHaveLength(1);
  expect(JSON.stringify(pairs)).toContain('drawn and wrong');
});

test('why tells them apart', async () => {
  const why = (await explain(
    database.db,
    { kind: 'prompt', id: promptId },
    { count: 10, from: 0, verify: false },
  )) as PromptWhy;
  expect(why.total).toBe(3);
  expect(why.samples.map(({ sample }) => [sample.origin, sample.round])).toEqual([
    ['model', 1],
    ['model', 1],
    ['model', 2],
  ]);
  expect(why.given.map(({ sample, asked: by }) => [sample.origin, by])).toEqual([
    ['person', 'no model was asked: a person wrote it'],
  ]);
});

test('an origin is for good, and only what was drawn has a round', async () => {
  const refusal = (query: Parameters<typeof database.db.execute>[0]) =>
    database.db.execute(query).then(
      () => 'taken',
      (error: { cause: Error }) => error.cause.message,
    );
  expect(await refusal(sql`update samples set origin = 'model', round = 1 where origin = 'person'`)).toMatch(
    /of the origin person for good/,
  );
  expect(await refusal(sql`update samples set round = 1 where origin = 'person'`)).toMatch(/samples_drawn/);
  expect(await refusal(sql`update samples set round = 0 where origin = 'model'`)).toMatch(/samples_drawn/);
});

test('what a worker of the version before stores has its origin by its round', async () => {
  const { rows } = await database.db.execute(sql`
    insert into samples (prompt_id, round, index, checkpoint_id, call_id, rewrite, strategy, request, rationale,
      format_ok, format_reason, coherence_ok, coherence_reason, finish_reason, completion_tokens, seed)
    select prompt_id, old.round, 90, checkpoint_id, call_id, rewrite, strategy, request, rationale,
      format_ok, format_reason, coherence_ok, coherence_reason, finish_reason, completion_tokens, seed
    from (select * from samples where origin = 'model' limit 1) s, (values (-1), (0), (1)) old(round)
    returning origin, round`);
  expect(rows).toEqual([
    { origin: 'person', round: 0 },
    { origin: 'planted', round: 0 },
    { origin: 'model', round: 1 },
  ]);
});
