/** Which runs wait for people, and what a run's queue says when it has no item to show. */
import { DataTable } from '../../app/html/table.ts';
import { Bar, Card, Empty, Figure, Said, StatusChip } from '../../app/html/parts.ts';
import { percent } from '../../process/text.ts';
import type { RecentDecision, ReviewQueue } from '../../db/queries/review-queue.ts';
import { LEAST_DECIDED } from '../../loop/review.ts';
import { Ago, runPath } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import {
  DecidedChip,
  itemPath,
  Progress,
  queuePath,
  Reviewer,
  Skipped,
  WhatFollows,
} from '../parts/review.tsx';
import { isOver, type Standing } from '../review-data.ts';
import { whose } from '../reviewing.ts';
import { visibleString } from '../text.ts';

const Queue = ({ queue }: { queue: ReviewQueue }) => {
  const { runId, task, status, total, open, decided, looking, since } = queue;
  return (
    <li>
      <a class="entry queue" href={queuePath(runId)} data-row="">
        <span class="who">
          <strong>
            <Said text={runId} most={60} />
          </strong>
          <span class="muted">
            <Said text={task} most={40} />
          </span>
        </span>
        <span class="state">
          <StatusChip status={status} />
        </span>
        <span class="waits">
          <b>{open > 0 ? open : 'none'}</b>{' '}
          <span class="muted">
            {open === 1 ? 'waits' : 'wait'}
            {open > 0 && since ? (
              <>
                , first put <Ago at={since} />
              </>
            ) : null}
          </span>
        </span>
        <span class="accepted">
          <span class="label">
            {decided} of {total} decided
          </span>
          <Bar share={decided / Math.max(1, total)} tone="accent" label={`${decided} of ${total} decided`} />
        </span>
        <span class="muted">
          {looking === 0 ? '' : looking === 1 ? '1 reviews now' : `${looking} review now`}
        </span>
      </a>
    </li>
  );
};

export const QueuesPage = ({ frame, queues }: { frame: Partial<Frame>; queues: ReviewQueue[] }) => (
  <Layout {...frame} title="Review" section="/review" topic="reviews">
    <div class="heading">
      <h1>Review</h1>
    </div>
    <div id="queues" data-live="">
      {queues.length === 0 ? (
        <Empty>
          No run has put anything to people. A run asks with <code>review.iterations</code>,{' '}
          <code>review.auditShare</code> or <code>review.disagreements</code> in its input.
        </Empty>
      ) : (
        <ul class="runs">
          {queues.map((queue) => (
            <Queue queue={queue} />
          ))}
        </ul>
      )}
    </div>
  </Layout>
);

const Recent = ({ runId, recent }: { runId: string; recent: RecentDecision[] }) => (
  <Card title="Last decisions">
    <DataTable
      title="Last decisions"
      rows={recent}
      columns={[
        {
          title: 'item',
          html: ({ id }) => (
            <a href={itemPath(runId, id)} data-row="">
              {id}
            </a>
          ),
        },
        { title: 'prompt', html: (one) => <Said text={one.prompt} most={60} /> },
        { title: 'answer', html: (one) => <Said text={one.answer ?? '–'} most={40} /> },
        { title: 'decision', html: (one) => <Decision one={one} /> },
        {
          title: 'by',
          html: (one) => (
            <>
              <Said text={one.reviewer ?? '?'} most={40} />
              {one.bulk ? <span class="muted">, unseen</span> : null}
            </>
          ),
        },
        { title: 'when', html: (one) => (one.decidedAt ? <Ago at={one.decidedAt} /> : null) },
      ]}
    />
  </Card>
);

const Decision = ({ one }: { one: RecentDecision }) => (
  <>
    <DecidedChip decision={one.decision!} />{' '}
    {one.correctedAnswer === null ? null : <Said text={one.correctedAnswer} most={40} />}
    {one.note ? (
      <div class="muted">
        <Said text={one.note} most={120} />
      </div>
    ) : null}
  </>
);

type Props = {
  frame: Partial<Frame>;
  runId: string;
  /** Undefined where the run has put nothing to people. */
  standing: Standing | undefined;
  recent: RecentDecision[];
  reviewer: string;
  skipped: number[];
  problem: string | undefined;
};

const Headline = ({ standing }: { standing: Standing }) => {
  const { total, decided, free, others } = standing;
  const left = total - decided;
  if (left === 0) return <>Everything is decided</>;
  if (free === 0 && others.length > 0)
    return (
      <>
        {left === 1 ? 'The last item is' : `The last ${left} are`} with{' '}
        <Said text={[...new Set(others.map(whose))].join(', ')} most={100} />
      </>
    );
  return (
    <>
      {free} {free === 1 ? 'item waits' : 'items wait'}
    </>
  );
};

const State = ({
  standing,
  skipped,
  problem,
}: { standing: Standing } & Pick<Props, 'skipped' | 'problem'>) => {
  const { run, free, last, goneOn, accepted, rejected, index } = standing;
  const over = isOver(standing);
  const waits = over && !goneOn && run.settings.review.required;
  const fresh = free > skipped.length;
  return (
    <>
      {problem ? (
        <p class="banner bad" role="alert">
          <Said text={problem} most={1000} />
        </p>
      ) : null}
      <section class="card ended" role="status">
        <h2>
          <Headline standing={standing} />
        </h2>
        <p class="muted">
          <WhatFollows standing={standing} />
        </p>
        <form method="post" action={queuePath(run.id)} class="actions">
          {fresh ? <Skipped skipped={skipped} /> : null}
          {free > 0 ? (
            <button
              class="primary"
              name="action"
              value="next"
              data-key={fresh ? 's' : 'b'}
              data-key-title={fresh ? 'review the next item' : 'back to what you skipped'}
            >
              {fresh ? 'Review' : `Back to the ${skipped.length} skipped`}{' '}
              <kbd aria-hidden="true">{fresh ? 's' : 'b'}</kbd>
            </button>
          ) : null}
          {waits ? (
            <button
              class={free > 0 ? undefined : 'primary'}
              name="action"
              value="finish"
              data-key="f"
              data-key-title="go on now"
            >
              Go on now <kbd aria-hidden="true">f</kbd>
            </button>
          ) : null}
          {last?.undoable ? (
            <button
              name="action"
              value="undo"
              formaction={itemPath(run.id, last.review.id)}
              data-key="u"
              data-key-title="undo your last decision"
            >
              Undo the last <kbd aria-hidden="true">u</kbd>
            </button>
          ) : null}
          <a class="button" href={runPath(run.id)}>
            The run
          </a>
        </form>
      </section>
      <dl class="figures">
        <Figure label={`accepted in iteration ${index}`}>{accepted}</Figure>
        <Figure label="rejected or corrected" note={`of what the gates had accepted`}>
          {rejected}
        </Figure>
        <Figure
          label="rejected share"
          note={`limit ${percent(run.settings.review.maxRejectedShare, 0)}, from ${LEAST_DECIDED} decided on`}
        >
          {accepted + rejected > 0 ? percent(rejected / (accepted + rejected), 0) : '–'}
        </Figure>
      </dl>
    </>
  );
};

export const QueuePage = ({ frame, runId, standing, recent, reviewer, skipped, problem }: Props) => (
  <Layout {...frame} title={`Review ${visibleString(runId, 60)}`} section="/review" topic={`review:${runId}`}>
    <div class="review" data-review="">
      <div class="review-head">
        <div>
          <p class="crumbs">
            <a href="/review">Review</a>
          </p>
          <h1>
            <Said text={runId} most={80} />
          </h1>
        </div>
        {standing ? <Progress standing={standing} /> : null}
        <Reviewer name={reviewer} path={queuePath(runId)} skipped={skipped} />
      </div>
      <div id="review-state" data-live="">
        {standing ? (
          <State standing={standing} skipped={skipped} problem={problem} />
        ) : (
          <Empty>This run has put nothing to people yet.</Empty>
        )}
        {recent.length > 0 ? <Recent runId={runId} recent={recent} /> : null}
      </div>
    </div>
  </Layout>
);
