/** The stage of a run's curriculum of targets, and the checkpoints and scores that belong to it. */
import type { Db } from '../db/connect.ts';
import { findEvaluation, type ScoredIn } from '../db/queries/evaluations.ts';
import { findCheckpoint } from '../db/queries/runs.ts';
import type { TargetStage } from '../loop/targets.ts';

/** Where a run looks for its best by score: in its stage, or undefined in the whole of a run without a curriculum. */
export async function scoredIn(
  db: Db,
  runId: string,
  stage: TargetStage | undefined,
): Promise<ScoredIn | undefined> {
  if (!stage) return undefined;
  const { target, since, finished } = stage;
  const startId = finished.at(-1)?.checkpointId ?? (await findCheckpoint(db, runId, 0))!.id;
  return { target, since, startId };
}

/** Share of a stage's target that a checkpoint has right; 0 where it was not measured. */
export async function shareOfTarget(db: Db, checkpointId: number, { target }: TargetStage): Promise<number> {
  const evaluation = await findEvaluation(db, checkpointId, target);
  return evaluation?.finishedAt && evaluation.total > 0 ? evaluation.correct! / evaluation.total : 0;
}
