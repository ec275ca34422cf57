import type { RunStatus } from '../../loop/words.ts';
import { activityInfo, heartbeat } from '@temporalio/activity';
import { historyRows, recentRows, type HistoryRow } from '../../db/queries/history.ts';
import { baseAndBest, createRun, findRun, setRunStatus } from '../../db/queries/runs.ts';
import { majorityCounts } from '../../db/queries/majority.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { EndpointError } from '../../models/endpoint.ts';
import { invalidInput } from '../../engine/invalid-input.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { endpointOf, taskOf, type Deps, readRun } from '../../engine/context.ts';
import { askedOf } from '../../engine/critic.ts';
import { otherModels } from '../../engine/debate/agents.ts';
import { beating } from '../../engine/beat.ts';
import { takeIn } from '../../engine/intake.ts';
import { regressionItems } from '../../engine/feedback.ts';
import { judgesBehaviour } from '../../tasks/task.ts';
import { nameModels } from '../../engine/named-models.ts';
import { codeVersion } from '../../engine/version.ts';

/** What `improve` needs of the stored run: small, since it crosses into workflow history. */
export type PreparedRun = {
  runId: string;
  task: string;
  title: string;
  iterations: number;
  /** Before other runs that wait for the same workers, 1 first. Runs that an earlier version prepared have none. */
  priority?: number;
  pagesInFlight: number;
  promptsPerPage: number;
  /** Iterations that are decided already, newest last, at most HISTORY_ROWS of them. */
  history: HistoryRow[];
  nextIteration: number;
  /** Targets of the run's curriculum; absent without one. */
  targets?: number;
  /** Target items of which the starting model's majority is to be measured; 0: it is, or is not asked for. */
  majorityItems?: number;
  /** Another model writes the samples. */
  taught?: true;
  /** A tracker of experiments is told of the run. */
  tracked?: true;
};

/** What a run answers at its end. Accuracies on target, 0…1. */
export type RunOutcome = {
  runId: string;
  status: RunStatus;
  iterations: number;
  promoted: number;
  targetBefore?: number;
  targetAfter?: number;
  /** Why it ended before its last iteration. */
  reason?: string;
};

const HISTORY_ROWS = 12;

/** The Temporal Schedule that started a run, and the ISO time for which it was due, whenever it began. */
export type ScheduledStart = {
  id: string;
  scheduledFor: string;
  /** IANA zone of the schedule's calendar. */
  timeZone?: string;
};

/**
 * Resolves the input and stores the run with its held-out problems, or finds the run that this
 * workflow id has begun before and goes on with what was stored then.
 *
 * Reads: the task, the run. Writes: the run with its held-out problems, or its status.
 * Safe to repeat: the workflow id is the run's id, and what was stored first holds.
 *
 * @throws InvalidInput naming every bad field
 */
export async function prepareRun(
  { db, track }: Deps,
  input: ImproveInput | undefined,
  schedule?: ScheduledStart,
): Promise<PreparedRun> {
  const runId = activityInfo().workflowExecution!.workflowId;
  const existing = await findRun(db, runId);
  if (existing?.status === 'completed') {
    throw invalidInput([
      `run ${runId} is completed and its final benchmark has been read; start another one under a new workflow id`,
    ]);
  }
  if (!existing) {
    try {
      const { taskSpec, task, settings: asIs, items } = await beating(heartbeat, () => takeIn(input));
      const settings = await nameModels(asIs, task);
      if (settings.benchmark.regressions) items.push(...(await regressionItems(db, task, items)));
      // A missing endpoint or key is the user's to mend, and better named before anything is begun.
      const taught = settings.models.teacher ? (['teacher'] as const) : [];
      for (const role of ['generator', ...taught, 'critic', 'trainer'] as const)
        endpointOf(role, settings, task);
      for (const { endpoint } of askedOf({ settings, task })) endpoint();
      otherModels({ settings, task });
      await createRun(
        db,
        {
          id: runId,
          task: task.name,
          taskSpec,
          settings,
          codeVersion: codeVersion(),
          scheduleId: schedule?.id,
          scheduledFor: schedule && new Date(schedule.scheduledFor),
          scheduleTimeZone: schedule?.timeZone,
        },
        items,
      );
    } catch (error) {
      if (error instanceof InvalidInputError) throw invalidInput(error.problems);
      if (error instanceof EndpointError) throw invalidInput([error.message]);
      throw error;
    }
  } else if (existing.status !== 'running') {
    await setRunStatus(db, runId, 'running');
  }
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const history = await recentRows(db, runId, HISTORY_ROWS);
  const majority = await majorityCounts(db, runId);
  // Samples of a task whose answers are programs have no answers to count.
  const counts = run.settings.benchmark.majority && !judgesBehaviour(task);
  const measures = counts && majority.voted < majority.items;
  const targets = run.settings.curriculum.targets.length;
  return {
    runId,
    ...(targets > 0 ? { targets } : {}),
    majorityItems: measures ? majority.items : 0,
    task: run.task,
    title: task.title,
    iterations: run.settings.iterations,
    priority: run.settings.priority,
    pagesInFlight: run.settings.paging.pagesInFlight,
    promptsPerPage: run.settings.paging.promptsPerPage,
    history: history.slice(-HISTORY_ROWS),
    nextIteration: (history.at(-1)?.index ?? 0) + 1,
    ...(run.settings.models.teacher ? { taught: true as const } : {}),
    ...(track ? { tracked: true as const } : {}),
  };
}

/**
 * The ids of base and best, for the measurements at the start and the end of a run.
 *
 * Reads: checkpoints and decisions. Writes nothing.
 */
export async function runCheckpoints(
  { db }: Deps,
  { runId }: { runId: string },
): Promise<{ baseId: number; bestId: number }> {
  const { base, best } = await baseAndBest(db, runId);
  return { baseId: base.id, bestId: best.id };
}

/**
 * Stores how a run ended. Undefined for a run whose input was refused: it was never stored.
 *
 * Reads: the run's iterations. Writes: its status. Safe to repeat: what is completed stays so.
 */
export async function finishRun(
  { db }: Deps,
  {
    runId,
    status,
    reason,
  }: {
    runId: string;
    status: RunStatus;
    reason?: string;
  },
): Promise<RunOutcome | undefined> {
  const run = await findRun(db, runId);
  if (!run) return undefined;
  // One that was completed before stays so, whatever is tried with it.
  if (run.status !== 'completed') await setRunStatus(db, runId, status, reason);
  const rows = await historyRows(db, runId);
  // Of a curriculum the last stage's: scores of two targets can't be compared.
  const measured = rows.filter((row) => row.before !== undefined && row.stage === rows.at(-1)!.stage);
  const last = measured.at(-1);
  return {
    runId,
    status: run.status === 'completed' ? 'completed' : status,
    iterations: rows.at(-1)?.index ?? 0,
    promoted: rows.filter((row) => row.decision === 'promote').length,
    targetBefore: measured[0]?.before,
    targetAfter: last && (last.decision === 'promote' ? last.after : last.before),
    ...(reason === undefined ? {} : { reason }),
  };
}
