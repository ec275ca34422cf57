import { main, sandbox } from './proxies.ts';

/**
 * Has the sandbox look at the samples of some prompts. A workflow of its own, since the sandbox knows no database and texts go to it
 * by way of a history, which is gone with this.
 *
 * Reads and writes nothing itself. Safe to repeat: what is verified already is not asked for again.
 */
export async function checks(span: { iterationId: number; first: number; count: number }): Promise<void> {
  for (;;) {
    const { check, jobs } = await main.pendingInSandbox(span);
    if (jobs.length === 0) return;
    const checked = await sandbox.runChecks({ check, jobs });
    await main.storeChecked({ checked });
  }
}
