/** Why a run that is under way gets no further, as far as the database knows: calls that failed since the last answer. */
import { failedSinceAnswer } from '../../db/queries/calls.ts';
import type { Db } from '../../db/connect.ts';
import type { RunRow } from '../../db/queries/report.ts';
import { cut } from '../../process/text.ts';

/** A run's own reason; of one that runs and has none, what its calls to models meet. Null: nothing is amiss. */
export async function statusReasonOf(db: Db, run: RunRow): Promise<string | null> {
  if (run.statusReason !== null || run.status !== 'running') return run.statusReason;
  const failed = await failedSinceAnswer(db, run.id);
  if (!failed) return null;
  const { count, error, stage, role } = failed;
  const calls = `${count} ${count === 1 ? 'call' : 'calls'} to the ${role} (${stage})`;
  return `${calls} failed since the last answer, the newest with: ${cut(error, 500)}`;
}
