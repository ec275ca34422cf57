/** What `why` says of votes, paraphrases and people, and of an example whose words a reviewer wrote. */
import { and, asc, eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { taskOf } from '../../engine/context.ts';
import { settleReviews } from '../../engine/corrections.ts';
import { datasetText } from '../../activities/adapt/dataset.ts';
import { digestOf } from '../../process/digest.ts';
import { promoteCheckpoint } from '../../engine/serving.ts';
import { renderPlan, renderRemedies } from '../../cli/render/revoke.ts';
import { renderWhy } from '../../cli/render/why.ts';
import { correct, judge } from '../../app/review/review.ts';
import { planRevocation } from '../../app/lineage/revoke.ts';
import { explain } from '../../app/lineage/why.ts';
import type { CheckpointWhy, PieceWhy } from '../../app/lineage/types.ts';
import type { Db } from '../../db/connect.ts';
import { newExamples } from '../../db/queries/examples.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import { addReviews } from '../../db/queries/reviews.ts';
import { getRun } from '../../db/queries/runs.ts';
import * as t from '../../db/schema.ts';
import { addCall, addCheckpoint, addDecision, addIteration, addPool, addRun } from '../cli/fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { addPupil } from '../support/synthetic-lineage.ts';

let db: Db;
let drop: () => Promise<void>;
let iterationId: number;
let baseId: number;
/** Of the one prompt, in order. */
let samples: (typeof t.samples.$inferSelect)[];
/** A run of one prompt with two wrong samples, which the vote took for right. */
beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
  await addRun(db, 'r', { review: { auditShare: 1 } }, 'running');
  baseId = (await addCheckpoint(db, 'r', 0, { target: 4 })).id;
  iterationId = await addIteration(db, 'r', 1, baseId, false);
  await addPool(db, 'r', iterationId, baseId, [
    { text: '1234+1111', answer: '2346', agreement: 1, accepted: 'vote', samples: 3 },
  ]);
  await db
    .update(t.samples)
    .set({ request: problem, rewrite: sql`case index when 1 then 'paraphrase 2' else 'as-is' end` });
  samples = await db.select().from(t.samples).orderBy(asc(t.samples.index));
}, 120_000);
afterAll(() => drop());

const problem = '0000001234+0000001111';
const piece = async (kind: 'sample' | 'example', id: number) =>
  (await explain(db, { kind, id }, { count: 3, from: 0, verify: false })) as PieceWhy;
const ids = async (kind?: t.ExampleKind) =>
  (
    await db
      .select({ id: t.examples.id })
      .from(t.examples)
      .where(and(eq(t.examples.runId, 'r'), kind && eq(t.examples.kind, kind)))
      .orderBy(asc(t.examples.id))
  ).map((row) => row.id);

test('a vote is told with every answer and who gave it, by rewrite, and with what was asked of it', async () => {
  const promptId = samples[0]!.promptId;
  await db.update(t.samples).set({ answer: '9' }).where(eq(t.samples.id, samples[2]!.id));
  await db
    .update(t.votes)
    .set({
      tallies: [
        { rewrite: 'as-is', kind: 'as-is', samples: 2, votes: 1 },
        { rewrite: 'paraphrase 2', kind: 'paraphrase', samples: 1, votes: 1 },
      ],
      within: 0,
      across: 0.5,
      unreadable: 1,
      copies: 2,
      sharedMistake: true,
    })
    .where(eq(t.votes.promptId, promptId));
  await db.insert(t.calibrations).values({
    iterationId,
    level: 4,
    samples: 8,
    asked: 0.9,
    votes: 5,
    lead: 3,
    precision: 0.93,
    right: 40,
    total: 43,
    rightAtAll: 40,
    totalAtAll: 43,
    iterations: 1,
    cells: [],
    reason: 'a precision of 0.9 needs 5 votes',
  });
  const { piece: why } = await piece('sample', samples[0]!.id);
  const [first, second, third] = samples.map((one) => one.id);
  expect(why.vote).toMatchObject({
    answer: '2346',
    answers: [
      { answer: '2346', samples: [first, second] },
      { answer: '9', samples: [third] },
    ],
    within: 0,
    across: 0.5,
    sharedMistake: true,
    required: { votes: 5, lead: 3, precision: 0.93, asked: 0.9 },
  });
  const text = renderWhy(await piece('sample', samples[0]!.id), false);
  for (const line of [
    /vote +2346: 3 of K = 3.*; 1 could not be\s+read; 2 copies of another did not vote/,
    new RegExp(`answers +2346: 2 \\(sample:${first}, sample:${second}\\)\n +9: 1 \\(sample:${third}\\)`),
    /by rewrite +as-is 1 of 2, paraphrase 2 1 of 1; agree 0\.00 within, 0\.50 across: a SHARED MISTAKE/,
    /calibrated +a precision of 0\.9 needs 5 votes/,
  ])
    expect(text).toMatch(line);
});

test('a paraphrase is told with the model that wrote it', async () => {
  const callId = await addCall(db, 'r', iterationId, 'paraphrase');
  await db.update(t.modelCalls).set({ fingerprint: 'fp_words' }).where(eq(t.modelCalls.id, callId));
  const row = { promptId: samples[0]!.promptId, text: 'add them', ok: true, reason: '', callId };
  await db.insert(t.paraphrases).values([0, 1].map((index) => ({ ...row, index })));
  const { piece: why } = await piece('sample', samples[1]!.id);
  expect(why.sample).toMatchObject({
    rewrite: 'paraphrase 2',
    paraphrasedBy: {
      model: 'm',
      fingerprint: 'fp_words',
      promptVersion: expect.stringMatching(/^[0-9a-f]{12}$/),
    },
  });
  expect((await piece('sample', samples[0]!.id)).piece.sample.paraphrasedBy).toBeNull();
  expect(renderWhy(await piece('sample', samples[1]!.id), false)).toMatch(
    /strategy plain, put in other words by m\s+fp_words \(prompt version/,
  );
});

describe('an example in the words of a reviewer', () => {
  let human: number;
  let item: number;
  beforeAll(async () => {
    const own = samples[0]!.id;
    await addReviews(db, 'r', iterationId, [
      { sampleId: own, reason: 'audit', audit: true },
      { sampleId: samples[2]!.id, reason: 'disagreement', audit: false },
    ]);
    const items = await db.select().from(t.reviews).orderBy(asc(t.reviews.id));
    item = items[0]!.id;
    const correction = { answer: '2345', rationale: longAddition(problem), note: 'a carry too many' };
    await correct(db, 'r', item, correction, { reviewer: 'ada', holder: 'ada@here/1' });
    await judge(db, 'r', items[1]!.id, { decision: 'reject' }, { reviewer: 'bob', holder: 'bob@here/2' });
    await settleReviews(db, 'r');
    [human] = (await ids('human')) as [number];
  });

  test('is told apart from the one that the gates made of the same sample', async () => {
    const [taken] = (await ids('vote')) as [number];
    const [one, other] = [await piece('example', human), await piece('example', taken)];
    expect(one.piece.sample.id).toBe(other.piece.sample.id);
    expect(one.piece.example).toMatchObject({
      id: human,
      kind: 'human',
      answer: '2345',
      rationale: longAddition(problem),
      others: [taken],
    });
    expect(other.piece.example).toMatchObject({ id: taken, kind: 'vote', rationale: null, others: [human] });
    // Asked for by its sample, it is what became of it.
    expect((await piece('sample', samples[0]!.id)).piece.example).toMatchObject({ id: human });
  });

  test('names the reviewers of the whole prompt, why they were asked and what they said', async () => {
    const why = await piece('example', human);
    expect(why.piece.judged.reviews).toEqual([
      expect.objectContaining({
        item,
        sample: samples[0]!.id,
        askedFor: 'audit',
        audit: true,
        decision: 'correct',
        answer: '2346',
        correctedAnswer: '2345',
        reviewer: 'ada',
        note: 'a carry too many',
        unseen: false,
      }),
      expect.objectContaining({ sample: samples[2]!.id, decision: 'reject', reviewer: 'bob', note: null }),
    ]);
    const text = renderWhy(why, false);
    expect(text).toMatch(
      new RegExp(
        `reviewers +corrected to 2345 by ada on \\d{4}-\\d\\d-\\d\\d, item ${item}, as of the audit`,
      ),
    );
    expect(text).toMatch(new RegExp(`\n +rejected sample:${samples[2]!.id} by bob on `));
    expect(text).toMatch(/trains as +[\s\S]*\(the words of a\s+reviewer\)/);
  });

  test('trains in those words: the digest of what was trained is that of the stored rows', async () => {
    const pupil = await addPupil(db, {
      runId: 'r',
      index: 2,
      parentId: baseId,
      generatorId: baseId,
      exampleIds: [human],
    });
    const text = await datasetText(db, taskOf(await getRun(db, 'r')), pupil.datasetId);
    expect(text).toContain(JSON.stringify(longAddition(problem)).slice(1, -1));
    await db
      .update(t.datasets)
      .set({ digest: digestOf(text) })
      .where(eq(t.datasets.id, pupil.datasetId));
    const why = (await explain(
      db,
      { kind: 'checkpoint', id: pupil.id },
      { count: 3, from: 0, verify: true },
    )) as CheckpointWhy;
    expect(why.training!.dataset.check).toBe('verified');
    expect(why.examples.items.map((one) => [one.example!.id, one.example!.kind])).toEqual([[human, 'human']]);
    const led = await piece('sample', samples[0]!.id);
    expect(led.reached.map((one) => one.id)).toEqual([pupil.id]);
  });

  test('is revoked in those words alone, and the task that serves what it trained is offered the way back', async () => {
    const [pupil] = (await piece('example', human)).reached;
    const promote = async (id: number, index: number) => {
      const of = and(eq(t.iterations.runId, 'r'), eq(t.iterations.index, index));
      const [row] = await db.select().from(t.iterations).where(of);
      await addDecision(db, row!.id, 'promote', { candidateId: id, bestId: id }, {});
    };
    await promote(pupil!.id, 2);
    const plan = await planRevocation(db, [human]);
    expect(renderPlan(plan, false)).toContain(`checkpoint:${pupil!.id}`);
    expect(renderRemedies(plan)).toBe(
      [
        `Run r: its best, checkpoint:${pupil!.id}, was trained with it.`,
        `  To go on from the newest ancestor that was not, checkpoint:${baseId} (start of r):`,
        `  ratchet reset r --to ${baseId}`,
        `The task arithmetic serves checkpoint:${pupil!.id}, which was trained with it. To serve checkpoint:${baseId} (start of r) instead:`,
        `  ratchet rollback arithmetic --reason "revoked: example:${human}"`,
      ].join('\n'),
    );
    const before = await newExamples(db, iterationId, new Set());
    await addRevocations(db, [human], { reason: 'still wrong', by: 'ada' });
    const after = await newExamples(db, iterationId, new Set());
    // What the gates took of the same sample has other words.
    expect(after.ids).toEqual(before.ids.filter((id) => id !== human));

    // Trained on from there and served: what was served before it is touched as well, so one roll back would not do.
    const further = { runId: 'r', index: 3, parentId: pupil!.id, generatorId: pupil!.id };
    const next = await addPupil(db, { ...further, exampleIds: await ids('vote') });
    await promote(next.id, 3);
    const advice = renderRemedies(await planRevocation(db, [human]));
    expect(advice).toContain(`ratchet reset r --to ${baseId}`);
    expect(advice).toContain(
      `  ratchet promote checkpoint:${baseId} --pin --force --reason "revoked: example:${human}"`,
    );
    const choosing = { reason: 'revoked', by: 'ada', pin: true, force: true };
    await promoteCheckpoint(db, 'arithmetic', baseId, choosing);
    expect((await planRevocation(db, [human])).serving).toEqual([]);
  });
});
