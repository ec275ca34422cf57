/** What an endpoint does wrong, and how a run must take it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { random } from '../../../loop/random.ts';
import { inconsistencies } from './consistency.ts';
import { ANSWER_FAULTS, type AnswerFault, type Fault } from './faults.ts';
import { callsOf } from './folder.ts';
import { differences, type Reference } from './invariants.ts';
import { abandon, MOST_IN_FLIGHT, patiently, startRun, waitForEnd, waitForStatus } from './runs.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Harness } from './stack.ts';

export type FaultCell = { name: string; expected: string; run(place: Place): Promise<string[]> };

export type FaultResult = { cell: FaultCell; broken: string[]; seconds: number };

/** Where a fault cell happens. */
export type Place = {
  harness: Harness;
  runId: string;
  reference: Reference;
  setFault(fault: Fault | undefined): void;
};

const END_MS = 300_000;

async function checkCompleted({ harness, runId, reference }: Place): Promise<string[]> {
  await waitForEnd(harness, runId, END_MS);
  const snapshot = await takeSnapshot(harness.db, runId);
  return [...differences(snapshot, reference.snapshot), ...(await inconsistencies(harness.db, runId))];
}

/** A few answers of the run go wrong, two of them in a row; it must end as if nothing had happened. */
function spoilt(kind: AnswerFault, seed: number): FaultCell {
  return {
    name: kind,
    expected: 'completes with the same triples and dataset',
    async run(place) {
      const draw = random(`chaos ${seed} fault ${kind}`);
      const calls = place.reference.calls.length;
      // A hang is waited for: once is enough.
      const shares = kind === 'hang' ? [0.45] : [0.1, 0.45, 0.8];
      const ordinals = shares.map((from) => 1 + Math.floor(calls * (from + 0.1 * draw())));
      place.setFault({ kind, at: ordinals.flatMap((n) => [n, n + 1]) });
      await startRun(place.harness, place.runId, 1);
      return checkCompleted(place);
    },
  };
}

async function retryParked({ harness, runId }: Place): Promise<void> {
  await patiently('the signal', () => harness.client.workflow.getHandle(runId).signal('retryIteration'));
}

const quota = (seed: number): FaultCell => ({
  name: 'insufficient_quota',
  expected: 'parks at once without further calls; `retryIteration` completes it',
  async run(place) {
    const { harness, runId, reference, setFault } = place;
    const from = Math.floor(reference.calls.length * (0.3 + 0.1 * random(`chaos ${seed} quota`)()));
    setFault({ kind: 'insufficient_quota', from });
    await startRun(harness, runId, 1);
    const { reason } = await waitForStatus(harness, runId, ['parked'], 180_000);
    const broken: string[] = [];
    if (!/quota/i.test(reason ?? '')) broken.push(`it does not say why it parked: ${reason}`);
    const refused = callsOf(harness.model.folder, runId).length - (from - 1);
    if (refused > MOST_IN_FLIGHT) broken.push(`${refused} calls after the quota was used up`);
    setFault(undefined);
    await retryParked(place);
    return [...broken, ...(await checkCompleted(place))];
  },
});

/** Waits until the first iteration is decided: its adapter is promoted, and the next one is to use it. */
async function firstPromotion({ harness, runId }: Place): Promise<string> {
  const deadline = Date.now() + 180_000;
  while (Date.now() < deadline) {
    const { rows } = await harness.db.execute<{ model: string }>(sql`
      select c.model from decisions d join iterations i on i.id = d.iteration_id
        join checkpoints c on c.id = d.best_id
      where i.run_id = ${runId} and d.kind = 'promote'`);
    if (rows[0]) return rows[0].model;
    await sleep(20);
  }
  throw new Error('nothing was promoted in 180 s');
}

async function decided({ harness, runId }: Place): Promise<string[]> {
  const snapshot = await takeSnapshot(harness.db, runId);
  const broken = snapshot.decisions.length === 2 ? [] : [`${snapshot.decisions.length} decisions, not 2`];
  return [...broken, ...(await inconsistencies(harness.db, runId))];
}

const evictedWithLoader: FaultCell = {
  name: 'promoted adapter evicted, server can load adapters',
  expected: 'it is loaded again and the run completes',
  async run(place) {
    await startRun(place.harness, place.runId, 2);
    place.setFault({ kind: 'evicted', model: await firstPromotion(place), reload: true });
    await waitForEnd(place.harness, place.runId, END_MS);
    return decided(place);
  },
};

const evictedForGood: FaultCell = {
  name: 'promoted adapter evicted, server cannot load adapters',
  expected: 'parks and names it; completes when it is served again',
  async run(place) {
    const { harness, runId, setFault } = place;
    await startRun(harness, runId, 2);
    const model = await firstPromotion(place);
    setFault({ kind: 'evicted', model, reload: false });
    const { reason } = await waitForStatus(harness, runId, ['parked'], 180_000);
    const broken = reason?.includes(model) ? [] : [`it does not name ${model}: ${reason}`];
    setFault(undefined);
    await retryParked(place);
    await waitForEnd(harness, runId, END_MS);
    return [...broken, ...(await decided(place))];
  },
};

export function faultCells(seed: number): FaultCell[] {
  return [...ANSWER_FAULTS.map((kind) => spoilt(kind, seed)), quota(seed), evictedWithLoader, evictedForGood];
}

export async function runFaultCell(place: Place, cell: FaultCell): Promise<FaultResult> {
  const began = performance.now();
  let broken: string[];
  try {
    broken = await cell.run(place);
  } catch (error) {
    broken = [(error as Error).message];
    await abandon(place.harness, place.runId);
  }
  return { cell, broken, seconds: (performance.now() - began) / 1000 };
}
