import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { armSentence } from '../../app/report/wording.ts';
import type { Report } from '../../app/report/types.ts';
import { listRuns, renderList } from '../../cli/list.ts';
import { width } from '../../process/text.ts';
import type { Db } from '../../db/connect.ts';
import { newestRun } from '../../db/queries/runs.ts';
import { eq } from 'drizzle-orm';
import { leaks, majorityItems, majoritySamples, runs, stages } from '../../db/schema.ts';
import { mcnemar } from '../../loop/mcnemar.ts';
import { createTestDatabase } from '../support/database.ts';
import { addCall, addCheckpoint, addIteration, addRun, addTwoIterations } from '../cli/fixture.ts';

let db: Db;
let drop: () => Promise<void>;
let report: Report;

beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
  await addTwoIterations(db, 'demo');
  report = await buildReport(db, 'demo');
}, 120_000);
afterAll(() => drop());

test('base and best carry their scores with intervals, model, adapter folder and fingerprint', () => {
  expect(report).toMatchObject({ run: 'demo', task: 'arithmetic', status: 'completed', experiment: 'none' });
  expect(report.base).toMatchObject({
    model: 'builtin',
    path: null,
    target: { correct: 4, total: 40, rate: 0.1 },
  });
  expect(report.best).toMatchObject({
    iteration: 1,
    model: 'ft:builtin:1',
    path: '/data/adapters/1',
    fingerprint: 'fp_1',
    target: { correct: 30, total: 40 },
    guard: { correct: 19, total: 20 },
    final: { correct: 24, total: 30 },
  });
  const { low, high } = report.best!.target!;
  expect(low).toBeCloseTo(0.598, 3);
  expect(high).toBeCloseTo(0.858, 3);
});

test('base and best are compared pair by pair, and by group in the order of the numbers', () => {
  const target = report.comparison.find((one) => one.role === 'target')!;
  expect(target).toMatchObject({ onlyBase: 0, onlyBest: 26, pValue: mcnemar(26, 0) });
  expect(
    target.groups.map((group) => [group.group, group.base.correct, group.best.correct, group.best.total]),
  ).toEqual([
    ['4', 2, 15, 20],
    ['10', 2, 15, 20],
  ]);
  expect(report.comparison.find((one) => one.role === 'guard')!.pValue).toBe(1);
});

test('an iteration tells its pool, what was accepted, how much of it was right, and what was decided', () => {
  const [first, second] = report.iterations;
  expect(first).toMatchObject({
    levels: [4, 5],
    prompts: 4,
    rehearsal: 1,
    samples: 9,
    accepted: 3,
    examples: 6,
    hardExamples: 2,
    rehearsalExamples: 1,
    agreement: 0.6875,
    decision: 'promote',
    pValue: 1.2e-5,
    seconds: 61,
    tokens: 15 + 1000,
    before: { correct: 4 },
    target: { correct: 30 },
    final: { correct: 24 },
  });
  expect(second).toMatchObject({
    decision: 'discard',
    before: { correct: 30 },
    target: { correct: 29 },
    final: null,
  });
});

test('precision counts pseudo-labels, not examples, and never rehearsal prompts', () => {
  expect(report.iterations[0]!.pseudoLabels).toEqual({ correct: 2, total: 3 });
  expect(report.iterations[0]!.pseudoLabelPrecision).toBeCloseTo(2 / 3);
  expect(report.totals.pseudoLabelPrecision).toBe(0.75);
});

test('unscored verdicts are counted apart from passed and failed ones', () => {
  expect(report.iterations[0]!.gates).toEqual([
    { gate: 'agreement', advisory: false, pass: 6, fail: 2, unscored: 0 },
    { gate: 'critique', advisory: true, pass: 0, fail: 0, unscored: 8 },
  ]);
});

test('the text stays within 100 columns and says what a reader looks for', () => {
  const text = renderReport(report);
  for (const line of text.split('\n')) expect(width(line)).toBeLessThanOrEqual(100);
  expect(text).toContain('10.0 % [4.0–23.1]   4/40');
  expect(text).toContain('+65.0');
  expect(text).toMatch(/promoted\s+10\.0 → 75\.0 %\s+1\.2e-5/);
  expect(text).toContain('/data/adapters/1');
  expect(text).not.toContain('\u001b');
});

test('the majority of the base and dropped leaks stand beside the gain', async () => {
  expect(report.majority).toBeNull();
  expect(report.totals.leaks).toEqual({ collected: 0, trained: 0, exact: 0, near: 0 });
  expect(renderReport(report)).toContain('none: no drawn prompt and no example was a held-out problem');

  await addTwoIterations(db, 'voted', { seed: 9 });
  const items = (await db.query.benchmarkItems.findMany()).filter(
    (item) => item.runId === 'voted' && item.role === 'target',
  );
  const votes = items.map(({ id }, i) => ({
    itemId: id,
    samples: 8,
    votes: 5,
    runnerUpVotes: 2,
    answer: '2',
    correct: i < 22,
  }));
  await db.insert(majorityItems).values(votes.slice(0, 39));
  expect((await buildReport(db, 'voted')).majority, 'not to the end').toBeNull();
  await db.insert(majorityItems).values(votes.slice(39));
  const callId = await addCall(db, 'voted', null, 'majority');
  const drawn = { rewrite: 'as-is', strategy: 'plain', rationale: '', callId };
  await db.insert(majoritySamples).values(
    items.flatMap(({ id }, i) => [
      { ...drawn, itemId: id, index: 0, answer: '3' },
      { ...drawn, itemId: id, index: 1, answer: i < 33 ? '2' : null },
      { ...drawn, itemId: id, index: 2, answer: i < 22 ? '2' : '4' },
    ]),
  );
  const iteration = (await db.query.iterations.findMany()).find((row) => row.runId === 'voted')!;
  const leak = { iterationId: iteration.id, key: 'k', text: '1+1', benchmark: 'target', itemKey: 'k' };
  await db.insert(leaks).values([
    { ...leak, stage: 'collect', position: 0, kind: 'exact', similarity: 1 },
    { ...leak, stage: 'collect', position: 1, kind: 'near', similarity: 0.9 },
    { ...leak, stage: 'train', position: 0, kind: 'exact', similarity: 1 },
  ]);

  const voted = await buildReport(db, 'voted');
  expect(voted.majority).toMatchObject({
    samples: 8,
    score: { correct: 22, total: 40, rate: 0.55 },
    pass: { correct: 33, total: 40 },
  });
  expect((await buildReport(db, 'voted', { truth: false })).majority).toMatchObject({ pass: null });
  expect(voted.iterations[0]!.leaks).toEqual({ collected: 2, trained: 1, exact: 2, near: 1 });
  const text = renderReport(voted).replaceAll(/\s+/g, ' ');
  expect(text).toContain(
    "The base's majority of 8 samples (maj@8) gets 55.0 % of target right, one of them at least (pass@8) 82.5 %, where one answer of it gets 10.0 % " +
      'and one of the best 75.0 %: 20.0 points beyond that majority.',
  );
  expect(text).toContain(
    '2 of the drawn prompts and 1 of the examples dropped as held-out problems (2 exact, 1 near)',
  );
});

test('colour adds nothing but colour', () => {
  // eslint-disable-next-line no-control-regex
  expect(renderReport(report, { color: true }).replaceAll(/\u001b\[\d+m/g, '')).toBe(renderReport(report));
});

test('the arms of the experiment say what they show, and are set against each other', async () => {
  await addTwoIterations(db, 'demo-control', { experiment: 'control' });
  await addTwoIterations(db, 'demo-ungated', { experiment: 'ungated' });
  await addTwoIterations(db, 'other-seed', { experiment: 'control', seed: 7 });
  const control = await buildReport(db, 'demo-control');
  expect(armSentence(control)).toContain(
    'trained on rehearsal only, so any gain here (final: +70.0 points) is not from pseudo-labels',
  );
  expect(armSentence(await buildReport(db, 'demo-ungated'))).toContain('every majority answer trained');
  expect(control.otherArms.map((arm) => arm.run).sort()).toEqual(['demo', 'demo-ungated']);
  expect(renderReport(control)).toContain('gates on');
});

test('a run without any promotion reports the base as the best', async () => {
  await addRun(db, 'fresh', {}, 'running');
  const base = await addCheckpoint(db, 'fresh', 0, { target: 4, guard: 20 });
  await addIteration(db, 'fresh', 1, base.id, false);
  const fresh = await buildReport(db, 'fresh');
  expect(fresh.best?.id).toBe(fresh.base?.id);
  expect(fresh.comparison.map((one) => one.pValue)).toEqual([null, null]);
  expect(renderReport(fresh)).toContain('nothing was promoted');
  expect(renderReport(fresh)).toContain('unfinished');
  expect((await newestRun(db, 'unfinished'))?.id).toBe('fresh');
});

test('a run that has stored nothing yet has a report too', async () => {
  await addRun(db, 'empty', {}, 'running');
  expect(renderReport(await buildReport(db, 'empty'))).toContain('0 iterations');
});

test('an unknown run is named with a way out', async () => {
  await expect(buildReport(db, 'nope')).rejects.toThrow(
    'There is no run "nope". See the runs there are with: ratchet list',
  );
});

test('the list shows each run with its progress and its gain', async () => {
  const runs = await listRuns(db);
  expect(runs.find((run) => run.run === 'demo')).toMatchObject({
    status: 'completed',
    iterations: { done: 2, planned: 8 },
    base: { correct: 4 },
    best: { correct: 30 },
  });
  expect(renderList(runs, false)).toMatch(/^demo\s+arithmetic\s+completed\s+2\/8\s+10\.0 → 75\.0 %/m);
  expect(renderList([], false)).toContain('ratchet run arithmetic');
});

test('the ways of which accepted rationales are stand in the report where they were counted', async () => {
  expect(report.iterations.map((one) => one.clusters)).toEqual([null, null]);
  expect(renderReport(report)).not.toContain('Clusters of rationales');
  await addTwoIterations(db, 'clustered', { seed: 10 });
  const [first, second] = (await db.query.iterations.findMany()).filter((row) => row.runId === 'clustered');
  const filtered = (clusters: object) => ({
    name: 'filter' as const,
    status: 'done' as const,
    output: { clusters },
  });
  await db.insert(stages).values([
    { ...filtered({ prompts: 4, chosen: 7, passed: 10 }), iterationId: first!.id },
    { ...filtered({ prompts: 0, chosen: 0, passed: 0 }), iterationId: second!.id },
  ]);
  const clustered = await buildReport(db, 'clustered');
  expect(clustered.iterations.map((one) => one.clusters)).toEqual([
    { prompts: 4, chosen: 7, passed: 10 },
    null,
  ]);
  const text = renderReport(clustered);
  expect(text).toMatch(/Clusters of rationales[\s\S]*\b1 +4 +7 +1\.75 +10 +2\.50\n/);
  for (const line of text.split('\n')) expect(width(line)).toBeLessThanOrEqual(100);
});

test('a task whose file is gone or has changed since hides nothing but what only it can tell', async () => {
  await addTwoIterations(db, 'moved');
  const taskSpec = { kind: 'module' as const, path: '/gone/task.ts', digest: '0'.repeat(64) };
  await db.update(runs).set({ taskSpec }).where(eq(runs.id, 'moved'));
  const moved = await buildReport(db, 'moved');
  expect(moved.taskProblem).toMatch(/^task module \/gone\/task\.ts: /);
  expect(moved.comparison).toEqual(report.comparison);
  expect(moved.iterations[0]).toMatchObject({ accepted: report.iterations[0]!.accepted });
  expect(moved.iterations[0]!.pseudoLabels).toBeNull();
  expect(report.taskProblem).toBeNull();
  expect(renderReport(moved)).toMatch('Left out is what only the task can tell');
});
