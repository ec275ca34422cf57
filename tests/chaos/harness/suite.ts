/** The whole suite: an undisturbed run, then cells over one or more stacks, then a last look for what is left. */
import { sql } from 'drizzle-orm';
import { runFaultCell, type FaultCell, type FaultResult } from './fault-cells.ts';
import type { Fault } from './faults.ts';
import { callsOf, writeFaults } from './folder.ts';
import { inconsistencies } from './consistency.ts';
import { trainerJobs, type Reference } from './invariants.ts';
import { runKillCell, type KillResult } from './kill-cell.ts';
import { survivors } from './orphans.ts';
import type { KillCell } from './plan.ts';
import { storedCalls } from './repeats.ts';
import { MOST_IN_FLIGHT, startRun, waitForEnd } from './runs.ts';
import { takeSnapshot } from './snapshot.ts';
import { startHarness, type Harness, type HarnessOptions } from './stack.ts';

export type SuiteResult = {
  kills: KillResult[];
  faults: FaultResult[];
  /** What is wrong with what the suite left: processes, jobs. */
  left: string[];
  seconds: number;
};

export type SuiteOptions = {
  kills: KillCell[];
  faults: FaultCell[];
  /** Stacks at once. */
  lanes: number;
  signal?: AbortSignal;
  onResult?(line: string): void;
};

/** Stages of a second or two each, on a small pool. */
const SETTINGS: HarnessOptions = {
  jobMs: 1800,
  latencyMs: { base: 5, candidate: 55, sample: 55, resample: 160 },
  writeMs: 250,
};

/** Fault cells wait more than they work. */
const FAULT_CELLS_AT_ONCE = 4;

async function undisturbed(harness: Harness): Promise<Reference> {
  const runId = 'undisturbed';
  await startRun(harness, runId, 1);
  await waitForEnd(harness, runId, 300_000);
  const snapshot = await takeSnapshot(harness.db, runId);
  const wrong = await inconsistencies(harness.db, runId);
  const { triples, decisions, work } = snapshot;
  // A reference that accepts, promotes or asks nothing would make every comparison with it empty.
  if (triples.length === 0) wrong.push('it accepted nothing');
  if (decisions.length !== 1 || decisions[0]!.kind !== 'promote')
    wrong.push('it did not promote its candidate');
  for (const [what, n] of Object.entries(work)) {
    if (n < 2 * MOST_IN_FLIGHT) wrong.push(`it has only ${n} ${what}`);
  }
  if (wrong.length > 0) throw new Error(`The undisturbed run is of no use: ${wrong.join('; ')}.`);
  const calls = callsOf(harness.model.folder, runId);
  return { snapshot, calls, unstored: calls.length - (await storedCalls(harness.db, runId)) };
}

/** Jobs at the trainer that no run knows of: paid for, and used by nobody. */
async function unknownJobs(harness: Harness): Promise<string[]> {
  const { rows } = await harness.db.execute<{ n: number }>(sql`select count(*)::int as n from training_jobs`);
  const jobs = trainerJobs(harness);
  return jobs === rows[0]!.n ? [] : [`the trainer has ${jobs} jobs, the database ${rows[0]!.n}`];
}

/** Takes cells from the common list until it is empty. */
async function inTurn<T>(list: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let item = list.shift(); item !== undefined; item = list.shift()) await work(item);
}

/** Runs the cells; when the signal aborts, the stacks are stopped and it throws. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { kills, faults, lanes, signal, onResult = () => undefined } = options;
  const began = performance.now();
  const result: SuiteResult = { kills: [], faults: [], left: [], seconds: 0 };
  const harnesses: Harness[] = [];
  const aborted = new Promise<never>((_, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error)),
  );

  async function allFaults(harness: Harness, reference: Reference): Promise<void> {
    const left = [...faults];
    const inForce: Record<string, Fault> = {};
    const lane = () =>
      inTurn(left, async (cell) => {
        const runId = `fault-${faults.indexOf(cell) + 1}`;
        const setFault = (fault: Fault | undefined) => {
          delete inForce[runId];
          if (fault) inForce[runId] = fault;
          writeFaults(harness.model.folder, inForce);
        };
        const done = await runFaultCell({ harness, runId, reference, setFault }, cell);
        result.faults.push(done);
        onResult(line(cell.name, done));
      });
    await Promise.all(Array.from({ length: FAULT_CELLS_AT_ONCE }, lane));
  }

  async function work(): Promise<void> {
    // One after the other: they look for free ports.
    for (let i = 0; i < lanes; i++) {
      signal?.throwIfAborted();
      harnesses.push(await startHarness(SETTINGS));
    }
    const reference = await undisturbed(harnesses[0]!);
    const { snapshot, calls } = reference;
    onResult(`undisturbed: ${snapshot.triples.length} triples, ${calls.length} calls`);
    const killsLeft = [...kills];
    await Promise.all(
      harnesses.map(async (harness, lane) => {
        if (lane === 0) await allFaults(harness, reference);
        await inTurn(killsLeft, async (cell) => {
          const done = await runKillCell(harness, cell, reference);
          result.kills.push(done);
          const { victim, stage, point } = cell;
          const repeated = `${done.repeated} of ${done.inFlight} repeated`;
          onResult(line(`${victim} in ${stage} at ${point} %`, done, repeated));
        });
      }),
    );
    for (const harness of harnesses) result.left.push(...(await unknownJobs(harness)));
  }

  try {
    await Promise.race([work(), aborted]);
  } finally {
    await Promise.all(harnesses.map((harness) => harness.stop()));
    for (const { home } of harnesses)
      result.left.push(...survivors(home).map((left) => `${left} survived the end of its stack`));
  }
  result.kills.sort((a, b) => kills.indexOf(a.cell) - kills.indexOf(b.cell));
  result.faults.sort((a, b) => faults.indexOf(a.cell) - faults.indexOf(b.cell));
  result.seconds = (performance.now() - began) / 1000;
  return result;
}

function line(
  name: string,
  { broken, seconds }: { broken: string[]; seconds: number },
  more?: string,
): string {
  const marks = broken.length === 0 ? '✓' : '✗';
  const details = [more, `${seconds.toFixed(1)} s`, ...broken].filter(Boolean).join(', ');
  return `${marks} ${name} (${details})`;
}

export function passed({ kills, faults, left }: SuiteResult): boolean {
  return left.length === 0 && [...kills, ...faults].every(({ broken }) => broken.length === 0);
}
