import { addResults } from '../../db/queries/sandbox.ts';
import { countVoted as votedIn } from '../../db/queries/prompts.ts';
import { storableText } from '../../db/storable.ts';
import type { Deps } from '../../engine/context.ts';
import { pendingChecks } from '../../engine/sandboxed.ts';
import { storedReason } from '../../engine/verify.ts';
import type { Checked, CheckJob, CheckSpan } from '../../loop/check-job.ts';
import type { SandboxedCheck } from '../../sandbox/job.ts';

/** How many voted prompts have samples that the sandbox may have to look at. Reads votes, writes nothing. */
export function countVoted({ db }: Deps, { iterationId }: { iterationId: number }): Promise<number> {
  return votedIn(db, iterationId);
}

/**
 * The next work that the sandbox has to look at, with the check; no jobs: all is done.
 *
 * Reads: votes, samples, probes, answers to held-out problems, results. Writes: verifications and grades of what is known already.
 * Safe to repeat: a sample has one verification, an answer one grade, and the first stays.
 */
export function pendingInSandbox(
  { db }: Deps,
  span: CheckSpan,
): Promise<{ check: SandboxedCheck; jobs: CheckJob[] }> {
  return pendingChecks(db, span);
}

/** Stores what the sandbox said. Writes results. Safe to repeat: a digest has one, and the first stays. */
export async function storeChecked({ db }: Deps, { checked }: { checked: Checked[] }): Promise<void> {
  await addResults(
    db,
    checked.map(({ digest, ok, score, reason, finding, behaviour, details }) => ({
      digest,
      ok,
      score,
      reason: storedReason(reason),
      finding,
      behaviour: behaviour === undefined ? null : storableText(behaviour),
      details,
    })),
  );
}
