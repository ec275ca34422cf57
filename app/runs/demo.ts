/** Which run the demo goes on with, and which it begins. */
import type { RunStatus } from '../../loop/words.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Db } from '../../db/connect.ts';
import { allRuns, setRunStatus } from '../../db/queries/runs.ts';
import { workflowState } from '../temporal.ts';

export type DemoRun = { id: string; continues?: { status: RunStatus; iterations: number } };

function counterOf(id: string, name: string): number | undefined {
  if (id === name) return 1;
  const rest = id.startsWith(`${name}-`) ? id.slice(name.length + 1) : '';
  return /^[1-9]\d*$/.test(rest) ? Number(rest) : undefined;
}

/**
 * The unfinished run of this name, else the name with the next free number. A failed run counts as
 * unfinished: what it has done is kept, and it goes on from there.
 */
export function chooseDemoRun(
  name: string,
  runs: { id: string; status: RunStatus; settings: { iterations: number } }[],
): DemoRun {
  const own = runs
    .map((run) => ({ run, counter: counterOf(run.id, name) }))
    .filter((one): one is { run: (typeof runs)[number]; counter: number } => one.counter !== undefined)
    .sort((a, b) => a.counter - b.counter);
  const last = own.at(-1);
  if (!last) return { id: name };
  const { run, counter } = last;
  if (run.status === 'running' || run.status === 'failed') {
    return { id: run.id, continues: { status: run.status, iterations: run.settings.iterations } };
  }
  return { id: `${name}-${counter + 1}` };
}

export async function demoRun(db: Db, name: string): Promise<DemoRun> {
  return chooseDemoRun(name, await allRuns(db));
}

/** A cancelled run lets go of its training job; one that does not end by itself is terminated. */
const patienceMs = 20_000;

/** Ends the unfinished run for good, so that the next one starts over. Answers its id when there was one. */
export async function endUnfinished(db: Db, client: Client, name: string): Promise<string | undefined> {
  const { id, continues } = await demoRun(db, name);
  // A run that was killed in its first second is in Temporal but not in the database.
  const { state } = await workflowState(client, id);
  const reason = 'ended by demo --fresh';
  if (state === 'open') {
    const handle = client.workflow.getHandle(id);
    await handle.cancel();
    const ended = handle.result().catch(() => {});
    await Promise.race([ended, sleep(patienceMs, undefined, { ref: false })]);
    if ((await workflowState(client, id)).state === 'open') await handle.terminate(reason);
  }
  if (continues) await setRunStatus(db, id, 'stopped', reason);
  return continues || state === 'open' ? id : undefined;
}
