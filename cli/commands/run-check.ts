/** The check at the start of `ratchet run --check`: what can't work is said before anything is spent. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pc from 'picocolors';
import type { ImproveInput } from '../../loop/input.ts';
import { useStackModels } from '../addresses.ts';
import { checkRun } from '../check/check.ts';
import type { CheckReport } from '../check/types.ts';
import { renderCheck } from '../render-check.ts';
import { wantsColor } from './follow.ts';

/** A slow model must not hold up its run: what it does not answer in this time is left for the run itself to find. */
const PATIENCE_MS = 60_000;

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

/** Prints what is wrong, if anything. False: the run would fail. What can't be reached from here may be reached by the workers. */
export async function ready(input: ImproveInput, signal: AbortSignal): Promise<boolean> {
  useStackModels();
  let report: CheckReport;
  try {
    report = await checkRun(input, { signal, patienceMs: PATIENCE_MS });
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
  const colors = pc.createColors(wantsColor(process.stderr));
  const found = renderCheck(report, colors, false);
  if (found) process.stderr.write(`${found}\n`);
  if (report.findings.every(({ ok, unreached }) => ok || unreached)) return true;
  process.stderr.write(
    'Nothing was started. See all of it with: ratchet check TASK  (or start all the same: leave out --check)\n',
  );
  return false;
}
