/** From prompts to weights: how many of what came through each step. */
import { Bar, Figure } from '../../app/html/parts.ts';
import { percent } from '../../process/text.ts';
import type { Funnel as Counts } from '../data.ts';

export const AcceptedFigure = ({ accepted, prompts, judged }: Counts) => (
  <Figure
    label="Accepted"
    note={`${accepted.toLocaleString('en-US')} of ${prompts.toLocaleString('en-US')} prompts`}
  >
    {prompts > 0 && judged > 0 ? percent(accepted / prompts, 0) : '–'}
  </Figure>
);

type Step = { name: string; count: number; unit: string; of?: number; note?: string };

function stepsOf(counts: Counts): Step[] {
  const { prompts, samples, resampled, voted, trusted, judged, examples, trained, accepted } = counts;
  return [
    { name: 'Prompts', count: prompts, unit: 'unlabeled' },
    {
      name: 'Samples',
      count: samples,
      unit: '',
      note: resampled > 0 ? `${resampled.toLocaleString('en-US')} asked again` : undefined,
    },
    {
      name: 'Voted',
      count: trusted,
      unit: '',
      of: voted,
      note: `trusted, of ${voted.toLocaleString('en-US')} votes`,
    },
    {
      name: 'Gated',
      count: examples,
      unit: '',
      of: judged,
      note: `passed, of ${judged.toLocaleString('en-US')}; ${accepted.toLocaleString('en-US')} prompts`,
    },
    { name: 'Trained', count: trained, unit: '', note: 'with replayed and practised ones' },
  ];
}

export const Funnel = ({ counts }: { counts: Counts }) => (
  <ol class="funnel">
    {stepsOf(counts).map(({ name, count, unit, of, note }) => (
      <li>
        <span class="name">{name}</span>
        <span class="count">{count.toLocaleString('en-US')}</span>
        <span class="muted">{note ?? unit}</span>
        {of === undefined || of === 0 ? null : (
          <>
            <span class="share">{percent(count / of, 0)}</span>
            <Bar share={count / of} tone="accent" label={`${name}: ${percent(count / of, 0)}`} />
          </>
        )}
      </li>
    ))}
  </ol>
);
