import { checkKilledRun, trainerJobs, type Reference } from './invariants.ts';
import { waitForMoment } from './moments.ts';
import type { KillCell } from './plan.ts';
import { abandon, startRun, waitForEnd } from './runs.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Harness } from './stack.ts';

export type KillResult = {
  cell: KillCell;
  /** Empty: every invariant holds. */
  broken: string[];
  repeated: number;
  inFlight: number;
  seconds: number;
};

/** How long a disturbed run may take; a worker's death is noticed by its missing heartbeats. */
const END_MS = 200_000;

/** A kill that came when the stage was over says nothing about the stage: it is tried again. */
const TRIES = 4;

/** Starts a run, kills the victim in the middle of the stage, lets the run end, and checks it. */
export async function runKillCell(
  harness: Harness,
  cell: KillCell,
  reference: Reference,
): Promise<KillResult> {
  const { victim, stage, point } = cell;
  const name = `${victim}-${stage}-${point}`.toLowerCase().replaceAll(' ', '-');
  const result: KillResult = { cell, broken: [], repeated: 0, inFlight: 0, seconds: 0 };
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const runId = `${name}-${attempt}`;
    try {
      await harness.settled(victim);
      const jobsBefore = trainerJobs(harness);
      const began = performance.now();
      await startRun(harness, runId, 1);
      await waitForMoment(harness, runId, cell, reference.snapshot);
      const killedMs = harness.kill(victim);
      await harness.healthy();
      await waitForEnd(harness, runId, END_MS);
      const found = await checkKilledRun(harness, runId, reference, { killedMs, jobsBefore });
      Object.assign(result, found, { seconds: (performance.now() - began) / 1000 });
      const { stages } = await takeSnapshot(harness.db, runId);
      const hit = stages.find((s) => s.name === stage && s.index === 1)!;
      const landed = hit.startedMs <= killedMs && killedMs < hit.finishedMs;
      if (landed || found.broken.length > 0) return result;
      result.broken = [`the kill missed the stage ${TRIES} times`];
    } catch (error) {
      result.broken = [(error as Error).message];
      await abandon(harness, runId);
      await harness.healthy();
      return result;
    }
  }
  return result;
}
