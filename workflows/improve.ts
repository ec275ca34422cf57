import {
  allHandlersFinished,
  condition,
  continueAsNew,
  ContinueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import type { PreparedRun, RunOutcome, ScheduledStart } from '../activities/run/run.ts';
import { carriedControl, givesUp, type Control } from '../loop/control.ts';
import type { ImproveInput } from '../loop/input.ts';
import { attribute, decisionAttributes } from './attributes.ts';
import { changeCourse } from './change-course.ts';
import { closeFailedRun, closeRun } from './close-run.ts';
import { failureType, firstLine } from './failures.ts';
import { measure, measureMajority } from './measure.ts';
import { durable, llm, main } from './proxies.ts';
import { Session } from './session.ts';
import { supervise } from './supervise.ts';
import { newest } from './view.ts';

/**
 * Half of the 2,000 events that Temporal advises. An iteration costs about thirty, each message during it about ten more, and
 * only between iterations can a run continue as new.
 */
const EVENTS_PER_EXECUTION = 1_000;

/**
 * A run: iterations on one task until there are as many as asked for, then the final benchmark, read once.
 * Empty input is legal and runs the arithmetic task with defaults. A stage that is out of retries parks the run, which then
 * waits for an operator; bad input and bugs fail it.
 *
 * Reads and writes nothing itself: its activities do. Safe to repeat: all state that matters is in the database, so starting
 * the same workflow id again, or continuing as new, goes on where the run stopped.
 *
 * @param carried messages that were not acted on yet when the run continued as new
 * @throws InvalidInput naming every bad field
 */
export async function improve(input?: ImproveInput, carried?: Partial<Control>): Promise<RunOutcome> {
  const session = new Session(carried);
  try {
    const run = await main.prepareRun(input, scheduledStart());
    session.begin(run);
    const baseId = await measureBase(session, run);
    if (baseId === undefined) return await closeRun(session, {});
    await measureYardstick(session, run);
    await session.track();
    const teacherId = run.taught && (await measureTeacher(session, run));
    const halt = await iterate(session, run, input);
    const unread = await readFinal(session, run, teacherId ? [baseId, teacherId] : [baseId]);
    if (teacherId) await measureFootprints(session);
    return await closeRun(session, { halt, unread });
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    throw await closeFailedRun(session, error);
  }
}

/** What candidates are held against. Undefined where the run was stopped before it was measured. */
function measureBase(session: Session, run: PreparedRun): Promise<number | undefined> {
  const { runId, control, safePoint } = session;
  return session.attempt('measuring the base', async () => {
    const { checkpointId } = await llm.identifyBase({ runId });
    control.phase = 'iterating';
    await measure({ runId, checkpointId, roles: ['target', 'guard'] }, run, safePoint);
    return checkpointId;
  });
}

/** What the base's majority of K samples knows. A run that an earlier version prepared has no such number and goes on without. */
async function measureYardstick(session: Session, run: PreparedRun): Promise<void> {
  const { runId, control, safePoint } = session;
  const items = run.majorityItems ?? 0;
  if (items === 0 || control.stop) return;
  const doing = 'measuring the majority of the base';
  session.refresh(doing);
  await session.attempt(doing, () => measureMajority(runId, items, run, safePoint));
}

/** What a student is held against in the end. Undefined where the run was stopped before. */
function measureTeacher(session: Session, run: PreparedRun): Promise<number | undefined> {
  const { runId, control, safePoint } = session;
  const doing = 'measuring the teacher';
  if (control.stop) return Promise.resolve(undefined);
  session.refresh(doing);
  return session.attempt(doing, async () => {
    const { checkpointId } = await llm.identifyTeacher({ runId });
    await measure({ runId, checkpointId, roles: ['target'] }, run, safePoint);
    return checkpointId;
  });
}

/** All iterations that are left. @returns why there are no more, where that is not for their number or a stop */
async function iterate(
  session: Session,
  run: PreparedRun,
  input: ImproveInput | undefined,
): Promise<string | undefined> {
  const { control, view, history } = session;
  let next = run.nextIteration;
  for (; next <= run.iterations; next++) {
    const halt = await takeTarget(session, run, next, await changeCourse(session, run, next));
    if (control.stop || halt) return halt;
    view.iteration = next;
    session.refresh(`iterating ${next} of ${run.iterations}`, [{ key: attribute.iteration, value: next }]);
    const end = await supervise({
      runId: session.runId,
      index: next,
      run,
      control,
      ends: (error) => session.ends(error),
      park: (doing, error) => session.park(doing, error, () => givesUp(control)),
    });
    if (end.kind === 'unfinished') break;
    history.iterations = newest([...history.iterations, end.row]);
    session.refresh(`decided iteration ${next}`, decisionAttributes(end.row));
    await session.track();
    if (control.stop || (end.halt && (end.whole || (await takeTarget(session, run, next + 1, end.halt)))))
      return end.halt;
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    const long = historyLength > EVENTS_PER_EXECUTION || continueAsNewSuggested;
    if (long && next < run.iterations) {
      await session.recorder.rest();
      await condition(allHandlersFinished);
      await continueAsNew<typeof improve>(input, carriedControl(control));
    }
  }
  // What arrived during the last iteration is still answered.
  for (;;) {
    const halt = await changeCourse(session, run, next);
    if (halt || control.stop || !(control.reset || control.stagnations.length > 0)) return halt;
  }
}

/**
 * In a run with a curriculum of targets: which one the next iteration works on. What would halt the run ends a stage, and that of
 * the last one the run.
 *
 * @returns why no further iteration may begin, if so
 */
async function takeTarget(
  session: Session,
  run: PreparedRun,
  from: number,
  halt: string | undefined,
): Promise<string | undefined> {
  // Only runs with a curriculum come further, so histories of others stay as they were.
  if (!run.targets || session.control.stop) return halt;
  const { runId } = session;
  const chosen = await session.attempt('choosing the target', () => main.nextTarget({ runId, from, halt }));
  if (!chosen) return halt;
  session.view.stage = chosen.now ?? session.view.stage;
  return chosen.halt;
}

/** The final benchmark of base, teacher and best, read once. @returns why it was not, if so */
async function readFinal(session: Session, run: PreparedRun, others: number[]): Promise<string | undefined> {
  const { runId, control, safePoint } = session;
  if (control.stop) return undefined;
  let unread: string | undefined;
  const doing = 'reading the final benchmark';
  control.phase = 'finishing';
  session.refresh(doing);
  const { bestId } = await durable.runCheckpoints({ runId });
  for (const checkpointId of new Set([...others, bestId])) {
    await session.attempt(doing, async () => {
      try {
        await measure({ runId, checkpointId, roles: ['final'] }, run, safePoint);
      } catch (error) {
        if (failureType(error) !== 'BudgetExceeded') throw error;
        unread = `the final benchmark was not read: ${firstLine(error)}`;
      }
    });
  }
  return unread;
}

/** How fast and how large teacher and student are, where the budget has room for it. */
async function measureFootprints(session: Session): Promise<void> {
  const { runId, control } = session;
  if (control.stop) return;
  const doing = 'timing teacher and student';
  session.refresh(doing);
  await session.attempt(doing, async () => {
    await session.safePoint.pass();
    try {
      await llm.measureFootprints({ runId });
    } catch (error) {
      if (failureType(error) !== 'BudgetExceeded') throw error;
    }
  });
}

/** The schedule that started this run, and the time for which it was due: also true of a late or backfilled one. */
function scheduledStart(): ScheduledStart | undefined {
  const { typedSearchAttributes: attributes, memo } = workflowInfo();
  const id = attributes.get(attribute.scheduledById);
  const due = attributes.get(attribute.scheduledFor);
  const timeZone = memo?.timeZone;
  if (id === undefined || !due) return undefined;
  return {
    id,
    scheduledFor: due.toISOString(),
    ...(typeof timeZone === 'string' ? { timeZone } : {}),
  };
}
