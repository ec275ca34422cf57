/** A curriculum of targets: which one the next iteration works on, and when the run has none left. */
import { addAdjustment, listAdjustments } from '../../db/queries/adjustments.ts';
import type { Db } from '../../db/connect.ts';
import { baseAndBest, type Run } from '../../db/queries/runs.ts';
import { readRun, type Deps } from '../../engine/context.ts';
import { logInfo } from '../../engine/metrics.ts';
import { shareOfTarget } from '../../engine/target-stages.ts';
import { iterationsOf, stageOf, targetsOf, whyOver, type StageNumbers } from '../../loop/targets.ts';

/** A stage as a run's workflow shows it. */
export type TargetNow = { number: number; of: number; target: string };

/**
 * The stage in which iteration `from` is. Ends the one before where its target is reached, its iterations are over or `halt`
 * says why it makes no headway, and begins the next; after the last one it answers why the run ends. A target that is reached as
 * it is takes no iteration.
 *
 * Reads: adjustments, scores. Writes: an adjustment for each stage that begins. Safe to repeat: a stage begins once, and one that has
 * not had an iteration ends by no halt, which was meant for the stage before.
 *
 * @param halt why no further iteration may begin as things stand
 */
export async function nextTarget(
  { db }: Deps,
  { runId, from, halt }: { runId: string; from: number; halt?: string },
): Promise<{ now?: TargetNow; halt?: string }> {
  const run = await readRun(db, runId);
  const { best } = await baseAndBest(db, runId);
  for (;;) {
    const stage = stageOf(run.settings, await listAdjustments(db, runId), from);
    if (!stage) {
      await begin(db, run, {
        number: 1,
        from,
        bestId: best.id,
        reason: 'the first target of the curriculum',
      });
      continue;
    }
    const { number, of, target, since } = stage;
    const halted = since === from ? undefined : halt;
    const over = halted ?? whyOver(stage, from, await shareOfTarget(db, best.id, stage));
    if (over === undefined) return { now: { number, of, target } };
    if (number === of || from > run.settings.iterations) return { halt: over };
    await begin(db, run, { number: number + 1, from, bestId: best.id, reason: over });
  }
}

async function begin(
  db: Db,
  run: Run,
  { number, from, bestId, reason }: { number: number; from: number; bestId: number; reason: string },
): Promise<void> {
  const targets = targetsOf(run.settings);
  const { target, alpha, budget } = targets[number - 1]!;
  const numbers: StageNumbers = {
    stage: number,
    target,
    iterations: iterationsOf(run.settings, number, from),
  };
  await addAdjustment(db, {
    runId: run.id,
    key: `stage/${number}`,
    kind: 'stage',
    cause: 'settings',
    reason: `stage ${number} of ${targets.length}, target ${target}: ${reason}`,
    fromIteration: from,
    overrides: { promotion: { alpha }, ...(budget ? { budget: { stage: budget } } : {}) },
    checkpointId: bestId,
    numbers,
  });
  logInfo('stage of the curriculum begun', { target, stage: number, from });
}
