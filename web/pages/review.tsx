/** Which runs wait for people, and what a run's queue says when it has no item to show. */
import { percent } from '../../cli/text.ts';
import type { RecentDecision, ReviewQueue } from '../../db/review-queue.ts';
import { LEAST_DECIDED } from '../../loop/review.ts';
import { Ago, Bar, Empty, Figure, runPath, StatusChip } from '../parts/basics.tsx';
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
import { Said } from '../parts/text.tsx';
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
  <section class="card" aria-labelledby="recent">
    <header>
      <h2 id="recent">Last decisions</h2>
    </header>
    <div class="scroll" tabindex={0} role="region" aria-labelledby="recent">
      <table>
        <thead>
          <tr>
            <th scope="col">item</th>
            <th scope="col">prompt</th>
            <th scope="col">answer</th>
            <th scope="col">decision</th>
            <th scope="col">by</th>
            <th scope="col">when</th>
          </tr>
        </thead>
        <tbody>
          {recent.map((one) => (
            <tr>
              <td>
                <a href={itemPath(runId, one.id)} data-row="">
                  {one.id}
                </a>
              </td>
              <td>
                <Said text={one.prompt} most={60} />
              </td>
              <td>{one.answer === null ? '–' : <Said text={one.answer} most={40} />}</td>
              <td>
                <DecidedChip decision={one.decision!} />{' '}
                {one.correctedAnswer === null ? null : <Said text={one.correctedAnswer} most={40} />}
                {one.note ? (
                  <div class="muted">
                    <Said text={one.note} most={120} />
                  </div>
                ) : null}
              </td>
              <td>
                <Said text={one.reviewer ?? '?'} most={40} />
                {one.bulk ? <span class="muted">, unseen</span> : null}
              </td>
              <td>{one.decidedAt ? <Ago at={one.decidedAt} /> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </section>
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
