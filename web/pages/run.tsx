/** One run: what it gained and at what cost, what it does now, and what it was told. */
import { Bar, Card, Empty, Figure, Interval, Said, StatusChip } from '../../app/html/parts.ts';
import type { BenchmarkRole } from '../../loop/words.ts';
import type { AdjustmentRow } from '../../db/queries/adjustments.ts';
import type { DriftRow } from '../../db/queries/drift.ts';
import { failingLine, type Failing } from '../../app/runs/failing.ts';
import type { Progress } from '../../app/runs/progress.ts';
import { MEMORY_NOTE, memoryTestTable } from '../../app/report/tables/memory.ts';
import type { MemoryLook } from '../../db/queries/memory-tests.ts';
import type { CorrectionReport } from '../../app/report/corrections.ts';
import type { FixReport } from '../../app/report/fixes.ts';
import type { LearnerReport } from '../../app/tutor/learners.ts';
import type { CurriculumReport, DistillationReport, MajorityReport, Report } from '../../app/report/types.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { compact, duration, percent, points } from '../../process/text.ts';
import { hasEnded, type RunSummary } from '../data.ts';
import { Ago, Counting, iterationPath, runPath } from '../parts/basics.tsx';
import { Budget } from '../parts/budget.tsx';
import { Chart } from '../parts/chart.tsx';
import { Curriculum } from '../parts/curriculum.tsx';
import { Corrections } from '../parts/corrections.tsx';
import { Drift } from '../parts/drift.tsx';
import { Fixes } from '../parts/fixes.tsx';
import { AcceptedFigure, Funnel } from '../parts/funnel.tsx';
import { Iterations } from '../parts/iterations.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Learners } from '../parts/learners.tsx';
import { scoreChart } from '../parts/score-chart.ts';
import { Methods } from '../parts/methods.tsx';
import { Stages } from '../parts/stages.tsx';
import { TableCard } from '../parts/table-card.tsx';
import { queuePath } from '../parts/review.tsx';
import { eventsOf, Timeline } from '../parts/timeline.tsx';
import { actionsFor } from '../steering.ts';
import { visibleString } from '../text.ts';
import { cost } from './runs.tsx';

export type RunData = {
  summary: RunSummary;
  majority: MajorityReport | null;
  distillation: DistillationReport | null;
  debates: Report['debates'];
  trees: Report['trees'];
  selfPlay: Report['selfPlay'];
  variants: Report['variants'];
  fixes: FixReport | null;
  learners: LearnerReport | null;
  corrections: CorrectionReport | null;
  memory: MemoryLook[];
  adjustments: AdjustmentRow[];
  curriculum: CurriculumReport | null;
  messages: Parameters<typeof eventsOf>[2];
  drift: DriftRow[];
  progress: Progress | undefined;
  /** As it holds now, adjustments laid over. */
  settings: ImproveSettings;
  temporalLink: string | undefined;
  /** What fails now and is tried again, the worst first. */
  failing: Failing[];
  /** Events of the timeline to show. */
  events: number;
};

const Heading = ({ summary: { run }, temporalLink, failing }: RunData) => (
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
          <a href={`${runPath(run.id)}/report.html`}>Report as a file</a>
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
    {failing.slice(0, 1).map((worst) => (
      <p class="banner bad">
        <Said text={failingLine(worst)} most={1000} />
      </p>
    ))}
  </>
);

const Figures = ({ summary }: RunData) => {
  const { base, best, baseId, bestId, funnel, iterations, spend } = summary;
  const promoted = iterations.filter(({ row }) => row.decision === 'promote').length;
  const decided = iterations.filter(({ row }) => row.decision !== null).length;
  const of = (role: BenchmarkRole, label: string) => {
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
      <AcceptedFigure {...funnel} />
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
  const stage = summary.iterations.find(({ row }) => row.index === iteration?.index)?.stage;
  return (
    <section class="card">
      <header>
        <h2>
          {iteration && !iteration.finished ? (
            <>
              Iteration <a href={iterationPath(summary.run.id, iteration.index)}>{iteration.index}</a>, under
              way
              {stage ? (
                <>
                  , target <Said text={stage.target} most={40} />
                </>
              ) : null}
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
  const { summary, majority, fixes, corrections, learners, memory } = data;
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
        <Card title="Held-out accuracy" note="best after each iteration, 95 % interval" wide="two-thirds">
          {chart ? <Chart chart={chart} id="scores" /> : <Empty>The base has not been measured yet.</Empty>}
        </Card>
        <Card title="From prompts to weights" wide="third">
          <Funnel counts={summary.funnel} />
        </Card>
      </div>
      <Methods {...data} />
      <div class="stack" id="fixes" data-live="">
        {fixes === null ? null : <Fixes found={fixes} />}
      </div>
      <div class="stack" id="corrections" data-live="">
        {corrections === null ? null : <Corrections found={corrections} />}
        <Learners run={summary.run.id} found={learners} />
      </div>
      <div class="stack" id="memory" data-live="">
        {memory.length === 0 ? null : (
          <TableCard
            title="Memory"
            note="entries are shown once a test has admitted them"
            table={memoryTestTable(memory)}
            sentences={[MEMORY_NOTE]}
          />
        )}
      </div>
      <div class="stack" id="now" data-live="">
        <Now {...data} />
      </div>
      <div class="stack" id="curriculum" data-live="">
        <Curriculum curriculum={data.curriculum} />
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
