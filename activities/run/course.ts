/** Changes of course: what an operator, the stagnation policy or the budget makes of a run's settings and checkpoint. */
import { STAGES, TEACHER } from '../../loop/words.ts';
import { and, eq, ne } from 'drizzle-orm';
import {
  addAdjustment,
  addMessages,
  findAdjustment,
  lastPromotion,
  listAdjustments,
} from '../../db/queries/adjustments.ts';
import type { Db } from '../../db/connect.ts';
import { bestScored } from '../../db/queries/evaluations.ts';
import { historyRows, recentRows, type HistoryRow } from '../../db/queries/history.ts';
import { finishIteration, listStages } from '../../db/queries/iterations.ts';
import { baseAndBest, findCheckpoint, findRun, setRunStatus } from '../../db/queries/runs.ts';
import { checkpoints, datasets, decisions, examples } from '../../db/schema.ts';
import { releaseIteration } from '../../db/queries/spend.ts';
import type { MessageArgs, Recorded } from '../../loop/control.ts';
import { adjusted, lighterStrategies, nextStep } from '../../loop/course.ts';
import { beginIteration } from './iteration.ts';
import { standingAt, taskOf, type Deps, readRun } from '../../engine/context.ts';
import { keepsAlternatives } from '../../engine/pool.ts';
import { scoredIn } from '../../engine/target-stages.ts';
import type { TargetStage } from '../../loop/targets.ts';
import { answerDrift } from './drift.ts';

/** A message on its way from the workflow. */
export type CourseRequest = {
  runId: string;
  /** First iteration that it concerns. */ from: number;
  id: string;
  args: MessageArgs;
};

const whoAndWhy = ({ by, reason }: MessageArgs) =>
  [by ? `asked for by ${by}` : 'asked for by a message', reason].filter(Boolean).join(': ');

/**
 * The checkpoint with the highest target score among the base and the promoted ones; the newest of equals. In a stage of a
 * curriculum by its own target, among those that the stage began at or promoted.
 */
async function bestByScore(
  db: Db,
  runId: string,
  stage: TargetStage | undefined,
): Promise<number | undefined> {
  return (await bestScored(db, runId, await scoredIn(db, runId, stage)))?.checkpointId;
}

/**
 * Which checkpoint a reset means. Only checkpoints of the run itself can be gone on from, and its teacher is another model.
 *
 * Reads: checkpoints, scores. Writes nothing.
 */
export async function findResetTarget(
  { db }: Deps,
  {
    runId,
    to,
  }: {
    runId: string;
    to: 'base' | 'best' | number;
  },
): Promise<{ checkpointId: number } | { unknown: string }> {
  const base = await findCheckpoint(db, runId, 0);
  if (!base) return { unknown: `the base of run ${runId} is not known yet` };
  if (to === 'base') return { checkpointId: base.id };
  if (to === 'best') {
    const { stage } = await standingAt(db, await readRun(db, runId), Number.MAX_SAFE_INTEGER);
    return { checkpointId: (await bestByScore(db, runId, stage)) ?? base.id };
  }
  const [found] = await db
    .select({ id: checkpoints.id })
    .from(checkpoints)
    .where(
      and(eq(checkpoints.runId, runId), eq(checkpoints.id, to), ne(checkpoints.iterationIndex, TEACHER)),
    );
  if (found) return { checkpointId: found.id };
  return { unknown: `run ${runId} has no checkpoint ${to}` };
}

/**
 * Stores messages with their answers, and whether the run waits for an operator.
 *
 * Reads: the run. Writes: messages, its status. Safe to repeat: a message is stored once, by its id.
 */
export async function recordState(
  { db }: Deps,
  state: {
    runId: string;
    messages: Recorded[];
    status: 'running' | 'paused' | 'parked';
    reason?: string;
  },
): Promise<void> {
  const run = await findRun(db, state.runId);
  // A run whose input was refused was never stored.
  if (!run) return;
  await addMessages(db, state.runId, state.messages);
  // What became of a run is not taken back by a message that came too late.
  if (run.status !== 'running' && run.status !== 'paused' && run.status !== 'parked') return;
  if (run.status !== state.status || run.statusReason !== (state.reason ?? null)) {
    await setRunStatus(db, state.runId, state.status, state.reason);
  }
}

/**
 * New limits, from the next stage on.
 *
 * Writes: an adjustment. Safe to repeat: one per message.
 */
export async function changeBudget({ db }: Deps, { runId, from, id, args }: CourseRequest): Promise<void> {
  const { run, iteration } = args;
  await addAdjustment(db, {
    runId,
    key: `message/${id}`,
    kind: 'budget',
    cause: 'operator',
    reason: whoAndWhy(args),
    fromIteration: from,
    overrides: { budget: { ...(run ? { run } : {}), ...(iteration ? { iteration } : {}) } },
  });
}

/**
 * From iteration `from` on the run goes on from this checkpoint, and candidates are measured against it.
 *
 * Writes: an adjustment. Safe to repeat: one per message.
 */
export async function reset(
  { db }: Deps,
  { runId, from, checkpointId, id, args }: CourseRequest & { checkpointId: number },
): Promise<void> {
  await addAdjustment(db, {
    runId,
    key: `message/${id}`,
    kind: 'reset',
    cause: 'operator',
    reason: whoAndWhy(args),
    fromIteration: from,
    checkpointId,
  });
}

/**
 * The stagnation policy's next step. Each is taken once; a promotion begins the list anew.
 *
 * Reads: adjustments, decisions, scores. Writes: an adjustment. Safe to repeat: one per message, and a repeat gives its answer.
 *
 * @returns what was done, and with `halt` that the run is to end, and why
 */
export async function answerStagnation(
  { db }: Deps,
  { runId, from, id, args }: CourseRequest,
): Promise<{ answer: string; halt?: string }> {
  const key = `message/${id}`;
  const why = `${args.kind}${args.reason ? `: ${args.reason}` : ''}`;
  if (args.kind === 'drift') return answerDrift(db, { runId, from, key, why });
  const known = await findAdjustment(db, runId, key);
  if (known) {
    const { halt, answer } = known.numbers;
    return { answer: answer ?? known.reason, halt: halt ?? undefined };
  }
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const all = await listAdjustments(db, runId);
  // What was done for the target before helps this one no more.
  const { stage } = await standingAt(db, run, from);
  const promoted = Math.max(await lastPromotion(db, runId), (stage?.since ?? 1) - 1);
  const taken = all
    .filter((one) => one.cause === 'stagnation' && one.fromIteration > promoted)
    .flatMap((one) => one.numbers.step ?? []);
  const { best } = await baseAndBest(db, runId);
  const scored = await bestByScore(db, runId, stage);
  const last = (await recentRows(db, runId, 1)).at(-1);
  const [anyExample] = await db
    .select({ id: examples.id })
    .from(examples)
    .where(eq(examples.runId, runId))
    .limit(1);
  const next = nextStep({
    kind: args.kind!,
    settings: adjusted(run.settings, all, from),
    taken,
    hasAlternatives: keepsAlternatives({ task, settings: run.settings }),
    hasLevels: task.levels !== undefined,
    acceptedShare: last && last.prompts > 0 ? last.accepted / last.prompts : 0,
    betterCheckpoint: scored !== undefined && scored !== best.id,
    hasExamples: anyExample !== undefined,
  });
  if (!next) return { answer: `${why}; the policy has no step left` };
  const halt = next.step === 'halt' ? `halted: ${why}` : undefined;
  const answer = halt && stage ? `the stage of ${stage.target} ends here` : next.what;
  const kinds = {
    diversity: 'diversity',
    pool: 'pool',
    'reset-best': 'reset',
    'reset-base': 'retrain',
    halt: 'halt',
  } as const;
  await addAdjustment(db, {
    runId,
    key,
    kind: kinds[next.step],
    cause: 'stagnation',
    reason: `${why}; ${answer}`,
    fromIteration: from,
    // Training from the base on everything is one attempt, not a new way of life.
    untilIteration: next.step === 'reset-base' ? from : null,
    overrides: next.overrides,
    checkpointId: next.step === 'reset-best' ? scored : null,
    numbers: { step: next.step, kind: args.kind, halt, answer },
  });
  return { answer, halt };
}

/**
 * The next lighter strategy that can still save something in this iteration, if there is one.
 *
 * Reads: stages, adjustments. Writes: an adjustment. Safe to repeat: each strategy is taken once in a run, or in a stage of its
 * curriculum.
 */
export async function lighten(
  { db }: Deps,
  {
    runId,
    index,
    exceeded,
  }: {
    runId: string;
    index: number;
    exceeded: string;
  },
): Promise<{ lighter: boolean; reason: string }> {
  const run = await readRun(db, runId);
  const { id } = await beginIteration(db, runId, index);
  const stages = await listStages(db, id);
  const done = new Set(stages.filter((stage) => stage.status === 'done').map((stage) => stage.name));
  const running = STAGES.find((name) => !done.has(name)) ?? 'decide';
  const { settings, stage } = await standingAt(db, run, index);
  const all = await listAdjustments(db, runId);
  const taken = all.filter((one) => one.kind === 'lighter' && one.fromIteration >= (stage?.since ?? 0));
  const next = lighterStrategies(settings).find(
    (one) =>
      STAGES.indexOf(one.stage) >= STAGES.indexOf(running) &&
      !taken.some((before) => before.numbers.order === orderOf(one)),
  );
  if (!next) return { lighter: false, reason: `budget: ${exceeded}; no lighter strategy is left` };
  const reason = `${exceeded}; ${next.name}`;
  await addAdjustment(db, {
    runId,
    key: `lighter/${orderOf(next)}${stage && stage.number > 1 ? `/stage ${stage.number}` : ''}`,
    kind: 'lighter',
    cause: 'budget',
    reason,
    fromIteration: index,
    overrides: next.overrides,
    numbers: { order: orderOf(next) },
  });
  return { lighter: true, reason };
}

/**
 * Decides an iteration that is given up: it changes nothing, and its index is used.
 *
 * `training`: the iteration whose training had begun and has no end, so that the trainer may still be at it
 *
 * Reads: the iteration, its dataset. Writes: the decision, the iteration's end. Safe to repeat: an iteration is decided once.
 */
export async function skipIteration(
  { db }: Deps,
  {
    runId,
    index,
    reason,
  }: {
    runId: string;
    index: number;
    reason: string;
  },
): Promise<{ row: HistoryRow; training?: number }> {
  const iteration = await beginIteration(db, runId, index);
  const { best } = await baseAndBest(db, runId);
  await db
    .insert(decisions)
    .values({ iterationId: iteration.id, kind: 'skip', bestId: best.id, reason, numbers: {} })
    .onConflictDoNothing();
  await finishIteration(db, iteration.id);
  await releaseIteration(db, iteration.id);
  const row = (await historyRows(db, runId, index)).find((one) => one.index === index)!;
  const dataset = await db.query.datasets.findFirst({ where: eq(datasets.iterationId, iteration.id) });
  const trained = await findCheckpoint(db, runId, index);
  return { row, training: dataset && !trained ? iteration.id : undefined };
}

/** What a lighter strategy changes, as a name: each is taken once in a run. */
function orderOf({ overrides }: { overrides: Record<string, unknown> }): string {
  return Object.entries(overrides)
    .map(([group, fields]) => `${group}.${Object.keys(fields as object)[0]}`)
    .join('+');
}
