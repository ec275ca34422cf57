import {
  ApplicationFailure,
  CancellationScope,
  ParentClosePolicy,
  continueAsNew,
  defineQuery,
  executeChild,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import type { ScheduledStart } from '../activities/run.ts';
import type { HistoryRow } from '../db/history.ts';
import type { ImproveInput } from '../loop/input.ts';
import { failureType, rootCause } from './failures.ts';
import { iteration } from './iteration.ts';
import { measure } from './measure.ts';
import { SEARCH_ATTRIBUTE } from './names.ts';
import { llm, main } from './proxies.ts';

export type RunResult = {
  runId: string;
  iterations: number;
  promoted: number;
  targetBefore?: number;
  targetAfter?: number;
};

export type RunView = {
  runId: string;
  task: string;
  iteration: number;
  iterations: number;
  doing: string;
  history: HistoryRow[];
};

export const statusQuery = defineQuery<RunView | undefined>('status');

/** Decided iterations kept in the workflow's state; all of them are in the database. */
const ROWS_SHOWN = 12;

const attribute = {
  task: defineSearchAttributeKey(SEARCH_ATTRIBUTE.task, 'KEYWORD'),
  stage: defineSearchAttributeKey(SEARCH_ATTRIBUTE.stage, 'KEYWORD'),
  iteration: defineSearchAttributeKey(SEARCH_ATTRIBUTE.iteration, 'INT'),
  decision: defineSearchAttributeKey(SEARCH_ATTRIBUTE.decision, 'KEYWORD'),
  targetAccuracy: defineSearchAttributeKey(SEARCH_ATTRIBUTE.targetAccuracy, 'DOUBLE'),
};

/**
 * A run: iterations on one task until there are as many as asked for, then the final benchmark, read once.
 * Empty input is legal and runs the arithmetic task with defaults. All state that matters is in the
 * database: starting the same workflow id again, or continuing as new, goes on where the run stopped.
 *
 * @throws InvalidInput naming every bad field
 */
export async function improve(input?: ImproveInput): Promise<RunResult> {
  const { workflowId: runId } = workflowInfo();
  const view: RunView = { runId, task: '', iteration: 0, iterations: 0, doing: 'preparing', history: [] };
  setHandler(statusQuery, () => view, {
    description: 'Which iteration is running, and the newest decided ones',
  });
  const show = (doing: string, ...attributes: SearchAttributeUpdatePair[]) => {
    view.doing = doing;
    setCurrentDetails(report(view));
    upsertSearchAttributes([{ key: attribute.stage, value: doing.split(/\W/)[0]! }, ...attributes]);
  };

  try {
    const run = await main.prepareRun(input, scheduledStart());
    Object.assign(view, {
      task: run.task,
      iteration: run.nextIteration,
      iterations: run.iterations,
      history: run.history,
    });
    show('measuring the base', { key: attribute.task, value: run.task });
    const { checkpointId: baseId } = await llm.identifyBase({ runId });
    await measure({ runId, checkpointId: baseId, roles: ['target', 'guard'] }, run);

    for (let index = run.nextIteration; index <= run.iterations; index++) {
      view.iteration = index;
      show(`iterating ${index} of ${run.iterations}`, { key: attribute.iteration, value: index });
      const decided = await executeChild(iteration, {
        workflowId: `${runId}/iteration-${index}`,
        args: [
          { runId, index, paging: { pagesInFlight: run.pagesInFlight, promptsPerPage: run.promptsPerPage } },
        ],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `iteration ${index} of ${runId}`,
      });
      view.history = [...view.history, decided.row].slice(-ROWS_SHOWN);
      const now = decided.kind === 'promote' ? decided.row.after : decided.row.before;
      show(
        `decided iteration ${index}`,
        { key: attribute.decision, value: decided.kind },
        ...(now === undefined ? [] : [{ key: attribute.targetAccuracy, value: now }]),
      );
      if (workflowInfo().continueAsNewSuggested && index < run.iterations)
        await continueAsNew<typeof improve>(input);
    }

    show('reading the final benchmark');
    const { bestId } = await main.runCheckpoints({ runId });
    for (const checkpointId of new Set([baseId, bestId])) {
      await measure({ runId, checkpointId, roles: ['final'] }, run);
    }
    await main.finishRun({ runId, status: 'completed' });
    show('completed');
    return outcome(view);
  } catch (error) {
    const stopped = isCancellation(error);
    const reason = stopped ? 'cancelled' : rootCause(error).message;
    // The run's row must say what became of it, also when the workflow is being cancelled.
    await CancellationScope.nonCancellable(() =>
      main.finishRun({ runId, status: stopped ? 'stopped' : 'failed', reason }),
    );
    if (stopped) throw error;
    show(`failed: ${reason.split('\n')[0]}`);
    throw ApplicationFailure.create({
      message: reason,
      type: failureType(error),
      nonRetryable: true,
      cause: rootCause(error),
    });
  }
}

/** The schedule that started this run, and the time for which it was due: also true of a late or backfilled one. */
function scheduledStart(): ScheduledStart | undefined {
  const { typedSearchAttributes: known } = workflowInfo();
  const id = known.get(defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD'));
  const due = known.get(defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME'));
  return id !== undefined && due ? { id, scheduledFor: due.toISOString() } : undefined;
}

function outcome({ runId, iteration, history }: RunView): RunResult {
  const measured = history.filter((row) => row.before !== undefined);
  const last = measured.at(-1);
  return {
    runId,
    iterations: iteration,
    promoted: history.filter((row) => row.decision === 'promote').length,
    targetBefore: measured[0]?.before,
    targetAfter: last && (last.decision === 'promote' ? last.after : last.before),
  };
}

/** The current details of a run, as the Temporal UI shows them. */
function report(view: RunView): string {
  const percent = (share: number | undefined) =>
    share === undefined ? '–' : `${(100 * share).toFixed(1)} %`;
  const rows = view.history.map((row) =>
    [
      '',
      row.index,
      row.levels?.join(', ') ?? '–',
      row.prompts,
      row.accepted,
      row.agreement.toFixed(2),
      row.decision,
      percent(row.before),
      percent(row.after),
      row.pValue === undefined ? '–' : row.pValue.toPrecision(2),
      '',
    ]
      .join(' | ')
      .trim(),
  );
  return [
    `**${view.task}** — ${view.doing}`,
    '',
    '| iteration | levels | pool | accepted | agreement | decision | target before | candidate | p |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
