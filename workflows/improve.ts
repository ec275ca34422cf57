import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  ContinueAsNew,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { carriedControl, createControl, givesUp, type Control } from '../loop/control.ts';
import type { ScheduledStart } from '../activities/run.ts';
import type { ImproveInput } from '../loop/input.ts';
import { attribute, decisionAttributes } from './attributes.ts';
import { adviceFor, failureType, firstLine, HALTED, isFatal, retryHelps, rootCause } from './failures.ts';
import { createGate } from './gate.ts';
import { measure, measureMajority } from './measure.ts';
import { listen } from './messages.ts';
import { durable, llm, main } from './proxies.ts';
import { startRecorder } from './recorder.ts';
import { reviewsWaitSignal } from './review.ts';
import { runIteration } from './turn.ts';
import { markdown, newest, stateOf, type RunHistory, type RunView } from './view.ts';
import type { RunOutcome } from '../activities/run.ts';

export type RunResult = RunOutcome;

export const statusQuery = defineQuery<RunView>('status');
export const historyQuery = defineQuery<RunHistory>('history');

/**
 * Half of the 2,000 events that Temporal advises. An iteration costs about thirty, each message during it about ten more, and
 * only between iterations can a run continue as new.
 */
const EVENTS_PER_EXECUTION = 1_000;

/**
 * A run: iterations on one task until there are as many as asked for, then the final benchmark, read once.
 * Empty input is legal and runs the arithmetic task with defaults. All state that matters is in the
 * database: starting the same workflow id again, or continuing as new, goes on where the run stopped.
 *
 * A stage that is out of retries parks the run, which then waits for an operator; bad input and bugs fail it.
 *
 * @param carried messages that were not acted on yet when the run continued as new
 * @throws InvalidInput naming every bad field
 */
export async function improve(input?: ImproveInput, carried?: Partial<Control>): Promise<RunResult> {
  const { workflowId: runId } = workflowInfo();
  const control = createControl(carried);
  const view: RunView = {
    runId,
    task: '',
    state: 'preparing',
    iteration: 0,
    iterations: 0,
    doing: 'preparing',
  };
  const history: RunHistory = { iterations: [], messages: control.shown };
  setHandler(statusQuery, () => view, { description: 'What the run is doing now' });
  setHandler(historyQuery, () => history, {
    description: 'The newest decided iterations and the newest messages with their answers',
  });
  listen(runId, control);

  let shownStage = '';
  function refresh(doing = view.doing, attributes: SearchAttributeUpdatePair[] = []) {
    view.doing = doing;
    view.state = stateOf(control);
    view.parked = control.parked;
    view.reviewsWaiting = control.reviewsWaiting || undefined;
    history.messages = control.shown;
    setCurrentDetails(markdown(view, history));
    const waiting = view.state === 'paused' || view.state === 'parked' || view.state === 'review';
    const stage = waiting ? view.state : doing.split(/\W/)[0]!;
    if (stage !== shownStage) attributes.push({ key: attribute.stage, value: stage });
    shownStage = stage;
    if (attributes.length > 0) upsertSearchAttributes(attributes);
  }
  setHandler(
    reviewsWaitSignal,
    (waiting) => {
      control.reviewsWaiting = waiting;
      refresh();
    },
    { description: 'Sent by an iteration: for how many decisions of reviewers it waits.' },
  );
  const gate = createGate({
    get paused() {
      return control.paused;
    },
    get halt() {
      return control.stop === 'now';
    },
  });
  /** Why the run must fail although nothing of its own failed: what it was told can't be stored. */
  let unrecorded: { error: unknown } | undefined;
  const whole = CancellationScope.current();
  const recorder = startRecorder(runId, control, refresh, (error) => {
    unrecorded = { error };
    whole.cancel();
  });

  /**
   * Waits until every message that was received has its answer in the database. Called again after the last activity, since
   * messages come until the execution is closed.
   */
  async function settle(): Promise<void> {
    do {
      await condition(allHandlersFinished);
      await recorder.end();
    } while (control.unsaved.length > 0 || !allHandlersFinished());
  }

  /** Does a failure end the run (bad input, a bug, a cancelled workflow)? */
  const ends = (error: unknown) => isFatal(error) || CancellationScope.current().consideredCancelled;

  /** Waits for an operator. True: try again; false: this is given up, or the run stops. */
  async function park(doing: string, error: unknown, givenUp = () => false): Promise<boolean> {
    control.parked = {
      doing,
      error: firstLine(error),
      advice: adviceFor(error),
      ...(retryHelps(error) ? {} : { retryHelps: false }),
    };
    control.retry = false;
    refresh();
    await condition(() => control.retry || control.stop !== undefined || givenUp());
    control.parked = undefined;
    refresh();
    return control.retry;
  }

  /** Does something, again and again if an operator says so; undefined when it is given up or the run stops. */
  async function attempt<T>(
    doing: string,
    work: () => Promise<T>,
    givenUp = () => false,
  ): Promise<T | undefined> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (ends(error)) throw error;
        if (failureType(error) === HALTED) return undefined;
        if (!(await park(doing, error, givenUp))) return undefined;
      }
    }
  }

  try {
    const run = await main.prepareRun(input, scheduledStart());
    Object.assign(view, { task: run.task, iteration: run.nextIteration, iterations: run.iterations });
    history.iterations = newest(run.history);
    control.iteration = run.nextIteration - 1;
    control.phase = 'measuring';
    refresh('measuring the base', [{ key: attribute.task, value: run.task }]);
    const measured = async (checkpointId: number, roles: ('target' | 'guard' | 'final')[]) =>
      measure({ runId, checkpointId, roles }, run, gate);
    recorder.begin();
    const baseId = await attempt('measuring the base', async () => {
      const { checkpointId } = await llm.identifyBase({ runId });
      control.phase = 'iterating';
      await measured(checkpointId, ['target', 'guard']);
      return checkpointId;
    });

    // A run that was prepared by an earlier version has no such number and goes on without the yardstick.
    const items = run.majorityItems ?? 0;
    if (baseId !== undefined && items > 0 && !control.stop) {
      refresh('measuring the majority of the base');
      await attempt('measuring the majority of the base', () => measureMajority(runId, items, run, gate));
    }

    let next = run.nextIteration;
    let halt: string | undefined;

    /** Acts on what was asked for since the last safe point. */
    async function changeCourse(): Promise<void> {
      while (!control.stop) {
        if (control.reset) {
          const reset = control.reset;
          const { checkpointId } = reset;
          const { id, args } = reset.message;
          await attempt('resetting', () => main.reset({ runId, from: next, checkpointId, id, args }));
          refresh(`measuring checkpoint ${checkpointId}`);
          // A checkpoint that is no longer served can be given up for another one.
          const replaced = () => control.reset !== reset;
          await attempt(
            `measuring checkpoint ${checkpointId}`,
            () => measured(checkpointId, ['target', 'guard']),
            replaced,
          );
          if (!replaced()) control.reset = undefined;
        } else if (control.stagnations.length > 0) {
          const { id, args } = control.stagnations[0]!;
          const answered = await attempt('answering stagnation', () =>
            main.answerStagnation({ runId, from: next, id, args }),
          );
          halt = answered?.halt;
          control.stagnations.shift();
        } else if (control.paused) {
          refresh('waiting between iterations');
          const asked = () => control.reset !== undefined || control.stagnations.length > 0;
          await condition(() => !control.paused || control.stop !== undefined || asked());
        } else return;
        if (halt) return;
      }
    }

    if (baseId !== undefined) {
      for (; next <= run.iterations; next++) {
        await changeCourse();
        if (control.stop || halt) break;
        view.iteration = next;
        refresh(`iterating ${next} of ${run.iterations}`, [{ key: attribute.iteration, value: next }]);
        const end = await runIteration({
          runId,
          index: next,
          run,
          control,
          ends,
          park: (doing, error) => park(doing, error, () => givesUp(control)),
        });
        if (end.kind === 'unfinished') break;
        history.iterations = newest([...history.iterations, end.row]);
        refresh(`decided iteration ${next}`, decisionAttributes(end.row));
        halt = end.halt;
        if (control.stop || halt) break;
        const long = workflowInfo().historyLength > EVENTS_PER_EXECUTION;
        if ((long || workflowInfo().continueAsNewSuggested) && next < run.iterations) {
          await recorder.rest();
          await condition(allHandlersFinished);
          await continueAsNew<typeof improve>(input, carriedControl(control));
        }
      }
      // What arrived during the last iteration is still answered.
      do {
        if (!control.stop && !halt) await changeCourse();
      } while (!control.stop && !halt && (control.reset || control.stagnations.length > 0));
    }

    let unread: string | undefined;
    if (!control.stop && baseId !== undefined) {
      control.phase = 'finishing';
      refresh('reading the final benchmark');
      const { bestId } = await durable.runCheckpoints({ runId });
      for (const checkpointId of new Set([baseId, bestId])) {
        await attempt('reading the final benchmark', async () => {
          try {
            await measured(checkpointId, ['final']);
          } catch (error) {
            if (failureType(error) !== 'BudgetExceeded') throw error;
            unread = `the final benchmark was not read: ${firstLine(error)}`;
          }
        });
      }
    }
    const stopper = control.shown.findLast((one) => one.name === 'stop' && one.accepted)?.args.by;
    const reason = control.stop
      ? `stopped by ${stopper ?? 'a message'}`
      : [halt, unread].filter(Boolean).join('; ');
    const stopped = control.stop !== undefined || unread !== undefined;
    control.phase = 'ended';
    await settle();
    const result = await durable.finishRun({
      runId,
      status: stopped ? 'stopped' : 'completed',
      reason: reason || undefined,
    });
    await settle();
    refresh(stopped ? 'stopped' : 'completed');
    return result!;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failure = unrecorded?.error ?? error;
    const cancelled = isCancellation(failure);
    const reason = cancelled ? 'cancelled' : rootCause(failure).message;
    // The run's row must say what became of it, also when the workflow is being cancelled.
    await CancellationScope.nonCancellable(async () => {
      control.phase = 'ended';
      await settle();
      // Where a bug is in the way of that too, the workflow must end all the same.
      await durable.finishRun({ runId, status: cancelled ? 'stopped' : 'failed', reason }).catch(() => {});
      await settle();
    });
    if (cancelled) throw failure;
    refresh(`failed: ${firstLine(failure)}`);
    throw ApplicationFailure.create({
      message: reason,
      type: failureType(failure),
      nonRetryable: true,
      cause: rootCause(failure),
    });
  }
}

/** The schedule that started this run, and the time for which it was due: also true of a late or backfilled one. */
function scheduledStart(): ScheduledStart | undefined {
  const { typedSearchAttributes: known, memo } = workflowInfo();
  const id = known.get(attribute.scheduledById);
  const due = known.get(attribute.scheduledFor);
  const timeZone = memo?.timeZone;
  if (id === undefined || !due) return undefined;
  return {
    id,
    scheduledFor: due.toISOString(),
    ...(typeof timeZone === 'string' ? { timeZone } : {}),
  };
}
