import {
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  isCancellation,
  log,
  ParentClosePolicy,
  sleep,
  startChild,
  type ChildWorkflowHandle,
  type SignalDefinition,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Decided } from '../activities/decide/decide.ts';
import type { PreparedRun } from '../activities/run/run.ts';
import type { HistoryRow } from '../db/queries/history.ts';
import { givesUp, type Control } from '../loop/control.ts';
import { exceedsStage, failureType, firstLine, rootCause } from './failures.ts';
import { haltIterationSignal, iteration, pauseIterationSignal, resumeIterationSignal } from './iteration.ts';
import { iterationWorkflowId } from './names.ts';
import { cancelling, durable } from './proxies.ts';
import { reviewedSignal } from './review.ts';
import { runPriority } from './scheduled-on.ts';

/**
 * `halt`: why no further iteration may begin; `whole`: in no stage of a curriculum either. `unfinished`: the run was stopped in the
 * middle of it.
 */
export type IterationOutcome =
  | { kind: 'decided'; row: HistoryRow; halt?: string; whole?: boolean }
  | { kind: 'unfinished' };

export type Supervised = {
  runId: string;
  index: number;
  run: PreparedRun;
  control: Control;
  park(doing: string, error: unknown): Promise<boolean>;
  /** Does this failure end the run? */
  ends(error: unknown): boolean;
};

/** One iteration, from its start to a decision, whatever operators ask for and the budget allows on the way. */
export async function supervise(supervised: Supervised): Promise<IterationOutcome> {
  const { runId, index, control, ends, park } = supervised;
  control.iteration = index;
  control.inIteration = true;
  try {
    for (;;) {
      const end = await superviseChild(supervised);
      if ('decided' in end) {
        const { row, halt } = end.decided;
        return { kind: 'decided', row, halt };
      }
      if ('stopped' in end) return { kind: 'unfinished' };
      const { error } = end;
      if (ends(error)) throw error;
      if (givesUp(control)) return await giveUp(supervised);
      if (failureType(error) === 'BudgetExceeded') {
        const { lighter, reason } = await durable.lighten({ runId, index, exceeded: firstLine(error) });
        if (lighter) continue;
        const row = await skip(supervised, reason);
        return { kind: 'decided', row, halt: reason, whole: !exceedsStage(error) };
      }
      if (await park(`iteration ${index}`, error)) continue;
      if (givesUp(control)) return await giveUp(supervised);
      return { kind: 'unfinished' };
    }
  } finally {
    control.inIteration = false;
    control.reviewsWaiting = 0;
  }
}

async function giveUp(supervised: Supervised): Promise<IterationOutcome> {
  const { control } = supervised;
  const message = control.reset?.message ?? control.skip!.message;
  const by = message.args.by ? ` by ${message.args.by}` : '';
  const why = message.args.reason ? `: ${message.args.reason}` : '';
  const row = await skip(supervised, `given up: ${message.name} was sent${by}${why}`);
  control.skip = undefined;
  return { kind: 'decided', row };
}

async function skip({ runId, index }: Supervised, reason: string): Promise<HistoryRow> {
  const { row, training } = await durable.skipIteration({ runId, index, reason });
  if (training !== undefined) {
    try {
      await cancelling.cancelTraining({ iterationId: training });
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the fine-tuning job of an iteration that was given up may still run', {
        iterationId: training,
        error: rootCause(error).message,
      });
    }
  }
  return row;
}

type ChildEnd = { decided: Decided } | { stopped: true } | { error: unknown };

/** Runs the child workflow and passes on to it what the run is told. */
async function superviseChild({ runId, index, run, control }: Supervised): Promise<ChildEnd> {
  const scope = new CancellationScope();
  let child: ChildWorkflowHandle<typeof iteration>;
  try {
    child = await scope.run(() => startIterationChild(runId, index, run, control.paused));
  } catch (error) {
    return { error };
  }
  const told = { paused: control.paused, halt: false, cancelled: false, reviews: control.reviews };
  let end: ChildEnd | undefined;
  void child.result().then(
    (value) => {
      end = 'stopped' in value ? value : { decided: value };
    },
    (error: unknown) => {
      end = { error };
    },
  );
  for (;;) {
    const cancel = () => !told.cancelled && givesUp(control);
    const halt = () => !told.halt && control.stop === 'now';
    const reviewed = () => control.reviews !== told.reviews;
    await condition(
      () => end !== undefined || cancel() || halt() || control.paused !== told.paused || reviewed(),
    );
    if (end) return end;
    if (cancel()) {
      told.cancelled = true;
      scope.cancel();
    } else if (halt()) {
      told.halt = true;
      await tell(child, haltIterationSignal);
    } else if (reviewed()) {
      told.reviews = control.reviews;
      await tell(child, reviewedSignal);
    } else {
      told.paused = control.paused;
      await tell(child, told.paused ? pauseIterationSignal : resumeIterationSignal);
    }
  }
}

/** A child that has just ended needs no message any more. */
async function tell(
  child: ChildWorkflowHandle<typeof iteration>,
  signal: SignalDefinition<[]>,
): Promise<void> {
  try {
    await child.signal(signal);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
  }
}

/** An earlier execution of the iteration that is still being cancelled is waited for. */
async function startIterationChild(
  runId: string,
  index: number,
  run: PreparedRun,
  paused: boolean,
): Promise<ChildWorkflowHandle<typeof iteration>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startChild(iteration, {
        workflowId: iterationWorkflowId(runId, index),
        args: [
          {
            runId,
            index,
            task: run.task,
            paging: { pagesInFlight: run.pagesInFlight, promptsPerPage: run.promptsPerPage },
            paused,
          },
        ],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority: runPriority(),
        staticSummary: `iteration ${index} of ${runId}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError) || attempt === 30) throw error;
      await sleep('2 seconds');
    }
  }
}
