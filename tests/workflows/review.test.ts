/** A run that asks people: it waits for them, whatever happens to the workers, and does what they say. */
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { correct, judge, tellIterations, type Who } from '../../app/review/review.ts';
import { listReviews, type ListedReview } from '../../db/queries/reviews.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { loadTask } from '../../tasks/index.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { adder, longAddition } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const loop = useLoop({ ...adder, latencyMs: 0, jobMs: 20 });
const { start, rows, small } = loop;
const ada: Who = { reviewer: 'ada', holder: 'ada@here/1' };

type View = { state: string; reviewsWaiting?: number };
const waiting = (handle: WorkflowHandle) =>
  until('reviewers', async () => {
    const view = await handle.query<View>('status');
    return view.state === 'review' ? view.reviewsWaiting : undefined;
  });

const items = async (runId: string): Promise<ListedReview[]> => listReviews(loop.database.db, runId);
const decide = (runId: string, id: number, decision: 'accept' | 'reject') =>
  judge(loop.database.db, runId, id, { decision }, ada);
const goOn = (runId: string) => tellIterations(loop.temporal.client, runId, [1]);

const decisionOf = async (runId: string) =>
  (
    await rows<{ kind: string; reason: string }>(sql`select d.kind, d.reason from decisions d
      join iterations i on i.id = d.iteration_id where i.run_id = ${runId} and i.index = 1`)
  )[0];

/** Samples and kinds of what a run's datasets hold, rehearsal aside. */
const trained = (runId: string) =>
  rows<{ sample: number; kind: string; answer: string; rationale: string | null }>(sql`
    select e.sample_id::int as sample, e.kind, e.answer, e.rationale from dataset_examples m
    join examples e on e.id = m.example_id where e.run_id = ${runId} and e.kind <> 'rehearsal' order by e.id`);

const reviewing = (review: ImproveInput['review'], changes: ImproveInput = {}) =>
  small({ review, ...changes });

it('waits for reviewers over a restart of the workers, and trains on what they leave', async () => {
  const { db } = loop.database;
  const handle = await start('asking', reviewing({ iterations: 1 }));
  const count = await waiting(handle);
  const all = await items('asking');
  expect(all).toHaveLength(count);
  expect(all.length).toBeGreaterThan(10);
  const description = await handle.describe();
  expect(description.searchAttributes.RatchetStage).toEqual(['review']);
  const details = await (handle as WorkflowHandle).query('__temporal_workflow_metadata');
  expect(JSON.stringify(details)).toContain(`${count} items wait for review: ratchet review asking`);

  await loop.restartWorkers();
  expect(await decisionOf('asking')).toBeUndefined();

  const [rejected, corrected, ...others] = all;
  await decide('asking', rejected!.review.id, 'reject');
  // A reviewer's word is final: this sum is another one than the vote's.
  const [sample] = await rows<{ request: string; rewrite: string; key: string; text: string }>(
    sql`select s.request, s.rewrite, p.key, p.text from samples s join prompts p on p.id = s.prompt_id
      where s.id = ${corrected!.review.sampleId}`,
  );
  const task = loadTask({ kind: 'arithmetic' });
  const form = task.rewrites!(sample!, 1).find((one) => one.key === sample!.rewrite)!;
  const rationale = longAddition(sample!.request, 8);
  const answer = form.mapBack(task.readAnswer(rationale)!)!;
  expect(answer).not.toBe(corrected!.answer);
  expect(await correct(db, 'asking', corrected!.review.id, { answer, rationale }, ada)).toEqual({
    id: corrected!.review.id,
    note: 'becomes an example marked human',
  });
  // A look that finds some still undecided waits on.
  await goOn('asking');
  await until('the lower count', async () => (await waiting(handle)) === others.length);
  // Another example of the corrected prompt carries the answer that was wrong.
  const accepted = others.filter((one) => one.prompt !== corrected!.prompt);
  for (const one of others)
    await decide('asking', one.review.id, accepted.includes(one) ? 'accept' : 'reject');
  await goOn('asking');
  await handle.result();

  const learnt = await trained('asking');
  expect(learnt.map((one) => one.sample)).not.toContain(rejected!.review.sampleId);
  expect(learnt.filter((one) => one.kind === 'human')).toEqual([
    { sample: corrected!.review.sampleId, kind: 'human', answer, rationale },
  ]);
  expect(
    learnt
      .filter((one) => one.kind !== 'human')
      .map((one) => one.sample)
      .toSorted((a, b) => a - b),
  ).toEqual(accepted.map((one) => one.review.sampleId).toSorted((a, b) => a - b));
  await saveHistory(loop.temporal, 'asking', 'improve-review');
  await saveHistory(loop.temporal, 'asking/iteration-1', 'iteration-review');
}, 120_000);

it('does not train an iteration of which reviewers reject too much, and asks no further', async () => {
  const handle = await start('refused', reviewing({ iterations: 1, maxRejectedShare: 0.3 }));
  await waiting(handle);
  const all = await items('refused');
  for (const [i, one] of all.slice(0, 10).entries())
    await decide('refused', one.review.id, i < 4 ? 'reject' : 'accept');
  await goOn('refused');
  await handle.result();
  expect(await decisionOf('refused')).toEqual({
    kind: 'nothing-to-train',
    reason: 'reviewers rejected 4 of 10 (40 %), more than 30 %, so nothing was trained',
  });
  expect(await rows(sql`select 1 from checkpoints where run_id = 'refused' and kind = 'adapter'`)).toEqual(
    [],
  );
}, 120_000);

it('is decided by messages, paused, stopped and gone on with while it waits', async () => {
  const handle = await start('told', reviewing({ iterations: 1, auditShare: 0.5 }));
  await waiting(handle);
  const tooVague = await handle.executeUpdate('rejectReview', { args: [{}] }).catch((e: unknown) => e);
  expect(tooVague).toBeInstanceOf(WorkflowUpdateFailedError);
  const unknown = await handle
    .executeUpdate('approveReview', { args: [{ item: 987_654 }] })
    .catch((e: unknown) => e);
  expect((unknown as Error & { cause: Error }).cause.message).toMatch(/no review item 987654/);

  await handle.signal('pause');
  await until('the pause', async () => (await handle.query<View>('status')).state === 'paused');
  await handle.signal('resume');
  await waiting(handle);
  await handle.signal('stop', { by: 'ada' });
  expect(await handle.result()).toMatchObject({ status: 'stopped' });

  const again = await start('told', {});
  const count = await waiting(again);
  const [first] = await items('told');
  await again.signal('rejectReview', { item: first!.review.id, by: 'bob', reason: 'no carry' });
  await until('the rejection', async () => (await items('told'))[0]!.review.decision === 'reject');
  await until('the lower count', async () => (await waiting(again)) === count - 1);
  const { answer } = await again.executeUpdate<{ answer: string }, [unknown]>('approveReview', {
    args: [{ by: 'bob' }],
  });
  expect(answer).toBe(`accepted ${count - 1} items unseen; 0 wait`);
  expect(await again.result()).toMatchObject({ status: 'completed' });
  const learnt = (await trained('told')).map((one) => one.sample);
  expect(learnt.length).toBeGreaterThan(0);
  expect(learnt).not.toContain(first!.review.sampleId);
  const { review, messages } = await buildReport(loop.database.db, 'told');
  expect(review).toMatchObject({ items: count, waiting: 0, rejected: 1, unseen: count - 1 });
  expect(messages.map((one) => one.answer)).toContain(`rejected 1 item; ${count - 1} wait`);
}, 120_000);

it('gives an iteration up while it waits', async () => {
  const handle = await start('skipped', reviewing({ iterations: 2 }, { iterations: 1 }));
  await waiting(handle);
  await handle.signal('skipIteration', { by: 'ada' });
  await handle.result();
  expect((await decisionOf('skipped'))?.kind).toBe('skip');
}, 120_000);

it('measures the real precision without waiting, where it is told to', async () => {
  const handle = await start('measured', reviewing({ auditShare: 1, required: false }));
  await handle.result();
  expect((await trained('measured')).length).toBeGreaterThan(0);
  const all = await items('measured');
  for (const [i, one] of all.entries())
    await decide('measured', one.review.id, i === 0 ? 'reject' : 'accept');
  const { review } = await buildReport(loop.database.db, 'measured');
  expect(review!.precision).toMatchObject({ correct: all.length - 1, total: all.length });
}, 120_000);

it('what people said of the same words before is the verdict of the gate human', async () => {
  const first = await start('heard', reviewing({ iterations: 1 }));
  await waiting(first);
  const all = await items('heard');
  const [rejected, ...others] = all;
  await decide('heard', rejected!.review.id, 'reject');
  for (const one of others) await decide('heard', one.review.id, 'accept');
  await goOn('heard');
  await first.result();

  // The same prompts and samples, and nothing but what a person has accepted may train.
  const gates = { critique: { mode: 'off' }, policy: { human: 'required' } } as const;
  const second = await start('heeding', small({ gates }));
  await second.result();
  const verdicts = await rows<{ outcome: string; reason: string; n: number }>(sql`
    select v.outcome, v.reason, count(*)::int as n from verdicts v join samples s on s.id = v.sample_id
      join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id
      where i.run_id = 'heeding' and v.gate = 'human' group by 1, 2 order by 1`);
  expect(verdicts.map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['fail', 'rejected by ada'],
    ['pass', 'accepted by ada'],
    ['unscored', 'nobody has decided'],
  ]);
  const learnt = await trained('heeding');
  expect(learnt.length).toBeGreaterThan(0);
  const said = await rows<{ outcome: string }>(sql`
    select distinct v.outcome from examples e join verdicts v on v.sample_id = e.sample_id and v.gate = 'human'
      where e.run_id = 'heeding'`);
  expect(said).toEqual([{ outcome: 'pass' }]);
}, 120_000);
