import type { StageName } from '../../loop/words.ts';
import { addAdjustment } from '../../db/queries/adjustments.ts';
import type { Db } from '../../db/connect.ts';
import {
  addIteration,
  closeStage as storeEnd,
  failStage as storeFailure,
  findIteration,
  findStage,
  finishIteration,
  openStage as storeStart,
} from '../../db/queries/iterations.ts';
import type { Iteration, StageOutput } from '../../db/queries/iterations.ts';
import { setJudgementAside } from '../../db/queries/probes.ts';
import { levelStats } from '../../db/queries/prompts.ts';
import { baseAndBest, findCheckpoint, getCheckpoint } from '../../db/queries/runs.ts';
import { releaseIteration } from '../../db/queries/spend.ts';
import { isResetDue } from '../../loop/course.ts';
import { nextLevels, type LevelStats } from '../../loop/curriculum.ts';
import { asksForReview } from '../../loop/review.ts';
import { checkStage } from '../../engine/budget.ts';
import { votesAreApproved } from '../../engine/critic.ts';
import { asksForProof, checksInSandbox } from '../../engine/sandboxed.ts';
import { judgesBehaviour } from '../../tasks/task.ts';
import { debatable } from '../../engine/pool.ts';
import { plantsProbes, playsAdversary } from '../../engine/probes.ts';
import { makesVariants } from '../../engine/variants/make.ts';
import { iterationContext, seedOf, standingAt, type Deps, readRun } from '../../engine/context.ts';
import { logInfo, measured } from '../../engine/metrics.ts';
import { storedUse } from '../../engine/stored-prompts.ts';

export type StageRef = { iterationId: number; name: StageName };

/** Longest error kept with a stage. The whole of it is in the activity's failure. */
const ERROR_CHARACTERS = 2000;

/** More than a run's iterations, so that those of earlier runs come before it. */
const BEFORE = 10_000;

/** What the curriculum knows: of this run, and of those whose promoted checkpoint it began at. */
async function levelHistory(db: Db, runId: string): Promise<LevelStats[]> {
  const known: LevelStats[] = [];
  let at = runId;
  for (let back = 0; ; back += BEFORE) {
    known.push(...(await levelStats(db, at)).map((one) => ({ ...one, iteration: one.iteration - back })));
    const first = await findCheckpoint(db, at, 0);
    if (!first?.parentId) return known;
    at = (await getCheckpoint(db, first.parentId)).runId;
  }
}

/** Begins an iteration, or finds it begun: the run's best generates, at the levels that the curriculum chooses. */
export async function beginIteration(db: Db, runId: string, index: number): Promise<Iteration> {
  const known = await findIteration(db, runId, index);
  if (known) return known;
  const run = await readRun(db, runId);
  const { best } = await baseAndBest(db, runId);
  const { settings, task, stage } = await standingAt(db, run, index);
  // What is stored is what should be learnt, at whatever level, where it is the only source.
  const graded = storedUse(settings) === 'only' ? undefined : task.levels;
  const first = graded && settings.curriculum.start === 'all' ? graded.all : graded?.start;
  const levels =
    graded &&
    nextLevels(await levelHistory(db, runId), settings.curriculum, { start: first!, all: graded.all });
  if (isResetDue(run.settings, index)) {
    await addAdjustment(db, {
      runId,
      key: `reset-every/${index}`,
      kind: 'retrain',
      cause: 'settings',
      reason: `training.resetEvery ${run.settings.training.resetEvery}: the base is trained anew on all accepted examples`,
      fromIteration: index,
      untilIteration: index,
      overrides: { training: { from: 'base' } },
    });
  }
  const plan = {
    levels,
    seed: seedOf(run.settings.seed, 'iteration', index),
    ...(stage ? { stage: stage.number } : {}),
  };
  return addIteration(db, { runId, index, checkpointId: best.id, plan });
}

/** What the workflow needs to know of an iteration. What does not concern it is left out, so that histories stay as they are. */
export type Begun = {
  iterationId: number;
  levels?: number[];
  review?: true;
  probes?: true;
  sandbox?: true;
  /** Samples vote by what the sandbox says that they do. */
  behaviour?: true;
  /** More is asked where the sandbox could not prove what was drawn. */
  proof?: true;
  debate?: true;
  /** Works that an adversary sets out from. */
  selfPlay?: number;
  /** Prompts of which easier variants are made; nobody would draw those of the last iteration. */
  variants?: number;
  memoryTests?: number;
};

/**
 * Begins an iteration, or finds it begun. `review`: people may be asked about what it accepts. `probes`: bad samples are to
 * be planted. `debate`: agents argue about what samples disagree on.
 * `memoryTests`: how many tests of memory entries it may have. A judgement that failed its audit is set aside, to be made again.
 *
 * Reads: the run, its adjustments, levels of before, the audit. Writes: the iteration, a retraining that is due.
 * Safe to repeat: a run has one iteration of an index, and a failed judgement is set aside once.
 */
export async function startIteration(
  { db }: Deps,
  {
    runId,
    index,
  }: {
    runId: string;
    index: number;
  },
): Promise<Begun> {
  const iteration = await beginIteration(db, runId, index);
  const context = await iterationContext(db, iteration.id);
  const { settings } = context;
  await setJudgementAside(db, iteration.id, { votes: votesAreApproved(context) });
  return {
    iterationId: iteration.id,
    levels: iteration.plan.levels,
    ...(asksForReview(settings.review) ? { review: true as const } : {}),
    ...(plantsProbes(settings) ? { probes: true as const } : {}),
    ...(checksInSandbox(context) ? { sandbox: true as const } : {}),
    ...(judgesBehaviour(context.task) ? { behaviour: true as const } : {}),
    ...(asksForProof(context) ? { proof: true as const } : {}),
    ...(settings.memory.mode === 'on' ? { memoryTests: settings.memory.tests } : {}),
    ...(debatable(context, { purpose: 'learn' }) ? { debate: true as const } : {}),
    ...(playsAdversary(settings) ? { selfPlay: settings.strategy.selfPlay.works } : {}),
    ...(makesVariants(settings) && index < settings.iterations
      ? { variants: settings.strategy.variants.prompts }
      : {}),
  };
}

/**
 * Marks a stage as running. `done` carries the output of one that is finished: it is not redone.
 *
 * Reads: the stage, spending. Writes: that it runs. Safe to repeat: a stage that is done stays so.
 *
 * @throws BudgetExceeded when the rest of the iteration is forecast to pass the budget
 */
export async function openStage(
  { db }: Deps,
  { iterationId, name }: StageRef,
): Promise<{ done?: StageOutput }> {
  const stage = await findStage(db, iterationId, name);
  if (stage?.status === 'done') return { done: stage.output ?? {} };
  if (name !== 'decide') await checkStage(db, await iterationContext(db, iterationId), name);
  await storeStart(db, iterationId, name);
  return {};
}

/** Reads: the stage. Writes: its output and end, after `decide` the iteration's. Safe to repeat: the same output again. */
export async function closeStage(
  { db }: Deps,
  { iterationId, name, output }: StageRef & { output: StageOutput },
): Promise<void> {
  const stage = await findStage(db, iterationId, name);
  await storeEnd(db, iterationId, name, { ...stage?.output, ...output });
  if (stage?.startedAt) {
    const seconds = (Date.now() - stage.startedAt.getTime()) / 1000;
    measured('ratchet_stage_seconds', seconds, { stage: name });
    logInfo('stage done', { stage: name, seconds });
  }
  if (name === 'decide') await finishIteration(db, iterationId);
}

/**
 * `cancelled`: it was stopped from outside, nothing is wrong with it.
 *
 * Writes: the stage's error; releases what the iteration holds of the budget. Safe to repeat: the same error again.
 */
export async function failStage(
  { db }: Deps,
  { iterationId, name, error, cancelled }: StageRef & { error: string; cancelled: boolean },
): Promise<void> {
  const status = cancelled ? 'cancelled' : 'failed';
  await storeFailure(db, iterationId, name, status, error.slice(0, ERROR_CHARACTERS));
  await releaseIteration(db, iterationId);
}
