/** One run of the loop in the stack under test. */
import type { RunStatus } from '../../../loop/words.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { ImproveInput } from '../../../loop/input.ts';
import { TASK_QUEUE, WORKFLOW } from '../../../workflows/names.ts';
import { adder } from '../../support/scripted-adder.ts';
import type { Harness } from './stack.ts';

const PAGES_IN_FLIGHT = 2;
const CALLS_IN_FLIGHT = 4;

/** The most calls that can be in flight at once in a run. */
export const MOST_IN_FLIGHT = PAGES_IN_FLIGHT * CALLS_IN_FLIGHT;

export async function startRun(harness: Harness, runId: string, iterations: number): Promise<void> {
  const input: ImproveInput = {
    iterations,
    seed: 7,
    pool: { prompts: 24, rehearsal: 6 },
    // Every run asks the same questions: with the cache only the first would really ask them.
    sampling: { cache: false },
    benchmark: { size: 'quick' },
    gates: { critique: { mode: 'off' } },
    probes: { mode: 'off' },
    models: { generator: { baseURL: harness.model.baseURL(runId), model: adder.baseModel } },
    paging: { promptsPerPage: 8, pagesInFlight: PAGES_IN_FLIGHT, callsInFlight: CALLS_IN_FLIGHT },
  };
  await harness.client.workflow.start(WORKFLOW.improve, {
    workflowId: runId,
    taskQueue: TASK_QUEUE.main,
    args: [input],
  });
}

/** Asks again while what is asked is down or coming back. */
export async function patiently<T>(what: string, ask: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      await sleep(100);
    }
  }
}

export type RunState = { status: RunStatus; reason: string | null } | undefined;

function runState({ db }: Harness, runId: string): Promise<RunState> {
  return patiently('the state of the run', async () => {
    const { rows } = await db.execute<{ status: RunStatus; reason: string | null }>(
      sql`select status, status_reason as reason from runs where id = ${runId}`,
    );
    return rows[0];
  });
}

/** Waits until the run has one of these states. @throws Error when it ends otherwise, or not in time */
export async function waitForStatus(
  harness: Harness,
  runId: string,
  wanted: RunStatus[],
  timeoutMs: number,
): Promise<NonNullable<RunState>> {
  const deadline = Date.now() + timeoutMs;
  let last: RunState;
  while (Date.now() < deadline) {
    last = await runState(harness, runId);
    if (last && wanted.includes(last.status)) return last;
    if (last && ['completed', 'failed', 'stopped'].includes(last.status))
      throw new Error(`the run ${last.status}: ${last.reason ?? 'no reason given'}`);
    await sleep(50);
  }
  const now = last ? `${last.status}${last.reason ? `: ${last.reason}` : ''}` : 'not stored';
  throw new Error(`after ${timeoutMs / 1000} s the run is not ${wanted.join(' or ')} (${now})`);
}

/** Waits for the end of the run, in the database and in Temporal. */
export async function waitForEnd(harness: Harness, runId: string, timeoutMs: number): Promise<void> {
  await waitForStatus(harness, runId, ['completed'], timeoutMs);
  await patiently('the result of the workflow', () => harness.client.workflow.getHandle(runId).result());
}

/** Ends a run that went wrong, so that it does not disturb the ones after it. */
export async function abandon({ client }: Harness, runId: string): Promise<void> {
  const open = client.workflow.list({
    query: `ExecutionStatus = "Running" and (WorkflowId = "${runId}" or WorkflowId starts_with "${runId}/")`,
  });
  try {
    for await (const { workflowId } of open)
      await client.workflow.getHandle(workflowId).terminate('given up by the chaos suite');
  } catch {
    // It has ended by itself in the meantime.
  }
}
