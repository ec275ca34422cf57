/**
 * A run as its workflow holds it: what it was told, what it shows, and how it waits. What lasts is in the database; this is
 * rebuilt by every execution. Handlers change the state, and the run acts on it at its safe points.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import type { PreparedRun } from '../activities/run/run.ts';
import { createControl, type Control } from '../loop/control.ts';
import { attribute } from './attributes.ts';
import { adviceFor, failureType, firstLine, HALTED, isFatal, retryHelps, rootCause } from './failures.ts';
import { listen } from './messages.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { reviewsWaitSignal } from './review.ts';
import { tracking } from './proxies.ts';
import { comeFirst } from './scheduled-on.ts';
import { createSafePoint, type SafePoint } from './safe-point.ts';
import { markdown, newest, stateOf, type RunHistory, type RunView } from './view.ts';

const statusQuery = defineQuery<RunView>('status');
const historyQuery = defineQuery<RunHistory>('history');

export class Session {
  readonly runId = workflowInfo().workflowId;
  readonly control: Control;
  readonly view: RunView;
  readonly history: RunHistory;
  readonly safePoint: SafePoint;
  readonly recorder: Recorder;
  /** Why the run must fail although nothing of its own failed: what it was told can't be stored. */
  unrecorded: { error: unknown } | undefined;
  /** Only runs that are tracked schedule it, so histories of others stay as they were. */
  private tracked = false;
  private shownStage = '';

  /** Call it before the first `await`: messages may have come before the workflow's first task. */
  constructor(carried?: Partial<Control>) {
    const { runId } = this;
    const control = createControl(carried);
    this.control = control;
    const doing = 'preparing';
    this.view = { runId, task: '', state: 'preparing', iteration: 0, iterations: 0, doing };
    this.history = { iterations: [], messages: control.shown };
    setHandler(statusQuery, () => this.view, { description: 'What the run is doing now' });
    setHandler(historyQuery, () => this.history, {
      description: 'The newest decided iterations and the newest messages with their answers',
    });
    listen(runId, control);
    setHandler(
      reviewsWaitSignal,
      (waiting) => {
        control.reviewsWaiting = waiting;
        this.refresh();
      },
      { description: 'Sent by an iteration: for how many decisions of reviewers it waits.' },
    );
    this.safePoint = createSafePoint({
      get paused() {
        return control.paused;
      },
      get halt() {
        return control.stop === 'now';
      },
    });
    const whole = CancellationScope.current();
    this.recorder = startRecorder(
      runId,
      control,
      () => this.refresh(),
      (error) => {
        this.unrecorded = { error };
        whole.cancel();
      },
    );
  }

  /** The run is stored: from now on it records what it is told. */
  begin(run: PreparedRun): void {
    comeFirst(run.priority);
    this.tracked = run.tracked === true;
    Object.assign(this.view, { task: run.task, iteration: run.nextIteration, iterations: run.iterations });
    this.history.iterations = newest(run.history);
    this.control.iteration = run.nextIteration - 1;
    this.control.phase = 'measuring';
    this.refresh('measuring the base', [{ key: attribute.task, value: run.task }]);
    this.recorder.begin();
  }

  /** Tells the trackers of experiments what is so by now; that they can't be told is no failure of the run. */
  async track(): Promise<void> {
    if (!this.tracked) return;
    try {
      await tracking.trackRun({ runId: this.runId });
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the run could not be tracked', { error: rootCause(error).message });
    }
  }

  /** Shows what the run does, and whether it waits, in the workflow's details and search attributes. */
  refresh(doing = this.view.doing, attributes: SearchAttributeUpdatePair[] = []): void {
    const { control, view } = this;
    view.doing = doing;
    view.state = stateOf(control);
    view.parked = control.parked;
    view.reviewsWaiting = control.reviewsWaiting || undefined;
    this.history.messages = control.shown;
    setCurrentDetails(markdown(view, this.history));
    const waiting = view.state === 'paused' || view.state === 'parked' || view.state === 'review';
    const stage = waiting ? view.state : doing.split(/\W/)[0]!;
    if (stage !== this.shownStage) attributes.push({ key: attribute.stage, value: stage });
    this.shownStage = stage;
    if (attributes.length > 0) upsertSearchAttributes(attributes);
  }

  /** Does a failure end the run (bad input, a bug, a cancelled workflow)? */
  ends(error: unknown): boolean {
    return isFatal(error) || CancellationScope.current().consideredCancelled;
  }

  /** Waits for an operator. True: try again; false: this is given up, or the run stops. */
  async park(doing: string, error: unknown, givenUp = () => false): Promise<boolean> {
    const { control } = this;
    control.parked = {
      doing,
      error: firstLine(error),
      advice: adviceFor(error),
      ...(retryHelps(error) ? {} : { retryHelps: false }),
    };
    control.retry = false;
    this.refresh();
    await condition(() => control.retry || control.stop !== undefined || givenUp());
    control.parked = undefined;
    this.refresh();
    return control.retry;
  }

  /** Does something, again and again if an operator says so; undefined when it is given up or the run stops. */
  async attempt<T>(doing: string, work: () => Promise<T>, givenUp = () => false): Promise<T | undefined> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (this.ends(error)) throw error;
        if (failureType(error) === HALTED) return undefined;
        if (!(await this.park(doing, error, givenUp))) return undefined;
      }
    }
  }

  /**
   * Waits until every message that was received has its answer in the database. Called again after the last activity, since
   * messages come until the execution is closed.
   */
  async settle(): Promise<void> {
    do {
      await condition(allHandlersFinished);
      await this.recorder.end();
    } while (this.control.unsaved.length > 0 || !allHandlersFinished());
  }
}
