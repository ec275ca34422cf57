import { verifications } from '../../db/schema.ts';
import { countVoted as votedIn, type Span } from '../../db/queries/prompts.ts';
import { iterationContext, type Deps } from '../../engine/context.ts';
import { checkOf, pendingChecks } from '../../engine/sandboxed.ts';
import { storedReason } from '../../engine/verify.ts';
import type { Checked, CheckJob } from '../../loop/check-job.ts';
import type { SandboxedCheck } from '../../sandbox/job.ts';

/** How many voted prompts have samples that the sandbox may have to look at. Reads votes, writes nothing. */
export function countVoted({ db }: Deps, { iterationId }: { iterationId: number }): Promise<number> {
  return votedIn(db, iterationId);
}

/**
 * The next samples of some prompts that the sandbox has to look at, with the check; no jobs: all are done.
 *
 * Reads: votes, samples, probes, verifications. Writes nothing.
 */
export async function pendingInSandbox(
  { db }: Deps,
  { iterationId, ...span }: { iterationId: number } & Span,
): Promise<{ check: SandboxedCheck; jobs: CheckJob[] }> {
  const context = await iterationContext(db, iterationId);
  return { check: checkOf(context), jobs: await pendingChecks(db, context, span) };
}

/** Stores what the sandbox said. Writes verifications. Safe to repeat: a sample has one, and the first stays. */
export async function storeChecked({ db }: Deps, { checked }: { checked: Checked[] }): Promise<void> {
  const rows = checked.flatMap(({ sampleIds, ok, score, reason }) =>
    sampleIds.map((sampleId) => ({ sampleId, ok, score, reason: storedReason(reason) })),
  );
  if (rows.length > 0) await db.insert(verifications).values(rows).onConflictDoNothing();
}
