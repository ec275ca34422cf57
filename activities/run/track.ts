import type { Deps } from '../../engine/context.ts';

/**
 * Brings the trackers that this worker was given up to date with the run.
 *
 * Reads: the whole run. Writes nothing here. Safe to repeat: what a tracker has is not sent again.
 */
export async function trackRun({ track }: Deps, { runId }: { runId: string }): Promise<void> {
  await track?.(runId);
}
