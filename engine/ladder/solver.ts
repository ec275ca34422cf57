/** Which checkpoint solves parts. */
import { guardShares } from '../../db/queries/ladder.ts';
import type { Db } from '../../db/connect.ts';
import { findCheckpoint, type Checkpoint } from '../../db/queries/runs.ts';
import type { IterationContext } from '../context.ts';

/**
 * Parts are of the kind that the guards hold: what the run began with may be steadier there than what has learnt since. Of equal ones
 * it is the one that the run began with, whose answers more runs have in store. Where a teacher generates, it solves parts too.
 */
export async function solverOf(
  db: Db,
  { run, settings, checkpoint, teacher }: IterationContext,
): Promise<Checkpoint> {
  if (teacher) return teacher;
  const { solver } = settings.strategy.ladder;
  if (solver === 'best') return checkpoint;
  const base = (await findCheckpoint(db, run.id, 0)) ?? checkpoint;
  if (solver === 'base' || base.id === checkpoint.id) return base;
  const shares = await guardShares(db, run.id, [base.id, checkpoint.id]);
  return (shares.get(checkpoint.id) ?? 0) > (shares.get(base.id) ?? 0) ? checkpoint : base;
}
