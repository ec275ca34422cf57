import { continueAsNew, patched } from '@temporalio/workflow';
import type { CheckSpan } from '../loop/check-job.ts';
import { main, sandbox } from './proxies.ts';

/** A page is up to some megabytes of history, of which a workflow may have fifty. */
const PAGES = 10;

/**
 * Has the sandbox look at samples of some prompts, or at answers to held-out problems. A workflow of its own, since the sandbox knows no database and texts go to it
 * by way of a history, which is gone with this.
 *
 * Reads and writes nothing itself. Safe to repeat: what is verified already is not asked for again.
 */
export async function checks(span: CheckSpan): Promise<void> {
  const image = patched('sandbox-image') ? await sandbox.describeImage() : undefined;
  for (let page = 0; page < PAGES; page++) {
    const { check, jobs } = await main.pendingInSandbox({ ...span, image });
    if (jobs.length === 0) return;
    const checked = await sandbox.runChecks({ check, jobs });
    await main.storeChecked({ checked });
  }
  await continueAsNew<typeof checks>(span);
}
