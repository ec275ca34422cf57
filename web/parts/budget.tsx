/** What a run has spent of its limits, and what it got for it. */
import { Bar } from '../../app/html/parts.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { compact, duration, percent } from '../../process/text.ts';
import type { RunSummary } from '../data.ts';
import { LIMIT_TITLES, LIMITS } from '../steering.ts';
import { Chart } from './chart.tsx';

function spentOf({ spend }: RunSummary, limit: (typeof LIMITS)[number]): number {
  return spend[limit];
}

export const Budget = ({ summary, settings }: { summary: RunSummary; settings: ImproveSettings }) => {
  const limits = LIMITS.filter((limit) => settings.budget.run[limit] !== undefined);
  const perIteration = LIMITS.filter((limit) => settings.budget.iteration[limit] !== undefined);
  const rois = summary.iterations.flatMap(({ row: { index, numbers } }) =>
    typeof numbers?.roi === 'number' ? [{ index, roi: numbers.roi }] : [],
  );
  const unit = summary.priced ? 'a unit of money' : 'a million tokens';
  return (
    <section class="card third">
      <header>
        <h2>Budget and return</h2>
        <small>points of target for {unit}</small>
      </header>
      {rois.length > 1 ? (
        <Chart
          id="roi"
          small
          chart={{
            title: 'return on investment',
            data: [rois.map((one) => one.index), rois.map((one) => one.roi)],
            series: [{ label: 'return', colour: 'accent', points: true }],
            xRange: [rois[0]!.index, rois.at(-1)!.index],
            format: 'number',
          }}
        />
      ) : null}
      <ul class="limits">
        {limits.length === 0 ? (
          <li class="muted">
            No limit is set for the run; {compact(summary.spend.tokens)} tokens and{' '}
            {duration(summary.spend.minutes * 60)} so far.
          </li>
        ) : (
          limits.map((limit) => {
            const [spent, most] = [spentOf(summary, limit), settings.budget.run[limit]!];
            return (
              <li>
                <span>{LIMIT_TITLES[limit]}</span>
                <span class="number">
                  {compact(spent)} <span class="muted">of {compact(most)}</span>
                </span>
                <Bar
                  share={spent / most}
                  tone={spent / most > 0.9 ? 'bad' : spent / most > 0.75 ? 'warn' : 'accent'}
                  label={`${LIMIT_TITLES[limit]}: ${percent(spent / most, 0)} spent`}
                />
              </li>
            );
          })
        )}
        {perIteration.map((limit) => (
          <li>
            <span>{LIMIT_TITLES[limit]}, each iteration</span>
            <span class="number">{compact(settings.budget.iteration[limit]!)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
};
