/** What a run shows of itself: queries and the Markdown of its current details in the Temporal UI. */
import type { HistoryRow } from '../db/history.ts';
import type { Control, Recorded } from '../loop/control.ts';

/** `review`: the iteration waits for decisions of reviewers. */
export type RunState = 'preparing' | 'running' | 'paused' | 'parked' | 'review' | 'stopping' | 'ended';

export type RunView = {
  runId: string;
  task: string;
  state: RunState;
  iteration: number;
  iterations: number;
  doing: string;
  /** What failed, what to do, and which signal: while the state is `parked`. */
  parked?: Control['parked'];
  /** Decisions of reviewers for which the iteration waits. */
  reviewsWaiting?: number;
};

export type RunHistory = { iterations: HistoryRow[]; messages: Recorded[] };

/** Decided iterations kept in the workflow's state; all of them are in the database. */
const ROWS_SHOWN = 12;

export function newest(rows: HistoryRow[]): HistoryRow[] {
  return rows.slice(-ROWS_SHOWN);
}

export function stateOf(control: Control): RunState {
  if (control.phase === 'preparing') return 'preparing';
  if (control.parked) return 'parked';
  if (control.stop) return 'stopping';
  if (control.paused) return 'paused';
  return control.reviewsWaiting > 0 ? 'review' : 'running';
}

export function waitingForReview(waiting: number, runId: string): string {
  return `${waiting} ${waiting === 1 ? 'item waits' : 'items wait'} for review: ratchet review ${runId}`;
}

const percent = (share: number | undefined) => (share === undefined ? '–' : `${(100 * share).toFixed(1)} %`);
/** Text from outside in one table cell. */
const cell = (text: string) => text.replaceAll('|', '/').replaceAll('\n', ' ').slice(0, 200);

export function markdown(view: RunView, { iterations, messages }: RunHistory): string {
  const parts = [
    `**${view.task || 'Ratchet'}** — ${view.state === 'running' ? '' : `${view.state}: `}${view.doing}`,
  ];
  if (view.parked) {
    parts.push(
      `### Waiting for you\n\n${view.parked.doing} failed: ${cell(view.parked.error)}\n\n${view.parked.advice} ` +
        'Then send the signal `retryIteration`; what is done is not redone. ' +
        '`skipIteration`, `resetCheckpoint` and `stop` are the other ways on.',
    );
  } else if (view.state === 'review') {
    parts.push(
      `### Waiting for reviewers\n\n${waitingForReview(view.reviewsWaiting ?? 0, view.runId)}. ` +
        'The signals `approveReview` and `rejectReview` decide as well.',
    );
  } else if (view.state === 'paused') parts.push('Send the signal `resume` to let it go on.');
  if (iterations.length > 0) {
    const rows = iterations.map(
      (row) =>
        `| ${row.index} | ${row.levels?.join(', ') ?? '–'} | ${row.prompts} | ${row.accepted} | ` +
        `${row.agreement.toFixed(2)} | ${row.decision} | ${percent(row.before)} | ${percent(row.after)} | ` +
        `${row.pValue === undefined ? '–' : row.pValue.toPrecision(2)} | ${row.roi === undefined ? '–' : row.roi.toFixed(1)} |`,
    );
    parts.push(
      '| iteration | levels | pool | accepted | agreement | decision | target before | candidate | p | ROI |\n' +
        `|---|---|---|---|---|---|---|---|---|---|\n${rows.join('\n')}`,
    );
  }
  if (messages.length > 0) {
    const rows = messages.map(
      (one) =>
        `| ${one.iterationIndex} | ${one.name} | ${cell(one.args.by ?? one.origin)} | ` +
        `${one.accepted ? '' : '**refused:** '}${cell(one.answer)} |`,
    );
    parts.push(`| at iteration | message | from | answer |\n|---|---|---|---|\n${rows.join('\n')}`);
  }
  return parts.join('\n\n');
}
