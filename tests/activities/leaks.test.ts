/** No held-out problem reaches a training set: dropped when it is drawn, and again before it is trained on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { datasetText } from '../../activities/adapt/dataset.ts';
import { addCalls } from '../../db/queries/calls.ts';
import type { Db } from '../../db/connect.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { addStoredPrompts } from '../../db/queries/outside.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { examples, leaks, prompts, samples } from '../../db/schema.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { keyOf } from '../../tasks/file/rows.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  folder = mkdtempSync(join(tmpdir(), 'ratchet-leaks-'));
}, 120_000);

afterAll(async () => {
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const THINGS = [
  'apples',
  'kites',
  'boats',
  'lamps',
  'drums',
  'tents',
  'ropes',
  'bells',
  'rugs',
  'pens',
  'cups',
  'hats',
];
const PLACES = [
  'harbour',
  'market',
  'school',
  'station',
  'theatre',
  'garden',
  'museum',
  'bakery',
  'library',
  'circus',
];

/** 120 problems that share a few words only. */
const question = (i: number) => {
  const [thing, place] = [THINGS[i % 12]!, PLACES[Math.floor(i / 12) % 10]!];
  return `Number ${i}: the ${place} keeper stores ${3 * i + 1} ${thing} behind its ${place} wall, gives ${i} ${thing} to every ${thing} lover and loses ${i + 7}; what remains of these ${thing}?`;
};
/** One word is another. */
const edited = (i: number) => question(i).replace('remains', 'is left');

let runs = 0;

/** A run whose prompts file has `all` lines, with these held-out texts. */
async function addRun(all: string[], heldOut: string[], settings: ImproveInput = {}, name = 'stores') {
  const runId = `leaks-${++runs}`;
  const path = (name: string) => join(folder, `${runId}-${name}`);
  const jsonl = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  writeFileSync(path('prompts.jsonl'), jsonl(all.map((prompt) => ({ prompt }))));
  writeFileSync(path('exam.jsonl'), jsonl(heldOut.map((prompt) => ({ prompt, answer: '1' }))));
  writeFileSync(
    path('task.yaml'),
    `name: ${name}
prompts: { file: ${runId}-prompts.jsonl }
benchmarks: [{ name: exam, role: target, file: ${runId}-exam.jsonl }]
answer: { read: hash }
`,
  );
  const taskSpec = await resolveTask(path('task.yaml'));
  const task = loadTask(taskSpec);
  const items = [];
  for await (const item of task.benchmarks[0]!.items()) {
    items.push({ ...item, benchmark: 'exam', role: 'target' as const, position: items.length });
  }
  await createRun(
    db,
    {
      id: runId,
      task: name,
      taskSpec,
      settings: improveInputSchema.parse(settings),
      codeVersion: 'test',
    },
    items,
  );
  const base = await addCheckpoint(db, { runId, iterationIndex: 0, kind: 'base', model: 'm' });
  const { id: iterationId } = await addIteration(db, {
    runId,
    index: 1,
    checkpointId: base.id,
    plan: { seed: 4 },
  });
  const { main } = createActivities({ db });
  const stored = () =>
    db.select().from(leaks).where(eq(leaks.iterationId, iterationId)).orderBy(asc(leaks.position));
  const pool = () =>
    db.select().from(prompts).where(eq(prompts.iterationId, iterationId)).orderBy(asc(prompts.position));

  /** An accepted example for each prompt of the pool. */
  async function accept(request: (text: string) => string = (text) => text) {
    const call = { runId, iterationId, stage: 'generate', role: 'generator', model: 'm', latencyMs: 1 };
    const [callId] = await addCalls(db, [call]);
    const ids: number[] = [];
    for (const prompt of await pool()) {
      const [sample] = await db
        .insert(samples)
        .values({
          promptId: prompt.id,
          round: 1,
          index: 0,
          checkpointId: base.id,
          callId: callId!,
          rewrite: 'as-is',
          strategy: 'plain',
          request: request(prompt.text),
          rationale: 'So it is one.\n#### 1',
          answer: '1',
          formatOk: true,
          formatReason: '',
          coherenceOk: true,
          coherenceReason: '',
          finishReason: 'stop',
          completionTokens: 5,
          seed: 1,
        })
        .returning();
      const [example] = await db
        .insert(examples)
        .values({ runId, iterationId, promptId: prompt.id, sampleId: sample!.id, kind: 'vote', answer: '1' })
        .returning();
      ids.push(example!.id);
    }
    return ids;
  }
  return {
    runId,
    iterationId,
    task,
    collect: () => main.collect({ iterationId }),
    main,
    stored,
    pool,
    accept,
  };
}

const all = Array.from({ length: 120 }, (_, i) => question(i));

describe('when prompts are collected', () => {
  it('near copies of held-out problems are dropped, counted, stored and replaced', async () => {
    const run = await addRun(all, [edited(3), edited(50), edited(51), edited(77)], {
      pool: { prompts: 116 },
    });
    expect(await run.collect()).toEqual({ prompts: 116, rehearsal: 0, leaked: 4 });
    const texts = (await run.pool()).map(({ text }) => text);
    expect(new Set(texts).size).toBe(116);
    for (const i of [3, 50, 51, 77]) expect(texts).not.toContain(question(i));
    const stored = await run.stored();
    expect(stored.map(({ text }) => text).toSorted()).toEqual([3, 50, 51, 77].map(question).toSorted());
    for (const leak of stored) {
      expect(leak).toMatchObject({ stage: 'collect', kind: 'near', benchmark: 'exam' });
      expect(leak.similarity).toBeGreaterThan(0.8);
      expect(leak.similarity).toBeLessThan(1);
      expect(leak.itemKey).toContain(leak.key.slice(0, 40));
    }
    // Done again, it tells the same and stores nothing twice.
    expect(await run.collect()).toEqual({ prompts: 116, rehearsal: 0, leaked: 4 });
    expect(await run.stored()).toHaveLength(4);
  });

  it('copies that differ in how they are written are exact hits', async () => {
    const copy = question(5).toUpperCase().replaceAll(',', ' ...');
    const run = await addRun(all, [copy], { pool: { prompts: 120 } });
    expect(await run.collect()).toEqual({ prompts: 119, rehearsal: 0, leaked: 1 });
    expect(await run.stored()).toMatchObject([{ text: question(5), kind: 'exact', similarity: 1 }]);
  });

  it('a source that is all held out gives an empty pool, not an endless search', async () => {
    const run = await addRun(
      all,
      all.map((_, i) => edited(i)),
      { pool: { prompts: 10 } },
    );
    expect(await run.collect()).toEqual({ prompts: 0, rehearsal: 0, leaked: 120 });
    expect(await run.pool()).toEqual([]);
  });

  it('what people stored, or production asked, is looked through as well: held-out problems are counted, not passed by', async () => {
    const stored = [2, 3, 4].map((i) => {
      const text = question(i);
      return { task: 'imported', key: keyOf(text), text, source: 'import' as const, origin: `p.jsonl:${i}` };
    });
    await db.transaction((tx) => addStoredPrompts(tx, stored));
    const imported = await addRun(all.slice(10), [question(3)], { pool: { prompts: 5 } }, 'imported');
    expect(await imported.collect()).toEqual({ prompts: 5, rehearsal: 0, leaked: 1 });
    expect(await imported.stored()).toMatchObject([{ text: question(3), kind: 'exact', benchmark: 'exam' }]);
    const texts = (await imported.pool()).map(({ text }) => text);
    for (const i of [2, 4]) expect(texts).toContain(question(i));

    const asking = stored.map((one) => ({ ...one, task: 'asked', source: 'gateway' as const }));
    await db.transaction((tx) => addStoredPrompts(tx, asking));
    const settings: ImproveInput = { pool: { prompts: 3, stored: 'only' } };
    const asked = await addRun(all.slice(10), [question(3)], settings, 'asked');
    expect(await asked.collect()).toEqual({ prompts: 2, rehearsal: 0, leaked: 1 });
    expect(await asked.stored()).toMatchObject([{ text: question(3), kind: 'exact', similarity: 1 }]);
  });

  it('by configuration copies only are dropped', async () => {
    const run = await addRun(all, [edited(3)], { pool: { prompts: 120 }, leaks: { similarity: 1 } });
    expect(await run.collect()).toEqual({ prompts: 120, rehearsal: 0, leaked: 0 });
  });

  it('other problems of the same source are not touched', async () => {
    const run = await addRun(all.slice(0, 60), all.slice(60), { pool: { prompts: 60 } });
    expect(await run.collect()).toEqual({ prompts: 60, rehearsal: 0, leaked: 0 });
    expect(await run.stored()).toEqual([]);
  });
});

describe('before training', () => {
  it('an example that is a held-out problem is taken out, counted and stored', async () => {
    // Collected while near copies were let through.
    const run = await addRun(all, [edited(3), edited(50)], {
      pool: { prompts: 120 },
      leaks: { similarity: 1 },
    });
    await run.collect();
    const ids = await run.accept();
    await db.execute(
      `update runs set settings = jsonb_set(settings, '{leaks,similarity}', '0.8') where id = '${run.runId}'`,
    );
    const built = await run.main.buildDataset({ iterationId: run.iterationId });
    expect(built).toMatchObject({ examples: 118, fresh: 118, leaked: 2 });
    const stored = await run.stored();
    expect(stored.map(({ stage, kind, text }) => [stage, kind, text])).toEqual([
      ['train', 'near', expect.stringContaining('Number ')],
      ['train', 'near', expect.stringContaining('Number ')],
    ]);
    expect(stored.map(({ text }) => text).toSorted()).toEqual([question(3), question(50)].toSorted());
    expect(ids).toEqual(expect.arrayContaining(stored.map(({ exampleId }) => exampleId)));
    const text = await datasetText(db, run.task, built.datasetId!);
    expect(text.trim().split('\n')).toHaveLength(118);
    expect(text).not.toContain('Number 3:');
    expect(text).not.toContain('Number 50:');
  });

  it('also one that became a held-out problem by the form in which it was asked', async () => {
    const run = await addRun(all.slice(0, 20), [question(90)], { pool: { prompts: 20 } });
    await run.collect();
    await run.accept((text) => (text === question(4) ? question(90) : text));
    const built = await run.main.buildDataset({ iterationId: run.iterationId });
    expect(built).toMatchObject({ examples: 19, leaked: 1 });
    expect(await run.stored()).toMatchObject([{ stage: 'train', kind: 'exact', text: question(4) }]);
  });

  it('nothing is trained when nothing else is left, and the reason says so', async () => {
    const run = await addRun(all.slice(0, 5), [question(90)], { pool: { prompts: 5 } });
    await run.collect();
    await run.accept(() => question(90));
    const built = await run.main.buildDataset({ iterationId: run.iterationId });
    expect(built).toEqual({
      examples: 0,
      fresh: 0,
      leaked: 5,
      nothing: '5 of 5 examples are held-out problems and no other is new, so nothing was trained',
    });
  });
});
