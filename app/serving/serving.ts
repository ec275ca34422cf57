/** What tasks serve, as data and as text. */
import pc from 'picocolors';
import type { TaskServing } from '../../engine/serving.ts';
import { plain } from '../../process/text.ts';
import { nameOf } from '../lineage/sample.ts';
import type { CheckpointName } from '../lineage/types.ts';

export type ServingReport = {
  task: string;
  /** Null: no run has promoted a checkpoint. */
  checkpoint: CheckpointName | null;
  /** What `ratchet rollback` goes to. */
  before: CheckpointName | null;
  pinned: boolean;
  turns: {
    at: string;
    kind: TaskServing['turns'][number]['kind'];
    checkpoint: CheckpointName | null;
    reason: string;
    by: string | null;
  }[];
};

export function servingReport(task: string, serving: TaskServing): ServingReport {
  const name = (one: TaskServing['checkpoint']) => (one ? nameOf(one) : null);
  return {
    task,
    checkpoint: name(serving.checkpoint),
    before: name(serving.before),
    pinned: serving.pinned,
    turns: serving.turns.map((turn) => ({
      at: turn.at.toISOString(),
      kind: turn.kind,
      checkpoint: name(turn.checkpoint),
      reason: turn.reason,
      by: turn.by ?? null,
    })),
  };
}

const WORDS: Record<ServingReport['turns'][number]['kind'], string> = {
  proven: 'promoted by its run',
  promote: 'chosen',
  rollback: 'rolled back to',
  follow: 'unpinned',
  'held-back': 'not served',
};

const shown = (one: CheckpointName | null): string =>
  one
    ? `checkpoint:${one.id} (${one.kind === 'base' ? 'the base' : `iteration ${one.iteration}`} of ${plain(one.run)}, ${plain(one.model)})`
    : 'nothing';

/** @param options.all with all that led to it; otherwise the last turn alone */
export function renderServing(reports: ServingReport[], options: { color: boolean; all: boolean }): string {
  const c = pc.createColors(options.color);
  if (reports.length === 0) return 'There are no runs yet. Start one with: ratchet run arithmetic';
  return reports
    .map(({ task, checkpoint, before, pinned, turns }) => {
      const head = checkpoint
        ? `${c.bold(plain(task))} serves ${shown(checkpoint)}${pinned ? `, ${c.yellow('pinned')}` : ''}`
        : `${c.bold(plain(task))} serves nothing yet: no run of it has promoted a checkpoint`;
      const listed = options.all ? turns : turns.slice(-1);
      return [
        head,
        ...listed.map(({ at, kind, checkpoint: of, reason, by }) => {
          const when = new Date(at).toLocaleString('sv-SE').slice(0, 16);
          return `  ${c.dim(when)}  ${WORDS[kind]} ${shown(of)}${by === null ? '' : ` by ${plain(by)}`}: ${plain(reason)}`;
        }),
        ...(before && options.all ? [`  before it: ${shown(before)}`] : []),
      ].join('\n');
    })
    .join('\n');
}
