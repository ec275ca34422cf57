/** Which calls a kill has cost: the calls of a run against those of the undisturbed one. */
import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';
import { callsOf, type Call } from './folder.ts';
import type { StageTimes } from './snapshot.ts';

function countKeys(calls: Call[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of calls) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

export type Comparison = {
  /** Calls made more often than in the undisturbed run. */
  repeated: number;
  /** Calls that the undisturbed run never made, and calls of it that were never made. */
  foreign: number;
  missing: number;
};

export function compareCalls(calls: Call[], reference: Call[]): Comparison {
  const wanted = countKeys(reference);
  const made = countKeys(calls);
  const result = { repeated: 0, foreign: 0, missing: 0 };
  for (const [key, times] of made) {
    const expected = wanted.get(key);
    if (expected === undefined) result.foreign += times;
    else result.repeated += Math.max(0, times - expected);
  }
  for (const [key, times] of wanted) result.missing += Math.max(0, times - (made.get(key) ?? 0));
  return result;
}

/**
 * Calls that belong to a stage (it made them in the undisturbed run, and no other) but came after the stage was
 * done. The stages of an iteration never overlap, so times tell which stage made a call.
 */
export function callsAfterTheirStage(
  calls: Call[],
  stages: StageTimes[],
  reference: { calls: Call[]; stages: StageTimes[] },
): string[] {
  const stageAt = (all: StageTimes[], atMs: number) =>
    all.find((s) => s.startedMs <= atMs && atMs <= s.finishedMs);
  const homes = new Map<string, Set<string>>();
  for (const { key, atMs } of reference.calls) {
    const stage = stageAt(reference.stages, atMs);
    const home = stage ? `${stage.index}/${stage.name}` : '';
    homes.set(key, (homes.get(key) ?? new Set()).add(home));
  }
  return calls.flatMap(({ key, atMs }) => {
    const [home, ...others] = homes.get(key) ?? [''];
    if (!home || others.length > 0) return [];
    const stage = stages.find((s) => `${s.index}/${s.name}` === home);
    return stage && atMs > stage.finishedMs
      ? [`a call of ${home} ${atMs - stage.finishedMs} ms after its end`]
      : [];
  });
}

/** The supervisor waits at least this long before it starts a part again. */
const RESTART_AFTER_MS = 400;

/** Calls of the run so far that are in the ledger. */
export async function storedCalls(db: Db, runId: string, untilMs = Date.now()): Promise<number> {
  const { rows } = await db.execute<{ n: number }>(sql`
    select coalesce(sum(requests), 0)::int as n from model_calls where run_id = ${runId} and error is null
      and extract(epoch from created_at) * 1000 <= ${untilMs}`);
  return rows[0]!.n;
}

/**
 * Calls of the run that were begun, but not stored, when something was killed: what may be lost with it.
 *
 * @param unstored calls that even an undisturbed run does not store
 */
export async function inFlightAt(
  db: Db,
  folder: string,
  runId: string,
  { killedMs, unstored }: { killedMs: number; unstored: number },
): Promise<number> {
  const untilMs = killedMs + RESTART_AFTER_MS;
  const begun = callsOf(folder, runId).filter(({ atMs }) => atMs <= untilMs).length;
  return Math.max(0, begun - unstored - (await storedCalls(db, runId, untilMs)));
}
