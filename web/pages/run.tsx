/** One run: what it gained and at what cost, what it does now, and what it was told. */
import type { AdjustmentRow } from '../../db/adjustments.ts';
import type { DriftRow } from '../../db/drift.ts';
import type { Progress } from '../../cli/progress.ts';
import type { MajorityReport } from '../../cli/report-types.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { compact, duration, levelRange, percent, points, pValueText } from '../../cli/text.ts';
import { hasEnded, type IterationSummary, type RunSummary } from '../data.ts';
import {
  Ago,
  Bar,
  Counting,
  DecisionChip,
  Empty,
  Figure,
  Interval,
  iterationPath,
  runPath,
  StatusChip,
} from '../parts/basics.tsx';
import { Chart } from '../parts/chart.tsx';
import { Drift } from '../parts/drift.tsx';
import { Funnel } from '../parts/funnel.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { scoreChart } from '../parts/score-chart.ts';
import { Stages } from '../parts/stages.tsx';
import { queuePath } from '../parts/review.tsx';
import { Said } from '../parts/text.tsx';
import { eventsOf, Timeline } from '../parts/timeline.tsx';
import { actionsFor, LIMIT_TITLES, LIMITS } from '../steering.ts';
import { visibleString } from '../text.ts';
import { cost } from './runs.tsx';

export type RunData = {
  summary: RunSummary;
  majority: MajorityReport | null;
  adjustments: AdjustmentRow[];
  messages: Parameters<typeof eventsOf>[2];
  drift: DriftRow[];
  progress: Progress | undefined;
  /** As it holds now, adjustments laid over. */
  settings: ImproveSettings;
  temporalLink: string | undefined;
  /** Events of the timeline to show. */
  events: number;
};

const Heading = ({ summary: { run }, temporalLink }: RunData) => (
  <>
    <p class="crumbs">
      <a href="/">Runs</a>
    </p>
    <div class="heading">
      <div>
        <h1>
          <Said text={run.id} most={120} />
        </h1>
        <p class="meta">
          <StatusChip status={run.status} />
          <span>
            <Said text={run.task} most={80} />
          </span>
          {run.settings.experiment === 'none' ? null : <span>{run.settings.experiment}</span>}
          <span>
            started <Ago at={run.createdAt} />
          </span>
          <a href={`${runPath(run.id)}/checkpoints`}>Checkpoints</a>
          {temporalLink ? (
            <a href={temporalLink} rel="noreferrer">
              Workflow in the Temporal UI
            </a>
          ) : null}
        </p>
      </div>
      <div class="actions">
        {actionsFor(run.status).map((action) => (
          <a
            class="button"
            href={`${runPath(run.id)}/steer/${action.name}`}
            data-dialog=""
            data-key={action.key}
            data-key-title={action.title}
          >
            {action.title}
          </a>
        ))}
      </div>
    </div>
    {run.statusReason && run.status !== 'completed' ? (
      <p class={run.status === 'failed' || run.status === 'parked' ? 'banner bad' : 'banner'}>
        <Said text={run.statusReason} most={1000} />
      </p>
    ) : null}
  </>
);

const Figures = ({ summary }: RunData) => {
  const { base, best, funnel, iterations, spend } = summary;
  const promoted = iterations.filter(({ row }) => row.decision === 'promote').length;
  const decided = iterations.filter(({ row }) => row.decision !== null).length;
  const of = (role: 'target' | 'guard' | 'final', label: string) => {
    const now = best[role];
    const then = base[role];
    if (!now) return null;
    return (
      <Figure
        label={label}
        note={
          <>
            <Interval score={now} /> {then ? `${points(now.rate - then.rate)} points` : ''}
          </>
        }
      >
        {percent(now.rate)}
      </Figure>
    );
  };
  return (
    <dl class="figures">
      {of('target', 'Target')}
      {of('guard', 'Guard')}
      {of('final', 'Final, read once')}
      <Figure label="Promoted" note={`of ${decided} decided, ${summary.run.settings.iterations} planned`}>
        {promoted}
      </Figure>
      <Figure
        label="Accepted"
        note={`${funnel.accepted.toLocaleString('en-US')} of ${funnel.prompts.toLocaleString('en-US')} prompts`}
      >
        {funnel.prompts > 0 ? percent(funnel.accepted / funnel.prompts, 0) : '–'}
      </Figure>
      <Figure
        label="Cost"
        note={`${summary.priced ? 'in money' : 'tokens'}, in ${duration(spend.minutes * 60)}`}
      >
        {summary.priced ? cost(summary) : compact(spend.tokens)}
      </Figure>
    </dl>
  );
};

const Now = ({ summary, progress }: RunData) => {
  if (hasEnded(summary.run)) return null;
  if (!progress)
    return (
      <section class="card">
        <Counting />
      </section>
    );
  const { iteration, measuring } = progress;
  return (
    <section class="card">
      <header>
        <h2>
          {iteration && !iteration.finished ? (
            <>
              Iteration <a href={iterationPath(summary.run.id, iteration.index)}>{iteration.index}</a>, under
              way
            </>
          ) : measuring ? (
            iteration ? (
              'Final measurement'
            ) : (
              'Measuring the base'
            )
          ) : (
            'Between iterations'
          )}
        </h2>
        {progress.reviewsWaiting ? (
          <small>
            <a href={queuePath(summary.run.id)}>{progress.reviewsWaiting} samples wait for a reviewer</a>
          </small>
        ) : null}
      </header>
      {iteration && !iteration.finished ? <Stages stages={progress.stages} /> : null}
      {measuring && !(iteration && !iteration.finished) ? (
        <>
          <Bar share={measuring.total > 0 ? measuring.done / measuring.total : 0} />
          <p class="muted">
            {measuring.done.toLocaleString('en-US')} of {measuring.total.toLocaleString('en-US')} items
          </p>
        </>
      ) : null}
    </section>
  );
};

const Row = ({ runId, one }: { runId: string; one: IterationSummary }) => {
  const { row, funnel, before, candidate, seconds } = one;
  const numbers = row.numbers ?? {};
  const number = (field: string) => (typeof numbers[field] === 'number' ? numbers[field] : null);
  const spend = numbers.spend as { tokens?: number } | undefined;
  return (
    <tr>
      <th scope="row">
        <a href={iterationPath(runId, row.index)} data-row="">
          {row.index}
        </a>
      </th>
      <td>
        <DecisionChip kind={row.decision} />
      </td>
      <td class="number">
        {before && candidate.target ? (
          <>
            <span class="muted">{(100 * before.rate).toFixed(1)} →</span> {percent(candidate.target.rate)}
          </>
        ) : (
          '–'
        )}
      </td>
      <td class="number">{pValueText(number('pValue'))}</td>
      <td class="number">{candidate.guard ? percent(candidate.guard.rate) : '–'}</td>
      <td class="number">{levelRange(row.plan.levels)}</td>
      <td class="number">
        {funnel.accepted.toLocaleString('en-US')}{' '}
        <span class="muted">{funnel.prompts > 0 ? percent(funnel.accepted / funnel.prompts, 0) : ''}</span>
      </td>
      <td class="number">{funnel.trained > 0 ? funnel.trained.toLocaleString('en-US') : '–'}</td>
      <td class="number">{spend?.tokens === undefined ? '–' : compact(spend.tokens)}</td>
      <td class="number">{number('roi') === null ? '–' : number('roi')!.toFixed(1)}</td>
      <td class="number">{duration(seconds)}</td>
    </tr>
  );
};

const Iterations = ({ summary: { run, iterations } }: RunData) => (
  <section class="card">
    <header>
      <h2>Iterations</h2>
      <small>ROI: points of target for a unit of cost</small>
    </header>
    {iterations.length === 0 ? (
      <Empty>None has begun.</Empty>
    ) : (
      <div class="scroll" tabindex={0} role="region" aria-label="Iterations">
        <table>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">decision</th>
              <th scope="col" class="number">
                target
              </th>
              <th scope="col" class="number">
                p
              </th>
              <th scope="col" class="number">
                guard
              </th>
              <th scope="col" class="number">
                levels
              </th>
              <th scope="col" class="number">
                accepted
              </th>
              <th scope="col" class="number">
                trained on
              </th>
              <th scope="col" class="number">
                tokens
              </th>
              <th scope="col" class="number">
                ROI
              </th>
              <th scope="col" class="number">
                time
              </th>
            </tr>
          </thead>
          <tbody>
            {iterations.toReversed().map((one) => (
              <Row runId={run.id} one={one} />
            ))}
          </tbody>
        </table>
      </div>
    )}
  </section>
);

function spentOf({ spend }: RunSummary, limit: (typeof LIMITS)[number]): number {
  return spend[limit];
}

const Budget = ({ summary, settings }: RunData) => {
  const limits = LIMITS.filter((limit) => settings.budget.run[limit] !== undefined);
  const perIteration = LIMITS.filter((limit) => settings.budget.iteration[limit] !== undefined);
  const rois = summary.iterations.flatMap(({ row }) =>
    typeof row.numbers?.roi === 'number' ? [{ index: row.index, roi: row.numbers.roi }] : [],
  );
  const unit = summary.priced ? 'a unit of money' : 'a million tokens';
  return (
    <section class="card half">
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

const Events = ({ summary, adjustments, messages, events: most }: RunData) => {
  const events = eventsOf(summary, adjustments, messages);
  return (
    <section class="card">
      <header>
        <h2>Decisions and messages</h2>
        <small>{events.length.toLocaleString('en-US')}, newest first</small>
      </header>
      <Timeline runId={summary.run.id} events={events} most={most} />
      {events.length > most ? (
        <p>
          <a href={`${runPath(summary.run.id)}?events=${most * 5}`}>Show more</a>
        </p>
      ) : null}
    </section>
  );
};

export const RunPage = ({ frame, data }: { frame: Partial<Frame>; data: RunData }) => {
  const { summary, majority } = data;
  const chart = scoreChart(summary, majority);
  return (
    <Layout {...frame} title={visibleString(summary.run.id, 60)} section="/" topic={`run:${summary.run.id}`}>
      <div id="head" data-live="">
        <Heading {...data} />
      </div>
      <div id="figures" data-live="">
        <Figures {...data} />
      </div>
      <div class="grid" id="curve" data-live="">
        <section class="card two-thirds">
          <header>
            <h2>Held-out accuracy</h2>
            <small>best after each iteration, 95 % interval</small>
          </header>
          {chart ? <Chart chart={chart} id="scores" /> : <Empty>The base has not been measured yet.</Empty>}
        </section>
        <section class="card third">
          <header>
            <h2>From prompts to weights</h2>
          </header>
          <Funnel counts={summary.funnel} />
        </section>
      </div>
      <div class="stack" id="now" data-live="">
        <Now {...data} />
      </div>
      <div class="stack" id="iterations" data-live="">
        <Iterations {...data} />
      </div>
      <div class="grid" id="drift" data-live="">
        <Drift summary={summary} rows={data.drift} />
        <Budget {...data} />
      </div>
      <div class="stack" id="events" data-live="">
        <Events {...data} />
      </div>
    </Layout>
  );
};
