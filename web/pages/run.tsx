/** One run: what it gained and at what cost, what it does now, and what it was told. */
import type { AdjustmentRow } from '../../db/adjustments.ts';
import type { DriftRow } from '../../db/drift.ts';
import type { Progress } from '../../cli/progress.ts';
import type { MajorityReport } from '../../cli/report-types.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { compact, duration, percent, points } from '../../cli/text.ts';
import { hasEnded, type RunSummary } from '../data.ts';
import {
  Ago,
  Bar,
  Counting,
  Empty,
  Figure,
  Interval,
  iterationPath,
  runPath,
  StatusChip,
} from '../parts/basics.tsx';
import { Budget } from '../parts/budget.tsx';
import { Chart } from '../parts/chart.tsx';
import { Drift } from '../parts/drift.tsx';
import { Funnel } from '../parts/funnel.tsx';
import { Iterations } from '../parts/iterations.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { scoreChart } from '../parts/score-chart.ts';
import { Stages } from '../parts/stages.tsx';
import { queuePath } from '../parts/review.tsx';
import { Said } from '../parts/text.tsx';
import { eventsOf, Timeline } from '../parts/timeline.tsx';
import { actionsFor } from '../steering.ts';
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
          {run.settings.models.generator.model === undefined ? null : (
            <span>
              model <Said text={run.settings.models.generator.model} most={80} />
            </span>
          )}
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
  const { base, best, baseId, bestId, funnel, iterations, spend } = summary;
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
            <Interval score={now} />{' '}
            {then && bestId !== baseId ? `${points(now.rate - then.rate)} points` : ''}
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
        {funnel.prompts > 0 && funnel.judged > 0 ? percent(funnel.accepted / funnel.prompts, 0) : '–'}
      </Figure>
      <Figure
        label="Cost"
        note={`${summary.priced ? 'in money' : 'tokens read and written'}, in ${duration(spend.minutes * 60)}`}
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
        <Iterations summary={summary} />
      </div>
      <div class="grid" id="drift" data-live="">
        <Drift summary={summary} rows={data.drift} />
        <Budget summary={summary} settings={data.settings} />
      </div>
      <div class="stack" id="events" data-live="">
        <Events {...data} />
      </div>
    </Layout>
  );
};
