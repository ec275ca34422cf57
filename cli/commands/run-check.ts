/** The check at the start of `ratchet run`: what can't work is said before anything is spent. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pc from 'picocolors';
import type { ImproveInput } from '../../loop/input.ts';
import { useStackModels } from '../../app/addresses.ts';
import { checkRun, PATIENCE_MS } from '../../engine/check/check.ts';
import type { CheckReport } from '../../engine/check/types.ts';
import { renderCheck } from '../render/check.ts';
import { wantsColor } from './follow.ts';

/** A run that is joined or continued has been through it. */
export async function checkedBefore(client: Client, runId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(runId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The workers need not ask again what was asked here. */
export const withoutCheck = (input: ImproveInput): ImproveInput => ({ check: 'off', ...input });

/**
 * Prints what is wrong, if anything, and answers the input to start with; undefined: the run would stop at once. What can't be
 * reached from here may be reached by the workers, which then ask again; answers that can't be read end no run.
 */
export async function ready(input: ImproveInput, signal: AbortSignal): Promise<ImproveInput | undefined> {
  useStackModels();
  let report: CheckReport;
  try {
    report = await checkRun(input, { signal, patienceMs: PATIENCE_MS });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
  const colors = pc.createColors(wantsColor(process.stderr));
  const found = renderCheck(report, colors, false);
  if (found) process.stderr.write(`${found}\n`);
  const faults = report.findings.filter(({ ok }) => !ok);
  if (faults.every(({ unreached, survivable, passing }) => unreached || survivable || passing)) {
    if (faults.some(({ survivable }) => survivable))
      process.stderr.write('The run goes on all the same, and will most likely find nothing to train.\n');
    return faults.some(({ unreached }) => unreached) ? input : withoutCheck(input);
  }
  process.stderr.write(
    'Nothing was started. See all of it with: ratchet check TASK  (or start all the same: --no-check)\n',
  );
  return undefined;
}
