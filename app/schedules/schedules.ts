/** Temporal Schedules that start runs: what the commands ask of them. Words and tables are `render-schedules.ts`'s. */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../../db/connect.ts';
import { runsByIds } from '../../db/queries/runs.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { logicalWeek } from '../../loop/logical-week.ts';
import { WORKFLOW } from '../../workflows/names.ts';
import { UsageError } from '../../process/errors.ts';
import type { TaskSpec } from '../../tasks/index.ts';
import type { Score } from '../report/types.ts';
import { outcomes } from '../report/report.ts';
import { actionOf, idsInNamespace } from './in-namespace.ts';
import { specWords, type Timing } from './spec.ts';
import { isOurQueue, mainQueue, workflowState } from '../temporal.ts';

/** A run that a schedule has started. */
export type ScheduledRun = {
  run: string;
  /** When it was due, and the ISO week of that in the schedule's time zone. */
  scheduledFor: string;
  week: string;
  startedAt: string;
  status: string;
  reason: string | null;
  base: Score | null;
  best: Score | null;
};

export type ScheduleReport = {
  schedule: string;
  task: string;
  /** In words: `weekly Sun 03:00`. */
  when: string;
  timeZone: string;
  paused: boolean;
  /** Why it is paused. */
  note: string | null;
  /** The next times, ISO; empty while paused. */
  next: string[];
  /** The newest runs, newest first; Temporal keeps ten. */
  runs: ScheduledRun[];
  started: number;
  /** Firings left out because the run before was still going. */
  skipped: number;
  /** Firings that an outage delayed past the catch-up window. */
  missed: number;
  catchUpMs: number;
  pauseOnFailure: boolean;
  input: ImproveInput;
};

/** How long a trigger may take to show. The server acts on it at once, but answers before it has. */
const TRIGGER_PATIENCE_MS = 15_000;

function unknownSchedule(id: string): Error {
  return new Error(`There is no schedule "${id}". See the schedules there are with: ratchet schedule list`);
}

/** Turns the server's refusals into sentences. */
async function asking<T>(id: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) throw unknownSchedule(id);
    if (error instanceof ScheduleAlreadyRunning)
      throw new UsageError(
        `There is a schedule "${id}" already. See it with: ratchet schedule show ${id}; delete it, or give this one another --id.`,
      );
    // What the SDK makes of the server's "Invalid schedule spec".
    if (error instanceof TypeError) throw new UsageError(`Temporal refuses the schedule: ${error.message}.`);
    throw error;
  }
}

/**
 * Creates a schedule of runs. A run goes on from the task's promoted checkpoint and draws unused prompts,
 * unless the input says otherwise; of bugs it draws all, since one that is not mended yet is worth another try. One that is due while the last is still going is skipped.
 *
 * @throws UsageError when the id is taken or the server refuses the times
 */
export async function createSchedule(
  client: Client,
  options: {
    id: string;
    input: ImproveInput;
    spec: TaskSpec;
    timing: Timing;
    catchUpMs: number;
    paused?: boolean;
  },
): Promise<void> {
  const { id, timing } = options;
  const task = options.input.task ?? 'arithmetic';
  const input: ImproveInput = {
    ...options.input,
    start: options.input.start ?? 'promoted',
    pool: { unused: options.spec.kind !== 'code', ...options.input.pool },
  };
  await asking(
    id,
    client.schedule.create({
      scheduleId: id,
      spec: timing.spec,
      action: {
        type: 'startWorkflow',
        workflowType: WORKFLOW.improve,
        taskQueue: mainQueue(),
        // Temporal appends the time for which the run is due.
        workflowId: id,
        args: [input],
        memo: { schedule: id, timeZone: timing.timeZone },
        staticSummary: `Ratchet run of ${task}, by the schedule ${id}`,
      },
      policies: {
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: options.catchUpMs,
        pauseOnFailure: true,
      },
      memo: { task },
      state: options.paused ? { paused: true, note: 'created paused' } : undefined,
    }),
  );
}

/** @throws Error when there is no such schedule, or it starts something else than runs */
async function describe(client: Client, id: string): Promise<ScheduleDescription> {
  const { workflowType, taskQueue } = await asking(id, actionOf(client, id));
  if (workflowType !== WORKFLOW.improve)
    throw new Error(`The schedule "${id}" starts ${workflowType}, not runs of Ratchet.`);
  if (!isOurQueue(taskQueue))
    throw new Error(
      `The schedule "${id}" is another installation's, whose queue is ${taskQueue}: both share Temporal's namespace.`,
    );
  return asking(id, client.schedule.getHandle(id).describe());
}

async function scheduledRuns(client: Client, db: Db, description: ScheduleDescription, timeZone: string) {
  const actions = description.info.recentActions.toReversed();
  const open = new Set(description.info.runningActions.map(({ workflow }) => workflow.workflowId));
  const rows = await runsByIds(
    db,
    actions.map(({ action }) => action.workflow.workflowId),
  );
  const stored = new Map((await outcomes(db, rows)).map((outcome) => [outcome.run.id, outcome]));
  return Promise.all(
    actions.map(async ({ action, scheduledAt, takenAt }): Promise<ScheduledRun> => {
      const id = action.workflow.workflowId;
      const known = stored.get(id);
      let status: string = known?.run.status ?? 'running';
      let reason = known?.run.statusReason ?? null;
      // A run whose input was refused has no row, and one that was terminated could not write in it.
      if (status === 'running' && !open.has(id)) {
        const workflow = await workflowState(client, id);
        if (workflow.state === 'closed') {
          status = workflow.status.toLowerCase();
          reason = workflow.failure ?? null;
        } else if (workflow.state === 'absent') status = 'no longer kept';
      }
      return {
        run: id,
        scheduledFor: scheduledAt.toISOString(),
        week: logicalWeek(scheduledAt, timeZone),
        startedAt: takenAt.toISOString(),
        status,
        reason,
        base: known?.base ?? null,
        best: known?.best ?? null,
      };
    }),
  );
}

async function report(client: Client, db: Db, description: ScheduleDescription): Promise<ScheduleReport> {
  const { spec, state, info, policies, action } = description;
  const timeZone = spec.timezone || 'UTC';
  const [input] = (action.args ?? []) as [ImproveInput?];
  return {
    schedule: description.scheduleId,
    task: input?.task ?? 'arithmetic',
    when: specWords(spec),
    timeZone,
    paused: state.paused,
    note: (state.paused && state.note) || null,
    next: state.paused ? [] : info.nextActionTimes.map((time) => time.toISOString()),
    runs: await scheduledRuns(client, db, description, timeZone),
    started: info.numActionsTaken,
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    catchUpMs: policies.catchupWindow,
    pauseOnFailure: policies.pauseOnFailure,
    input: input ?? {},
  };
}

/** @throws Error when there is no such schedule */
export async function showSchedule(client: Client, db: Db, id: string): Promise<ScheduleReport> {
  return report(client, db, await describe(client, id));
}

/** All schedules that start runs of this installation, by id. */
export async function listSchedules(client: Client, db: Db): Promise<ScheduleReport[]> {
  const ids = await idsInNamespace(client);
  const reports = await Promise.all(
    ids.map(async (id) => {
      try {
        const { workflowType, taskQueue } = await actionOf(client, id);
        if (workflowType !== WORKFLOW.improve || !isOurQueue(taskQueue)) return undefined;
        return await report(client, db, await client.schedule.getHandle(id).describe());
      } catch (error) {
        // The list lags behind: one that was just deleted may still stand in it.
        if (error instanceof ScheduleNotFoundError) return undefined;
        throw error;
      }
    }),
  );
  return reports.filter((one) => one !== undefined);
}

export async function pauseSchedule(client: Client, id: string, note: string): Promise<void> {
  await describe(client, id);
  await asking(id, client.schedule.getHandle(id).pause(note));
}

export async function unpauseSchedule(client: Client, id: string, note: string): Promise<void> {
  await describe(client, id);
  await asking(id, client.schedule.getHandle(id).unpause(note));
}

export async function deleteSchedule(client: Client, id: string): Promise<{ running: string[] }> {
  const { info } = await describe(client, id);
  await asking(id, client.schedule.getHandle(id).delete());
  return { running: info.runningActions.map(({ workflow }) => workflow.workflowId) };
}

/**
 * Starts a run now, also while the schedule is paused, and answers its id. Two runs at once would begin at
 * the same checkpoint and draw from the same prompts, so one that is under way stands in the way.
 *
 * @throws Error when a run of the schedule is still going
 */
export async function triggerSchedule(client: Client, id: string): Promise<{ run: string }> {
  const before = (await describe(client, id)).info;
  const [running] = before.runningActions;
  if (running)
    throw new Error(
      `The run ${running.workflow.workflowId} is still going, so none was started. Watch it with: ratchet watch ${running.workflow.workflowId}`,
    );
  await asking(id, client.schedule.getHandle(id).trigger(ScheduleOverlapPolicy.SKIP));
  const deadline = Date.now() + TRIGGER_PATIENCE_MS;
  while (Date.now() < deadline) {
    const { info } = await describe(client, id);
    const newest = info.recentActions.at(-1);
    if (newest && info.numActionsTaken > before.numActionsTaken)
      return { run: newest.action.workflow.workflowId };
    if (info.numActionsSkippedOverlap > before.numActionsSkippedOverlap)
      throw new Error(`A run of "${id}" began at the same moment, so no other was started.`);
    await sleep(200);
  }
  throw new Error(
    `Temporal has taken the trigger, but shows no run of "${id}" yet. Look again with: ratchet schedule show ${id}`,
  );
}

/** Times in [from, to] at which the schedule fires, whether or not it was there then. */
async function matchingTimes(client: Client, scheduleId: string, from: Date, to: Date): Promise<Date[]> {
  const timestamp = (time: Date) => ({
    seconds: Math.floor(time.getTime() / 1000) as never,
    nanos: (time.getTime() % 1000) * 1e6,
  });
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId,
    // The server leaves out its start, a backfill does not.
    startTime: timestamp(new Date(from.getTime() - 1)),
    endTime: timestamp(to),
  });
  return (startTime ?? []).map(({ seconds }) => new Date(Number(seconds) * 1000));
}

/** More would overflow the server's buffer of runs to come, silently. */
const MAX_BACKFILL = 500;

/**
 * Runs what was due in a past range, one after the other. A time whose run is there is left out, unless it
 * failed: that one goes on. Temporal itself would start a completed run anew, which would be refused, and
 * pause the schedule. Answers the times, and how many were left out.
 *
 * @throws UsageError when nothing, or too much, was due then
 */
export async function backfillSchedule(
  client: Client,
  db: Db,
  id: string,
  from: Date,
  to: Date,
): Promise<{ times: Date[]; leftOut: number }> {
  const { action } = await describe(client, id);
  const all = await asking(id, matchingTimes(client, id, from, to));
  const range = `from ${from.toISOString()} to ${to.toISOString()}`;
  if (all.length === 0) throw new UsageError(`The schedule "${id}" has no time ${range}.`);
  if (all.length > MAX_BACKFILL)
    throw new UsageError(
      `The schedule "${id}" has ${all.length} times ${range}: give a range of at most ${MAX_BACKFILL}.`,
    );
  const runOf = (time: Date) => `${action.workflowId}-${time.toISOString().replace('.000', '')}`;
  const stored = await runsByIds(db, all.map(runOf));
  const there = new Set(stored.filter(({ status }) => status !== 'failed').map((run) => run.id));
  const times = all.filter((time) => !there.has(runOf(time)));
  if (times.length === 0)
    throw new UsageError(`Whatever was due ${range} has been run. See it with: ratchet schedule show ${id}`);
  const overlap = ScheduleOverlapPolicy.BUFFER_ALL;
  await asking(
    id,
    client.schedule.getHandle(id).backfill(times.map((time) => ({ start: time, end: time, overlap }))),
  );
  return { times, leftOut: all.length - times.length };
}
