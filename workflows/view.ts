/** What a run shows of itself: queries and the Markdown of its current details in the Temporal UI. */
import { workflowInfo } from '@temporalio/workflow';
import type { TargetNow } from '../activities/run/targets.ts';
import type { HistoryRow } from '../db/queries/history.ts';
import type { Control, Recorded } from '../loop/control.ts';
import { cellText, markdownTable, type MarkdownColumn } from '../loop/markdown.ts';
import { iterationWorkflowId } from './names.ts';

/** `review`: the iteration waits for decisions of reviewers. */
export type RunState = 'preparing' | 'running' | 'paused' | 'parked' | 'review' | 'stopping' | 'ended';

export type RunView = {
  runId: string;
  task: string;
  state: RunState;
  iteration: number;
  iterations: number;
  doing: string;
  /** The stage of the curriculum of targets, in a run that has one. */
  stage?: TargetNow;
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
  if (control.phase === 'ended') return 'ended';
  if (control.parked) return 'parked';
  if (control.stop) return 'stopping';
  if (control.paused) return 'paused';
  return control.reviewsWaiting > 0 ? 'review' : 'running';
}

export function waitingForReview(waiting: number, runId: string): string {
  return `${waiting} ${waiting === 1 ? 'item waits' : 'items wait'} for review: ratchet review ${runId}`;
}

const percent = (share: number | undefined) => (share === undefined ? '–' : (100 * share).toFixed(1));
const probability = (p: number | undefined) =>
  p === undefined ? '–' : p < 0.001 ? p.toExponential(1) : p.toPrecision(2);

/**
 * An iteration's own page. Relative to where the Temporal UI renders Markdown, so that it holds at any address of the UI.
 */
function iterationLink(text: string, runId: string, index: number): string {
  const { namespace } = workflowInfo();
  const path = ['namespaces', namespace, 'workflows', iterationWorkflowId(runId, index)];
  const link = path.map(encodeURIComponent).join('/').replaceAll('(', '%28').replaceAll(')', '%29');
  return `[${text}](${link})`;
}

function iterationColumns(runId: string, rows: HistoryRow[]): MarkdownColumn<HistoryRow>[] {
  // One that was given up before the vote has none.
  const voted = ({ agreement }: HistoryRow) => agreement > 0;
  return [
    { title: '#', cell: ({ index }) => iterationLink(String(index), runId, index) },
    {
      title: 'stage',
      cell: (row) => String(row.stage ?? '–'),
      shown: rows.some((row) => row.stage !== undefined),
    },
    { title: 'levels', cell: (row) => row.levels?.join(', ') ?? '–' },
    { title: 'accepted', cell: (row) => (voted(row) ? `${row.accepted} of ${row.prompts}` : '–') },
    { title: 'agree', cell: (row) => (voted(row) ? row.agreement.toFixed(2) : '–') },
    { title: 'decision', cell: (row) => row.decision },
    {
      title: 'target %',
      cell: ({ before, after }) =>
        after === undefined ? percent(before) : `${percent(before)} → ${percent(after)}`,
    },
    { title: 'p', cell: (row) => probability(row.pValue) },
    { title: 'ROI', cell: (row) => row.roi?.toFixed(1) ?? '–' },
  ];
}

const messageColumns: MarkdownColumn<Recorded>[] = [
  { title: '#', cell: (one) => String(one.iterationIndex) },
  { title: 'message', cell: (one) => one.name },
  { title: 'from', cell: (one) => cellText(one.args.by ?? one.origin) },
  { title: 'answer', cell: (one) => `${one.accepted ? '' : '**refused:** '}${cellText(one.answer)}` },
];

/** The Temporal UI's pane for current details cuts off some pixels at the bottom: of this line, which says nothing. */
export const LAST_LINE = '---';

/**
 * The report in the Temporal UI's pane for current details, which is some 600 pixels wide: what matters now comes first,
 * tables have the newest first and few columns.
 */
export function markdown(view: RunView, { iterations, messages }: RunHistory): string {
  const doing = view.doing.startsWith('iterating')
    ? iterationLink(view.doing, view.runId, view.iteration)
    : view.doing;
  const plain = view.state === 'running' || view.state === 'ended';
  const { stage } = view;
  const target = stage ? `, stage ${stage.number} of ${stage.of}: target **${cellText(stage.target)}**` : '';
  const parts = [`**${view.task || 'Ratchet'}** — ${plain ? '' : `**${view.state}**: `}${doing}${target}`];
  if (view.parked) {
    parts.push(
      `### Waiting for you\n\n${view.parked.doing} failed: ${cellText(view.parked.error)}\n\n${view.parked.advice} ` +
        (view.parked.retryHelps === false
          ? 'A retry helps only where that was changed at the endpoint: for another setting send `stop` and start another run. '
          : 'Then send the signal `retryIteration`; what is done is not redone. ') +
        '`skipIteration`, `resetCheckpoint` and `stop` are the other ways on.',
    );
  } else if (view.state === 'review') {
    parts.push(
      `### Waiting for reviewers\n\n${waitingForReview(view.reviewsWaiting ?? 0, view.runId)}. ` +
        'The signals `approveReview` and `rejectReview` decide as well.',
    );
  } else if (view.state === 'paused') parts.push('Send the signal `resume` to let it go on.');
  if (iterations.length > 0) {
    const rows = iterations.toReversed();
    parts.push(markdownTable(iterationColumns(view.runId, rows), rows));
  }
  const drifted = iterations.findLast((row) => row.drift);
  if (drifted?.drift) {
    const { distance, alarms } = drifted.drift;
    const said = alarms === 0 ? 'no alarm' : `**${alarms} ${alarms === 1 ? 'alarm' : 'alarms'}**`;
    parts.push(`Drift in iteration ${drifted.index}: distance ${distance.toFixed(3)}, ${said}`);
  }
  if (messages.length > 0) {
    parts.push(`**Messages**\n\n${markdownTable(messageColumns, messages.toReversed())}`);
  }
  parts.push(
    view.state === 'ended'
      ? `*The whole report: \`ratchet report ${cellText(view.runId)}\`.*`
      : '*To steer it: More Actions → Send a Signal. To see news here: R.*',
    LAST_LINE,
  );
  return parts.join('\n\n');
}
