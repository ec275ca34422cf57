/** Reviews on a real database: claims, decisions, what they keep out of datasets, and the estimate of precision. */
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settleReviews } from '../../engine/corrections.ts';
import { decideReviews } from '../../activities/run/review.ts';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { correct, judge, takeBack, type Who } from '../../app/review/review.ts';
import { reviewSession, type SessionIo } from '../../cli/review-session.ts';
import type { Db } from '../../db/connect.ts';
import { examplesByIds } from '../../db/queries/examples.ts';
import { decide, decideRest, undo } from '../../db/queries/review-decisions.ts';
import { keptOut } from '../../db/queries/review-outcomes.ts';
import {
  addReviews,
  claim,
  CLAIM_MINUTES,
  listReviews,
  openCounts,
  reviewable,
  reviewCounts,
} from '../../db/queries/reviews.ts';
import * as t from '../../db/schema.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { keepRule, type ReviewItem } from '../../loop/review.ts';
import {
  addCheckpoint,
  addDecision,
  addIteration,
  addPool,
  addRun,
  type PoolPrompt,
} from '../cli/fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { longAddition } from '../support/scripted-adder.ts';

let db: Db;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
}, 120_000);
afterAll(() => drop());

const ada: Who = { reviewer: 'ada', holder: 'ada@here/1' };
const bob: Who = { reviewer: 'bob', holder: 'bob@there/2' };

const settingsOf = (review: ImproveInput['review']) => improveInputSchema.parse({ review }).review;

/** A run with `prompts` accepted pseudo-labels, two examples each, all put to reviewers as `reason`. */
async function reviewedRun(
  id: string,
  prompts: number,
  options: { review?: ImproveInput['review']; item?: Partial<ReviewItem>; pool?: PoolPrompt[] } = {},
) {
  await addRun(db, id, { review: options.review ?? { iterations: 1 } }, 'running');
  const base = await addCheckpoint(db, id, 0, { target: 4, guard: 20 });
  const iterationId = await addIteration(db, id, 1, base.id, false);
  const pool = Array.from({ length: prompts }, (_, i): PoolPrompt => ({
    text: `${1000 + i}+1000`,
    answer: String(2000 + i),
    agreement: 1,
    accepted: 'vote',
  }));
  await addPool(db, id, iterationId, base.id, [...pool, ...(options.pool ?? [])]);
  const { accepted } = await reviewable(db, iterationId);
  const items = accepted.map(({ sampleId }): ReviewItem => ({
    sampleId,
    reason: 'first-iterations',
    audit: false,
    ...options.item,
  }));
  await addReviews(db, id, iterationId, items);
  const rows = await db.query.reviews.findMany({ where: eq(t.reviews.runId, id), orderBy: t.reviews.id });
  return { iterationId, base, ids: rows.map((row) => row.id), rows };
}

const verdictsOf = (sampleId: number) =>
  db.query.verdicts.findMany({ where: (v, { and }) => and(eq(v.sampleId, sampleId), eq(v.gate, 'human')) });

/** Examples of the run that may be trained on, by sample and kind. */
async function trained(runId: string, review: ImproveInput['review']) {
  await settleReviews(db, runId);
  const out = await keptOut(db, runId, keepRule(settingsOf(review)));
  const all = await db.query.examples.findMany({
    where: eq(t.examples.runId, runId),
    orderBy: t.examples.id,
  });
  return all.filter((one) => !out.has(one.id));
}

describe('claims', () => {
  it('never give two reviewers the same item, however many ask at once', async () => {
    await reviewedRun('crowd', 20);
    const taken = await Promise.all(
      Array.from({ length: 8 }, async (_, session) => {
        const holder = `session ${session}`;
        const mine: number[] = [];
        for (;;) {
          const item = await claim(db, 'crowd', holder);
          if (!item) return mine;
          const [decided] = await decide(
            db,
            'crowd',
            [item.id],
            { decision: 'accept' },
            { reviewer: holder, holder },
          );
          expect(decided?.reviewer).toBe(holder);
          mine.push(item.id);
        }
      }),
    );
    const all = taken.flat();
    expect(all).toHaveLength(40);
    expect(new Set(all).size).toBe(40);
    // More than one of them got to work.
    expect(taken.filter((mine) => mine.length > 0).length).toBeGreaterThan(1);
  });

  it('are kept by their session until they expire', async () => {
    const { ids } = await reviewedRun('claims', 1);
    expect((await claim(db, 'claims', 'a'))?.id).toBe(ids[0]);
    expect((await claim(db, 'claims', 'a'))?.id).toBe(ids[0]);
    expect((await claim(db, 'claims', 'b'))?.id).toBe(ids[1]);
    expect(await claim(db, 'claims', 'c')).toBeUndefined();
    expect(await decide(db, 'claims', [ids[0]!], { decision: 'accept' }, { reviewer: 'c' })).toEqual([]);
    expect((await judge(db, 'claims', ids[0]!, { decision: 'accept' }, ada)).problem).toMatch(
      /a is looking at/,
    );
    await db
      .update(t.reviews)
      .set({ claimedAt: sql`now() - make_interval(mins => ${CLAIM_MINUTES + 1})` })
      .where(eq(t.reviews.id, ids[0]!));
    expect((await claim(db, 'claims', 'c'))?.id).toBe(ids[0]);
  });

  it('end with the iteration, unless the run does not wait for reviewers', async () => {
    const waits = await reviewedRun('waits', 1);
    await addDecision(db, waits.iterationId, 'skip', { candidateId: null, bestId: waits.base.id }, {});
    expect(await claim(db, 'waits', 'a')).toBeUndefined();
    expect(await openCounts(db, 'waits')).toEqual({ open: 0, total: 2 });
    expect((await judge(db, 'waits', waits.ids[0]!, { decision: 'accept' }, ada)).problem).toMatch(
      /decided already/,
    );
    const goesOn = await reviewedRun('goes-on', 1, { review: { auditShare: 1, required: false } });
    await addDecision(db, goesOn.iterationId, 'discard', { candidateId: null, bestId: goesOn.base.id }, {});
    expect((await claim(db, 'goes-on', 'a'))?.id).toBe(goesOn.ids[0]);
  });
});

describe('a decision', () => {
  it('is made once and stored as the verdict of the gate human', async () => {
    const { rows } = await reviewedRun('once', 1);
    const [first, second] = rows;
    expect(await judge(db, 'once', first!.id, { decision: 'reject', note: 'wrong carry' }, ada)).toEqual({
      id: first!.id,
    });
    expect((await judge(db, 'once', first!.id, { decision: 'accept' }, bob)).problem).toMatch(
      /decided already \(reject, ada\)/,
    );
    expect(await verdictsOf(first!.sampleId)).toEqual([
      expect.objectContaining({ outcome: 'fail', advisory: false, reason: 'rejected by ada: wrong carry' }),
    ]);
    await judge(db, 'once', second!.id, { decision: 'accept' }, bob);
    expect(await verdictsOf(second!.sampleId)).toEqual([
      expect.objectContaining({ outcome: 'pass', reason: 'accepted by bob' }),
    ]);
    expect((await judge(db, 'once', 987_654, { decision: 'accept' }, ada)).problem).toMatch(/no review item/);
  });

  it('can be taken back by who made it, until the iteration goes on', async () => {
    const { rows, iterationId } = await reviewedRun('undone', 1);
    const { id, sampleId } = rows[0]!;
    await judge(db, 'undone', id, { decision: 'reject' }, ada);
    expect(await undo(db, id, bob)).toBe(false);
    expect(await undo(db, id, ada)).toBe(true);
    expect(await verdictsOf(sampleId)).toEqual([]);
    expect(await openCounts(db, 'undone')).toEqual({ open: 2, total: 2 });
    await judge(db, 'undone', id, { decision: 'reject' }, ada);
    await db.insert(t.stages).values({ iterationId, name: 'adapt', status: 'running' });
    expect(await undo(db, id, ada)).toBe(false);
  });

  it('that was taken back stays on record, unchangeable', async () => {
    const { rows } = await reviewedRun('on-record', 1);
    const { id } = rows[0]!;
    const answer = '2001';
    await correct(db, 'on-record', id, { answer, note: 'one more' }, ada);
    expect(await takeBack(db, 'on-record', id, bob)).toEqual({
      id,
      problem: `item ${id} was decided by ada: only who decided takes it back`,
    });
    expect(await takeBack(db, 'on-record', id, ada)).toEqual({ id, note: 'taken back' });
    expect(await takeBack(db, 'on-record', id, ada)).toEqual({
      id,
      problem: `item ${id} has not been decided`,
    });
    const record = () => db.query.undoneReviews.findMany({ where: eq(t.undoneReviews.reviewId, id) });
    expect(await record()).toEqual([
      expect.objectContaining({
        decision: 'correct',
        correctedAnswer: answer,
        note: 'one more',
        reviewer: 'ada',
      }),
    ]);
    const refusal = { cause: { message: expect.stringMatching(/never changed or deleted/) as string } };
    await expect(db.delete(t.undoneReviews)).rejects.toMatchObject(refusal);
    await expect(db.update(t.undoneReviews).set({ note: null })).rejects.toMatchObject(refusal);
    await expect(db.execute(sql`truncate undone_reviews`)).rejects.toMatchObject(refusal);
  });

  it('in a run that does not wait, is taken back until the next training may rest on it', async () => {
    const { rows, iterationId } = await reviewedRun('not-waiting', 1, {
      review: { auditShare: 1, required: false },
    });
    const { id } = rows[0]!;
    const adapt = { iterationId, name: 'adapt' as const, status: 'done' as const, finishedAt: new Date() };
    await db.insert(t.stages).values(adapt);
    await judge(db, 'not-waiting', id, { decision: 'reject' }, ada);
    expect(await undo(db, id, ada)).toBe(true);
    await judge(db, 'not-waiting', id, { decision: 'reject' }, ada);
    const [run] = await db.select().from(t.iterations).where(eq(t.iterations.id, iterationId));
    const next = await addIteration(db, 'not-waiting', 2, run!.checkpointId, false);
    await db.insert(t.stages).values({ iterationId: next, name: 'adapt', status: 'running' });
    expect((await takeBack(db, 'not-waiting', id, ada)).problem).toMatch(/too late/);
  });

  it('made unseen for all that were left counts in no statistic', async () => {
    const { ids, iterationId } = await reviewedRun('bulk', 6, { item: { audit: true } });
    await judge(db, 'bulk', ids[0]!, { decision: 'reject' }, ada);
    expect(await decideRest(db, 'bulk', { decision: 'accept' }, 'bob')).toHaveLength(11);
    expect(await reviewCounts(db, iterationId)).toEqual({ total: 12, waiting: 0, accepted: 0, rejected: 1 });
    const { review } = await buildReport(db, 'bulk');
    expect(review).toMatchObject({ accepted: 11, rejected: 1, unseen: 11 });
    expect(review!.precision).toMatchObject({ correct: 0, total: 1 });
  });
});

describe('a message', () => {
  const say = (decision: 'accept' | 'reject', args: { items?: number[]; by?: string }) =>
    decideReviews({ db }, { runId: 'by-message', decision, args });

  it('decides what it names, the same again when it comes twice, and nothing when a name is wrong', async () => {
    const { ids } = await reviewedRun('by-message', 3);
    expect(await say('accept', { items: [ids[0]!, 987_654] })).toEqual({
      impossible: 'run by-message has no review item 987654',
    });
    expect((await openCounts(db, 'by-message')).open).toBe(6);
    const accepted = { answer: 'accepted 2 items; 4 wait' };
    expect(await say('accept', { items: ids.slice(0, 2), by: 'bob' })).toEqual(accepted);
    expect(await say('accept', { items: ids.slice(0, 2), by: 'bob' })).toEqual(accepted);
    expect(await say('reject', { items: [ids[1]!], by: 'ada' })).toEqual({
      impossible: `item ${ids[1]} was accepted by bob already`,
    });
    await claim(db, 'by-message', ada.holder);
    expect(await say('reject', { items: ids.slice(2, 4), by: 'bob' })).toEqual({
      answer: `rejected 1 item; 3 wait; item ${ids[2]} is with ada@here/1`,
    });
    expect(await say('reject', { by: 'bob' })).toEqual({ answer: 'rejected 3 items unseen; 0 wait' });
  });
});

describe('what may be trained on', () => {
  const audit = { auditShare: 1 };

  it('loses a rejected pseudo-label with all its examples, not those that a reviewer accepted himself', async () => {
    const { ids } = await reviewedRun('rejected', 3, { review: audit, item: { reason: 'audit' } });
    const samples = (await listReviews(db, 'rejected')).map((one) => one.review.sampleId);
    await judge(db, 'rejected', ids[0]!, { decision: 'reject' }, ada);
    await judge(db, 'rejected', ids[2]!, { decision: 'reject' }, ada);
    await judge(db, 'rejected', ids[3]!, { decision: 'accept' }, ada);
    expect((await trained('rejected', audit)).map((one) => one.sampleId)).toEqual([
      samples[3],
      samples[4],
      samples[5],
    ]);
  });

  it('is, in the first iterations, what was accepted, and rehearsal', async () => {
    const pool: PoolPrompt[] = [
      { text: '1+1', purpose: 'rehearse', answer: '2', agreement: 1, samples: 1, accepted: 'rehearsal' },
    ];
    const { ids, rows } = await reviewedRun('strict', 2, { pool });
    await judge(db, 'strict', ids[1]!, { decision: 'accept' }, ada);
    const kept = await trained('strict', { iterations: 1 });
    expect(kept.map((one) => [one.sampleId, one.kind])).toEqual([
      [rows[1]!.sampleId, 'vote'],
      [expect.any(Number), 'rehearsal'],
    ]);
    // Without waiting, only rejections count.
    expect(await trained('strict', { iterations: 1, required: false })).toHaveLength(5);
  });

  it('leaves out, also later, what nobody accepted in an iteration with too many rejections', async () => {
    const { ids } = await reviewedRun('stopped', 8, { review: audit, item: { reason: 'audit' } });
    for (const [i, id] of ids.slice(0, 10).entries())
      await judge(db, 'stopped', id, { decision: i < 4 ? 'reject' : 'accept' }, ada);
    expect(await trained('stopped', { ...audit, maxRejectedShare: 0.4 })).toHaveLength(12);
    expect(await trained('stopped', { ...audit, maxRejectedShare: 0.3 })).toHaveLength(6);
  });

  it('gains a sample that the gates turned away and a reviewer accepts', async () => {
    const doubtful: PoolPrompt = { text: '5000+1', answer: '5001', agreement: 0.75, samples: 1 };
    const { iterationId } = await reviewedRun('doubtful', 0, { pool: [doubtful] });
    const sample = (await db.query.samples.findMany({ orderBy: (s, { desc }) => desc(s.id), limit: 1 }))[0]!;
    // The vote trusts the answer, and a required gate gave no verdict.
    await db
      .update(t.verdicts)
      .set({ outcome: 'pass' })
      .where(sql`${t.verdicts.sampleId} = ${sample.id} and ${t.verdicts.gate} = 'agreement'`);
    expect((await reviewable(db, iterationId)).doubtful).toEqual([]);
    await db
      .update(t.verdicts)
      .set({ advisory: false })
      .where(sql`${t.verdicts.sampleId} = ${sample.id} and ${t.verdicts.gate} = 'critique'`);
    expect((await reviewable(db, iterationId)).doubtful).toEqual([
      { sampleId: sample.id, promptId: sample.promptId },
    ]);
    await addReviews(db, 'doubtful', iterationId, [
      { sampleId: sample.id, reason: 'disagreement', audit: false },
    ]);
    expect(await trained('doubtful', { disagreements: true })).toEqual([]);
    const [item] = await listReviews(db, 'doubtful');
    await judge(db, 'doubtful', item!.review.id, { decision: 'accept' }, ada);
    expect(await trained('doubtful', { disagreements: true })).toEqual([
      expect.objectContaining({ sampleId: sample.id, kind: 'human', answer: '5001' }),
    ]);
    expect(await reviewCounts(db, iterationId)).toMatchObject({ accepted: 0, rejected: 0, total: 1 });
  });
});

describe('a correction', () => {
  const audit = { auditShare: 1 };
  /** The problem as the task puts it to the model. */
  const problem = '0000001234+0000001111';

  it('takes the sound rationale of another sample that gives the right answer', async () => {
    const { ids, rows } = await reviewedRun('by-sample', 1, { review: audit, item: { reason: 'audit' } });
    const wrong = (await db.query.samples.findFirst({ where: eq(t.samples.id, rows[0]!.sampleId) }))!;
    const { id: _, ...copy } = wrong;
    const others = [
      { ...copy, index: 7, answer: '2345', rationale: 'unsound #2345', coherenceOk: false },
      { ...copy, index: 8, answer: '2345', rationale: 'sound #2345' },
    ];
    const stored = await db.insert(t.samples).values(others).returning();
    expect((await correct(db, 'by-sample', ids[0]!, { answer: wrong.answer! }, ada)).problem).toMatch(
      /already/,
    );
    expect((await correct(db, 'by-sample', ids[0]!, { answer: ' ' }, ada)).problem).toMatch(
      /needs an answer/,
    );
    expect(await correct(db, 'by-sample', ids[0]!, { answer: '2345' }, ada)).toEqual({
      id: ids[0],
      note: 'becomes an example marked human',
    });
    // Both examples of the wrong answer are out.
    const kept = await trained('by-sample', audit);
    expect(kept).toEqual([
      expect.objectContaining({ kind: 'human', answer: '2345', sampleId: stored[1]!.id, rationale: null }),
    ]);
    expect(await trained('by-sample', audit)).toEqual(kept);
    expect((await examplesByIds(db, [kept[0]!.id]))[0]!.rationale).toBe('sound #2345');
    expect(await verdictsOf(wrong.id)).toEqual([
      expect.objectContaining({
        outcome: 'fail',
        reason: `corrected by ada: 2345 instead of ${wrong.answer}`,
      }),
    ]);
  });

  it('takes the reviewer’s own steps, if the task reads the answer out of them', async () => {
    const { ids, rows } = await reviewedRun('by-hand', 1, { review: audit, item: { reason: 'audit' } });
    const sampleId = rows[0]!.sampleId;
    await db.update(t.samples).set({ request: problem }).where(eq(t.samples.id, sampleId));
    const rationale = longAddition(problem);
    const given = (answer: string, text: string) =>
      correct(db, 'by-hand', ids[0]!, { answer, rationale: text }, ada);
    expect((await given('2345', 'because I say so')).problem).toMatch(/not in the task's format/);
    expect((await given('2346', rationale)).problem).toMatch(/leads to .*2345, not to 2346/);
    expect((await given('2345', rationale)).note).toMatch(/marked human/);
    const kept = await trained('by-hand', audit);
    expect(kept).toEqual([expect.objectContaining({ kind: 'human', answer: '2345', sampleId, rationale })]);
    expect((await examplesByIds(db, [kept[0]!.id]))[0]).toMatchObject({ request: problem, rationale });
  });

  it('without a right rationale is stored, and trains nothing', async () => {
    const { ids } = await reviewedRun('no-steps', 1, { review: audit, item: { reason: 'audit' } });
    expect((await correct(db, 'no-steps', ids[0]!, { answer: '2345' }, ada)).note).toMatch(
      /stored as a correction only, nothing is trained on it: no sample of this prompt gives 2345/,
    );
    expect(await trained('no-steps', audit)).toEqual([]);
  });

  it('that another reviewer contradicts leaves the prompt out', async () => {
    const { ids, rows } = await reviewedRun('contested', 1, { review: audit, item: { reason: 'audit' } });
    await db.update(t.samples).set({ request: problem }).where(eq(t.samples.id, rows[0]!.sampleId));
    await correct(db, 'contested', ids[0]!, { answer: '2345', rationale: longAddition(problem) }, ada);
    expect(await trained('contested', audit)).toHaveLength(1);
    await judge(db, 'contested', ids[1]!, { decision: 'accept' }, bob);
    expect(await trained('contested', audit)).toEqual([]);
  });
});

it('tells the real precision with its interval, from the audited alone', async () => {
  const { ids } = await reviewedRun('estimated', 25, {
    review: { iterations: 1, auditShare: 1 },
    item: { audit: true },
  });
  // Ten are in no audit: their rejection says nothing about the rest.
  await db
    .update(t.reviews)
    .set({ audit: false })
    .where(sql`${t.reviews.runId} = 'estimated' and ${t.reviews.id} >= ${ids[40]}`);
  for (const [i, id] of ids.entries())
    await judge(db, 'estimated', id, { decision: i < 2 || i >= 40 ? 'reject' : 'accept' }, ada);
  const report = await buildReport(db, 'estimated');
  // Wilson's interval for 38 of 40.
  expect(report.review!.precision).toMatchObject({ correct: 38, total: 40, rate: 0.95 });
  expect(report.review!.precision!.low).toBeCloseTo(0.835, 3);
  expect(report.review!.precision!.high).toBeCloseTo(0.9862, 3);
  expect(report.iterations[0]!.review).toEqual(report.review);
  const text = renderReport(report);
  expect(text).toContain('real precision, from 40 audited: 95.0 % [83.5–98.6]');
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});

describe('a session', () => {
  function scripted(keys: string[], lines: string[] = []): SessionIo & { shown: string[] } {
    const shown: string[] = [];
    return {
      shown,
      write: (line) => void shown.push(line),
      key: () => Promise.resolve(keys.shift() ?? 'q'),
      ask: () => Promise.resolve(lines.shift() ?? ''),
    };
  }

  it('accepts, rejects, skips, takes back and comes back to what was skipped', async () => {
    const { ids } = await reviewedRun('session', 2);
    // 1 accepted, 2 skipped, 3 rejected and taken back and accepted, 4 rejected; then back to 2.
    const io = scripted(['a', 's', 'r', 'u', 'a', 'r', 'b', 'a', 'q']);
    const { decided, iterations } = await reviewSession(db, 'session', ada, io);
    expect(decided).toBe(4);
    expect([...iterations]).toEqual([1]);
    const rows = await listReviews(db, 'session');
    expect(rows.map(({ review }) => [review.id, review.decision])).toEqual([
      [ids[0], 'accept'],
      [ids[1], 'accept'],
      [ids[2], 'accept'],
      [ids[3], 'reject'],
    ]);
  });

  it('leaves nothing claimed when it ends', async () => {
    await reviewedRun('left', 2);
    await reviewSession(db, 'left', ada, scripted(['a', 's', 'q']));
    const rows = await listReviews(db, 'left');
    expect(rows.filter(({ review }) => review.decision === null && review.claimedBy !== null)).toEqual([]);
    expect(await openCounts(db, 'left')).toEqual({ open: 3, total: 4 });
  });

  it('says that others are at what is left', async () => {
    await reviewedRun('shared', 1);
    await claim(db, 'shared', 'somebody else');
    const io = scripted(['a', 'q']);
    await reviewSession(db, 'shared', ada, io);
    expect(io.shown.join('\n')).toMatch(/1 item waits\.\n1 of them: other reviewers are looking/);
  });

  it('shows what a model wrote without letting it write to the terminal', async () => {
    const { rows } = await reviewedRun('hostile', 1);
    await db
      .update(t.samples)
      .set({
        rationale: `\u001b[2J\u001b]0;owned\u0007line one\nline\u202etwo\n${'x'.repeat(1_000_000)}`,
        answer: '\u001b[31m7',
      })
      .where(eq(t.samples.id, rows[0]!.sampleId));
    const io = scripted(['q']);
    await reviewSession(db, 'hostile', ada, io);
    const text = io.shown.join('\n');
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('line one\n  linetwo\n');
    expect(text).toContain('cut here');
    expect(text.length).toBeLessThan(10_000);
    expect(text).toMatch(/agreement +pass/);
    expect(text).toContain('all that the first iterations accept is reviewed');
  });
});
