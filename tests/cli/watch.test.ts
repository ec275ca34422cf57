import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readProgress } from '../../app/runs/progress.ts';
import { progressBlock, createRates } from '../../cli/watch-lines.ts';
import { watchRun } from '../../cli/watch.ts';
import type { Db } from '../../db/connect.ts';
import {
  closeStage,
  failStage,
  finishIteration,
  openStage,
  setStageProgress,
  setStageTotal,
} from '../../db/queries/iterations.ts';
import { setRunStatus } from '../../db/queries/runs.ts';
import pc from 'picocolors';
import { createTestDatabase } from '../support/database.ts';
import { addCheckpoint, addDecision, addIteration, addPool, addRun, addTwoIterations } from './fixture.ts';

let db: Db;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
}, 120_000);
afterAll(() => drop());

const noColor = pc.createColors(false);

function pipe() {
  const lines: string[] = [];
  return { lines, write: (text: string) => lines.push(text.trimEnd()) > 0 };
}

async function unfinishedRun(id: string) {
  await addRun(db, id, { sampling: { samples: 2 } }, 'running');
  const base = await addCheckpoint(db, id, 0, { target: 4, guard: 20 });
  const iteration = await addIteration(db, id, 1, base.id, false);
  await openStage(db, iteration, 'collect');
  await addPool(db, id, iteration, base.id, [
    { text: '1+2', answer: '3', agreement: 1, accepted: 'vote' },
    { text: '1+3', answer: '5', agreement: 0.5, samples: 1 },
  ]);
  return { iteration };
}

test('a finished run is told in one line per iteration', async () => {
  await addTwoIterations(db, 'finished');
  const out = pipe();
  const end = await watchRun({
    db,
    runId: 'finished',
    out,
    color: false,
    signal: new AbortController().signal,
  });
  expect(end.end).toBe('completed');
  expect(out.lines).toEqual([
    'iteration 1  levels 4–5  pool 4  accepted 3 (75 %)  agreement 0.69  promoted  target 10.0 % → 75.0 %  p=1.2e-5  61 s',
    'iteration 2  levels 4–5  pool 1  accepted 1 (100 %)  agreement 0.50  discarded  target 75.0 % → 72.5 %  p=0.750  61 s',
  ]);
});

test('on a pipe stages are told as they are done, then the iteration, then how the run ended', async () => {
  const { iteration } = await unfinishedRun('live');
  const out = pipe();
  const watching = watchRun({
    db,
    runId: 'live',
    out,
    color: false,
    signal: new AbortController().signal,
    pollMs: 20,
    plainEveryMs: 200,
  });
  await closeStage(db, iteration, 'collect', {});
  await openStage(db, iteration, 'generate');
  await sleep(700);
  await closeStage(db, iteration, 'generate', {});
  await sleep(200);
  const candidate = await addCheckpoint(db, 'live', 1, { target: 9, guard: 20 });
  await addDecision(
    db,
    iteration,
    'promote',
    { candidateId: candidate.id, bestId: candidate.id },
    { pValue: 0.03 },
  );
  await finishIteration(db, iteration);
  await sleep(200);
  await setRunStatus(db, 'live', 'failed', 'the disk is full');
  expect(await watching).toEqual({ end: 'failed', reason: 'the disk is full' });
  expect(out.lines.some((line) => line.startsWith('iteration 1  generate  3/4 samples'))).toBe(true);
  expect(out.lines.some((line) => /^iteration 1 {2}generate {2}\d samples {2}/.test(line))).toBe(true);
  expect(out.lines.at(-1)).toMatch(
    /^iteration 1 {2}levels 4–5 {2}pool 2 {2}accepted 1 \(50 %\).*promoted {2}target 10\.0 % → 22\.5 %/,
  );
});

test('a terminal shows a bar with counts, and why a stage failed, without control characters', async () => {
  const { iteration } = await unfinishedRun('bars');
  await closeStage(db, iteration, 'collect', {});
  await openStage(db, iteration, 'adapt');
  await setStageTotal(db, iteration, 'adapt', 40);
  await setStageProgress(db, iteration, 'adapt', { step: 10 });
  const block = async () => progressBlock((await readProgress(db, 'bars'))!, createRates(), noColor);
  expect((await block()).join('\n')).toMatch(/adapt +█{6}░{18} 10\/40 steps/);
  await failStage(db, iteration, 'adapt', 'failed', 'out of \u001b[31mmemory\u001b[2J');
  expect((await block()).join('\n')).toMatch(/adapt +✗ failed\n +out of memory\n/);
});

test('a terminal of 30 columns still shows counts, and all of what a run waits for', async () => {
  const { iteration } = await unfinishedRun('narrow');
  await closeStage(db, iteration, 'collect', {});
  await openStage(db, iteration, 'adapt');
  await setStageTotal(db, iteration, 'adapt', 40);
  await setStageProgress(db, iteration, 'adapt', { step: 10 });
  const screen: string[] = [];
  const show = async (columns: number, until: string) => {
    screen.length = 0;
    const leave = new AbortController();
    const watching = watchRun({
      db,
      runId: 'narrow',
      out: { isTTY: true, columns, rows: 40, write: (text: string) => screen.push(text) > 0 },
      color: false,
      signal: leave.signal,
      pollMs: 20,
    });
    for (let polls = 0; polls < 500 && !screen.join('').includes(until); polls++) await sleep(20);
    leave.abort();
    await watching;
    const lines = stripVTControlCharacters(screen.join('')).split('\n');
    return lines.map((line) => line.slice(0, columns));
  };
  expect((await show(30, '10/40')).some((line) => line.includes('10/40 steps'))).toBe(true);
  await setRunStatus(
    db,
    'narrow',
    'parked',
    'iteration 1 failed: the endpoint is down. See that it answers.',
  );
  const shown = (await show(30, 'ratchet retry')).join(' ').replaceAll(/\s+/g, ' ');
  expect(shown).toContain('the endpoint is down. See that it answers.');
  expect(shown).toContain('ratchet retry narrow');
});

test('the measurement of the base is shown before the first iteration', async () => {
  await addRun(db, 'measuring', {}, 'running');
  const base = await addCheckpoint(db, 'measuring', 0, { target: 4 });
  await db.$client.query('update evaluations set finished_at = null, total = 80 where checkpoint_id = $1', [
    base.id,
  ]);
  const lines = progressBlock((await readProgress(db, 'measuring'))!, createRates(), noColor);
  expect(lines[0]).toBe('measuring the base');
  expect(lines[1]).toContain('40/80 items');
});

test('the watcher can leave; the run is not touched', async () => {
  await unfinishedRun('detached');
  const leave = new AbortController();
  const watching = watchRun({
    db,
    runId: 'detached',
    out: pipe(),
    color: false,
    signal: leave.signal,
    pollMs: 20,
  });
  await sleep(100);
  leave.abort();
  expect(await watching).toEqual({ end: 'detached' });
  expect((await readProgress(db, 'detached'))!.run.status).toBe('running');
});
