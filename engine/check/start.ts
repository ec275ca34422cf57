/** The check at the start of every run, however it was started: what can't work parks the run with its mend, before anything is spent. */
import { ApplicationFailure, cancellationSignal, heartbeat } from '@temporalio/activity';
import { addCalls } from '../../db/queries/calls.ts';
import type { Db } from '../../db/connect.ts';
import { heldOutProblems } from '../../db/queries/leaks.ts';
import type { Run } from '../../db/queries/runs.ts';
import { FAILURE } from '../../loop/failures.ts';
import type { Advice } from '../../models/advice.ts';
import type { Task } from '../../tasks/task.ts';
import { beating } from '../beat.ts';
import { failedCallsWritten, ledgerChat } from '../calls.ts';
import { checkModels, PATIENCE_MS } from './check.ts';
import type { Ask } from './faults.ts';
import { storedFacts } from './task.ts';
import type { Finding } from './types.ts';

/**
 * Asks each role of a stored run once, in the form that the run will use; every call is in the ledger. What does not answer now, or
 * answers that nothing can be read of, end no run: the first is asked again with the patience of its stage, the second is for the
 * gates to weigh.
 *
 * @throws ModelUnavailable, not retried, naming each fault and its mend
 */
export async function refuseFaults(db: Db, run: Run, task: Task): Promise<void> {
  if (run.settings.check === 'off') return;
  const faults = await beating(
    () => heartbeat('check'),
    () => faultsOf(db, run, task),
  );
  if (faults.length === 0) return;
  const what = faults.map(({ role, what }) => `${role}: ${what}`).join('; ');
  const advice = faults.flatMap(({ mend }) => mend ?? []).join(' ');
  const told: Advice = { advice, retryHelps: true };
  throw ApplicationFailure.nonRetryable(`checking the models: ${what}`, FAILURE.modelUnavailable, told);
}

async function faultsOf(db: Db, run: Run, task: Task): Promise<Finding[]> {
  const facts = await storedFacts(task, run.settings, await heldOutProblems(db, run.id));
  if (!facts) return [];
  const ask: Ask = async (endpoint, request, signal, _, role) => {
    const context = { runId: run.id, iterationId: null, stage: 'prepare', role };
    const { reply, call } = await ledgerChat(db, endpoint, request, context, signal!);
    await addCalls(db, [call]);
    return reply;
  };
  try {
    const options = { ask, signal: cancellationSignal(), patienceMs: PATIENCE_MS };
    const { findings } = await checkModels(facts, options);
    return findings.filter((one) => !one.ok && !one.survivable && !one.unreached && !one.passing);
  } finally {
    await failedCallsWritten();
  }
}
