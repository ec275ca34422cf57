import type { DecisionKind } from '../../loop/words.ts';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { historyRows, recentRows } from '../../db/queries/history.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { decisions, examples, iterations, modelCalls, prompts, samples } from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { resolveTask } from '../../tasks/index.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
}, 120_000);
afterAll(() => database?.drop());

/** A run whose iterations were decided as given; those in `learnt` accepted one example each. */
async function runOf(id: string, kinds: DecisionKind[], learnt: number[]): Promise<void> {
  const { db } = database;
  const settings = improveInputSchema.parse({});
  const taskSpec = await resolveTask('arithmetic', { quick: true });
  await createRun(db, { id, task: 'arithmetic', taskSpec, settings, codeVersion: 'test' }, []);
  const base = await addCheckpoint(db, { runId: id, iterationIndex: 0, kind: 'base', model: 'm' });
  for (const [i, kind] of kinds.entries()) {
    const index = i + 1;
    const [iteration] = await db
      .insert(iterations)
      .values({ runId: id, index, checkpointId: base.id, plan: { seed: 1 } })
      .returning();
    const iterationId = iteration!.id;
    await db.insert(decisions).values({ iterationId, kind, bestId: base.id, reason: '', numbers: {} });
    if (!learnt.includes(index)) continue;
    const [call] = await db
      .insert(modelCalls)
      .values({ runId: id, iterationId, stage: 'generate', role: 'generator', model: 'm', latencyMs: 1 })
      .returning();
    const [prompt] = await db
      .insert(prompts)
      .values({ iterationId, position: 0, purpose: 'learn', key: `${id}/${index}`, text: 'x' })
      .returning();
    const good = { formatOk: true, formatReason: '', coherenceOk: true, coherenceReason: '' };
    const [sample] = await db
      .insert(samples)
      .values({
        promptId: prompt!.id,
        round: 1,
        index: 0,
        checkpointId: base.id,
        callId: call!.id,
        rewrite: 'as-is',
        strategy: 'plain',
        request: 'x',
        rationale: 'y',
        answer: '1',
        finishReason: 'stop',
        completionTokens: 10 * index,
        seed: 1,
        ...good,
      })
      .returning();
    await db.insert(examples).values({
      runId: id,
      iterationId,
      promptId: prompt!.id,
      sampleId: sample!.id,
      kind: 'vote',
      answer: '1',
    });
  }
}

const indexes = (rows: { index: number }[]) => rows.map((row) => row.index);

it('reads the newest iterations that were not given up, and the first that accepted anything', async () => {
  const { db } = database;
  await runOf(
    'history',
    ['nothing-to-train', 'discard', 'discard', 'promote', 'skip', 'skip', 'discard', 'skip'],
    [2, 4, 7],
  );
  expect(indexes(await recentRows(db, 'history', 1))).toEqual([2, 7, 8]);
  expect(indexes(await recentRows(db, 'history', 2))).toEqual([2, 4, 5, 6, 7, 8]);
  expect(indexes(await recentRows(db, 'history', 50))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  // The rows are those of the whole history.
  const all = await historyRows(db, 'history');
  expect(await recentRows(db, 'history', 1)).toEqual([all[1], all[6], all[7]]);
  expect(all[6]).toMatchObject({ prompts: 1, accepted: 1, rationaleTokens: 70, decision: 'discard' });
  expect(indexes(await historyRows(db, 'history', 7))).toEqual([7, 8]);
});

it('has no rows where nothing is decided', async () => {
  await runOf('fresh', [], []);
  expect(await recentRows(database.db, 'fresh', 3)).toEqual([]);
});

it('names a number of a decision that is none, and keeps what nobody asks for', async () => {
  await runOf('odd', ['promote'], []);
  const { db } = database;
  const store = (numbers: unknown) =>
    db.execute(sql`update decisions set numbers = ${JSON.stringify(numbers)}::jsonb
      where iteration_id in (select id from iterations where run_id = 'odd')`);
  await store({ roi: 2, pValue: null, settings: { alpha: 0.05 } });
  expect((await historyRows(db, 'odd', 1))[0]).toMatchObject({ roi: 2, pValue: undefined });
  const [row] = await db
    .select({ numbers: decisions.numbers })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .where(eq(iterations.runId, 'odd'));
  expect(row!.numbers).toEqual({ roi: 2, pValue: null, settings: { alpha: 0.05 } });
  await store({ guards: [{ name: 'g', fall: '0.1', margin: 0.03 }] });
  await expect(historyRows(db, 'odd', 1)).rejects.toThrow(/decisions\.numbers\.guards\.0\.fall/);
});
