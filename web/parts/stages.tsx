/** The stages of an iteration with their times and rates. */
import { Bar, Chip, Said, type Tone } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import type { StageStatus } from '../../loop/words.ts';
import type { StageProgress } from '../../app/runs/progress.ts';
import { duration } from '../../process/text.ts';

const TONES: Record<StageStatus, Tone> = {
  pending: 'idle',
  running: 'run',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
};

/** Units a second over the whole stage, waiting counted in. */
function rateOf({ done, startedAt, finishedAt }: StageProgress, now: Date): string {
  if (!startedAt || done === 0) return '';
  const seconds = ((finishedAt ?? now).getTime() - startedAt.getTime()) / 1000;
  if (seconds < 1) return '';
  const rate = done / seconds;
  return rate >= 10
    ? `${Math.round(rate)}/s`
    : rate >= 1
      ? `${rate.toFixed(1)}/s`
      : `${(60 * rate).toFixed(1)}/min`;
}

function amount({ status, done, total, unit, detail }: StageProgress): string {
  if (status === 'pending') return '';
  if (detail) return detail;
  if (done === 0 && total === 0) return '';
  const numbers =
    total > 0 && done !== total
      ? `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`
      : done.toLocaleString('en-US');
  return `${numbers} ${unit}`.trim();
}

const State = ({ stage }: { stage: StageProgress }) => (
  <>
    <Chip tone={TONES[stage.status]} alive={stage.status === 'running'}>
      {stage.status}
    </Chip>
    {stage.attempts > 1 ? <span class="muted"> attempt {stage.attempts}</span> : null}
  </>
);

const Done = ({ stage }: { stage: StageProgress }) => (
  <>
    {amount(stage)}
    {stage.status === 'running' && stage.total > 0 ? (
      <Bar share={stage.done / stage.total} label={`${stage.name}: ${amount(stage)}`} />
    ) : null}
    {stage.error ? (
      <p class="problem">
        <Said text={stage.error} />
      </p>
    ) : null}
  </>
);

export const Stages = ({ stages, now = new Date() }: { stages: StageProgress[]; now?: Date }) => (
  <DataTable
    title="Stages"
    class="stages"
    rows={stages}
    rowClass={({ status }) => (status === 'pending' ? 'pending' : undefined)}
    columns={[
      { title: 'stage', head: true, text: (one) => one.name },
      { title: 'state', html: (one) => <State stage={one} /> },
      { title: 'done', class: 'wide-cell', html: (one) => <Done stage={one} /> },
      { title: 'rate', align: 'right', class: 'muted', text: (one) => rateOf(one, now) },
      {
        title: 'time',
        align: 'right',
        text: ({ startedAt, finishedAt }) =>
          startedAt ? duration(((finishedAt ?? now).getTime() - startedAt.getTime()) / 1000) : '',
      },
    ]}
  />
);
