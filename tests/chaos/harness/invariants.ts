/** What must hold of a run that was disturbed, whatever was killed and when. */
import { inconsistencies } from './consistency.ts';
import { callsOf, journal, type Call } from './folder.ts';
import { orphans } from './orphans.ts';
import { callsAfterTheirStage, compareCalls, inFlightAt } from './repeats.ts';
import { MOST_IN_FLIGHT } from './runs.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';
import type { Harness } from './stack.ts';

/** The undisturbed run that disturbed ones are compared with. */
export type Reference = {
  snapshot: Snapshot;
  calls: Call[];
  /** How many of them are not in the ledger. */
  unstored: number;
};

export type Found = {
  broken: string[];
  repeated: number;
  /** Begun but not stored when the victim was killed. */
  inFlight: number;
};

const SAME: { field: keyof Snapshot; what: string }[] = [
  { field: 'triples', what: 'accepted triples' },
  { field: 'digests', what: 'dataset digests' },
  { field: 'samples', what: 'samples' },
  { field: 'decisions', what: 'decisions' },
  { field: 'evaluations', what: 'evaluations' },
  { field: 'answers', what: 'benchmark answers' },
  { field: 'checkpoints', what: 'checkpoints' },
];

/** What differs from the undisturbed run. */
export function differences(snapshot: Snapshot, reference: Snapshot): string[] {
  return SAME.filter(({ field }) => JSON.stringify(snapshot[field]) !== JSON.stringify(reference[field])).map(
    ({ field, what }) => {
      const [now, before] = [snapshot[field], reference[field]];
      const counts =
        Array.isArray(now) && Array.isArray(before)
          ? ` (${now.length}, not ${before.length}, or others)`
          : '';
      return `other ${what} than undisturbed${counts}`;
    },
  );
}

/** Checks a run whose stack was hit by a kill at `killedMs`; `jobsBefore` are the trainer's jobs before the run. */
export async function checkKilledRun(
  harness: Harness,
  runId: string,
  reference: Reference,
  { killedMs, jobsBefore }: { killedMs: number; jobsBefore: number },
): Promise<Found> {
  const { db, model } = harness;
  const snapshot = await takeSnapshot(db, runId);
  const calls = callsOf(model.folder, runId);
  const { repeated, foreign, missing } = compareCalls(calls, reference.calls);
  const inFlight = await inFlightAt(db, model.folder, runId, { killedMs, unstored: reference.unstored });
  const broken = differences(snapshot, reference.snapshot);
  if (inFlight > MOST_IN_FLIGHT) broken.push(`${inFlight} calls in flight, more than ${MOST_IN_FLIGHT}`);
  if (repeated > inFlight) broken.push(`${repeated} calls repeated, ${inFlight} were in flight`);
  if (foreign > 0) broken.push(`${foreign} calls that the undisturbed run did not make`);
  if (missing > 0) broken.push(`${missing} calls of the undisturbed run were not made`);
  const late = callsAfterTheirStage(calls, snapshot.stages, {
    calls: reference.calls,
    stages: reference.snapshot.stages,
  });
  if (late.length > 0) broken.push(`${late.length} calls of finished stages (${late[0]})`);

  const candidates = reference.snapshot.digests.length;
  const jobs = trainerJobs(harness) - jobsBefore;
  if (jobs !== candidates) broken.push(`${jobs} jobs at the trainer for ${candidates} candidates`);
  if (snapshot.trainingJobs !== candidates)
    broken.push(`${snapshot.trainingJobs} training jobs stored for ${candidates} candidates`);
  const promotions = (of: Snapshot) => of.decisions.filter(({ kind }) => kind === 'promote').length;
  if (promotions(snapshot) !== promotions(reference.snapshot))
    broken.push(`${promotions(snapshot)} promotions, not ${promotions(reference.snapshot)}`);
  broken.push(...(await inconsistencies(db, runId)));
  broken.push(...orphans(harness.home).map((orphan) => `orphan ${orphan}`));
  return { broken, repeated, inFlight };
}

/** Fine-tuning jobs that the trainer was ever given. */
export function trainerJobs(harness: Harness): number {
  return journal(harness.model.folder)
    .entries()
    .filter((entry) => 'job' in entry).length;
}
