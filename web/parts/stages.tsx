/** The stages of an iteration with their times and rates. */
import type { StageProgress } from '../../cli/progress.ts';
import type { StageStatus } from '../../db/schema.ts';
import { duration } from '../../cli/text.ts';
import { Bar, Chip, type Tone } from './basics.tsx';
import { Said } from './text.tsx';

const TONES: Record<StageStatus, Tone> = {
  pending: 'idle',
  running: 'run',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
};

/** Units a second over the whole stage, waiting counted in. */
export function rateOf({ done, startedAt, finishedAt }: StageProgress, now: Date): string {
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

export const Stages = ({ stages, now = new Date() }: { stages: StageProgress[]; now?: Date }) => (
  <div class="scroll" tabindex={0} role="region" aria-label="Stages">
    <table class="stages">
      <thead>
        <tr>
          <th scope="col">stage</th>
          <th scope="col">state</th>
          <th scope="col">done</th>
          <th scope="col" class="number">
            rate
          </th>
          <th scope="col" class="number">
            time
          </th>
        </tr>
      </thead>
      <tbody>
        {stages.map((stage) => (
          <tr class={stage.status === 'pending' ? 'pending' : undefined}>
            <th scope="row">{stage.name}</th>
            <td>
              <Chip tone={TONES[stage.status]} alive={stage.status === 'running'}>
                {stage.status}
              </Chip>
              {stage.attempts > 1 ? <span class="muted"> attempt {stage.attempts}</span> : null}
            </td>
            <td class="wide-cell">
              {amount(stage)}
              {stage.status === 'running' && stage.total > 0 ? (
                <Bar share={stage.done / stage.total} label={`${stage.name}: ${amount(stage)}`} />
              ) : null}
              {stage.error ? (
                <p class="problem">
                  <Said text={stage.error} />
                </p>
              ) : null}
            </td>
            <td class="number muted">{rateOf(stage, now)}</td>
            <td class="number">
              {stage.startedAt
                ? duration(((stage.finishedAt ?? now).getTime() - stage.startedAt.getTime()) / 1000)
                : ''}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
