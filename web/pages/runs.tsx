/** The list of runs. */
import { Bar, Empty, Said, StatusChip } from '../../app/html/parts.ts';
import type { RunCursor } from '../../db/queries/overview.ts';
import { compact, duration, percent } from '../../process/text.ts';
import type { RunSummary } from '../data.ts';
import { Ago, runPath, Pages } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { visibleString } from '../text.ts';

/** Target score of the run's best over its decided iterations, the base first. */
function course({ base, iterations }: RunSummary) {
  const first = base.target ? [{ rate: base.target.rate, best: true }] : [];
  return [
    ...first,
    ...iterations.flatMap(({ row, best }) =>
      row.decision && best.target ? [{ rate: best.target.rate, best: row.decision === 'promote' }] : [],
    ),
  ];
}

export const cost = ({ spend, priced }: Pick<RunSummary, 'spend' | 'priced'>): string =>
  priced ? spend.cost.toFixed(spend.cost < 10 ? 3 : 1) : `${compact(spend.tokens)} tokens`;

const Row = ({ summary }: { summary: RunSummary }) => {
  const { run, base, best, iterations, funnel } = summary;
  const decided = iterations.filter(({ row }) => row.finishedAt !== null).length;
  const stage = iterations.at(-1)?.stage;
  const share = funnel.prompts > 0 ? funnel.accepted / funnel.prompts : null;
  const promoted = best.target && base.target && best.target.rate !== base.target.rate;
  return (
    <li>
      <a class="entry" href={runPath(run.id)} data-row="">
        <span class="who">
          <strong>
            <Said text={run.id} most={60} />
          </strong>
          <span class="muted">
            <Said text={run.task} most={40} />
            {run.settings.experiment === 'none' ? '' : ` · ${run.settings.experiment}`} ·{' '}
            <Ago at={run.createdAt} />
          </span>
        </span>
        <span class="state">
          <StatusChip status={run.status} />
          <span class="muted">
            {decided} of {run.settings.iterations}
            {stage ? (
              <>
                , stage {stage.number} <Said text={stage.target} most={24} />
              </>
            ) : null}
          </span>
        </span>
        <span class="course">
          <Sparkline
            points={course(summary)}
            label={`held-out target score of ${visibleString(run.id, 60)}`}
          />
          <span class="scores">
            {best.target ? <b>{percent(best.target.rate)}</b> : <b class="muted">–</b>}
            {promoted ? <span class="muted">from {percent(base.target!.rate)}</span> : null}
          </span>
        </span>
        <span class="accepted">
          <span class="label">accepted</span>
          <span class="value">{share === null ? '–' : percent(share, 0)}</span>
          {share === null ? null : <Bar share={share} tone="accent" />}
        </span>
        <span class="cost">
          <span class="label">cost</span>
          <span class="value">{cost(summary)}</span>
          <span class="muted">{duration(summary.spend.minutes * 60)}</span>
        </span>
      </a>
    </li>
  );
};

export const RunsPage = ({
  frame,
  summaries,
  next,
  later,
}: {
  frame: Partial<Frame>;
  summaries: RunSummary[];
  next: RunCursor | null;
  /** Is this a later page? */
  later: boolean;
}) => (
  <Layout {...frame} title="Runs" section="/" topic="runs">
    <div class="heading">
      <h1>Runs</h1>
    </div>
    <div id="runs" data-live="">
      {summaries.length === 0 ? (
        <Empty>
          {later ? (
            'There are no older runs.'
          ) : (
            <>
              There are no runs yet. <a href="/launch">Launch one</a>, or start it with{' '}
              <code>npx ratchet run arithmetic</code>.
            </>
          )}
        </Empty>
      ) : (
        <ul class="runs">
          {summaries.map((summary) => (
            <Row summary={summary} />
          ))}
        </ul>
      )}
      <Pages
        label="More runs"
        first={later && ['/', 'Newest']}
        next={next && [`/?at=${encodeURIComponent(next.at)}&id=${encodeURIComponent(next.id)}`, 'Older runs']}
      />
    </div>
  </Layout>
);
