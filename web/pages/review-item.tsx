/** One item of the review queue. */
import { Block, Chip, Said, type Tone } from '../../app/html/parts.ts';
import type { Child } from 'hono/jsx';
import { reviewReasons } from '../../app/review/wording.ts';
import { RunLink } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Sandbox } from '../parts/sandbox.tsx';
import { DECIDED, itemPath, Progress, queuePath, Reviewer, Skipped, WhatFollows } from '../parts/review.tsx';
import { Correction, Decide, Key, type Shown } from '../parts/deciding.tsx';
import { Tally } from '../parts/tally.tsx';
import { isOver, type ItemData } from '../review-data.ts';
import { whose } from '../reviewing.ts';
import { visibleString } from '../text.ts';

/** Characters of a rationale on the page itself: more than anybody reads. */
const SHOWN = 60_000;
const OUTCOMES: Record<string, Tone> = {
  pass: 'good',
  holds: 'good',
  fail: 'bad',
  fails: 'bad',
  unscored: 'warn',
};

const Answer = ({ item: { sample, vote } }: { item: ItemData }) => {
  const voted = vote?.answer ?? null;
  return (
    <div class="review-answer">
      <span class="number-like">
        {sample.answer === null ? (
          <span class="muted">no answer read</span>
        ) : (
          <Said text={sample.answer} most={400} />
        )}
      </span>
      {voted === null ? (
        <Chip tone="warn">no vote</Chip>
      ) : voted === sample.answer ? (
        <Chip tone="good">the voted answer</Chip>
      ) : (
        <Chip tone="warn">voted: {visibleString(voted, 60)}</Chip>
      )}
    </div>
  );
};

/** Why nothing can be decided here now. Empty while this browser has the item. */
const Notice = ({ item: { state, review }, standing, reviewer, skipped }: Shown) => {
  const text = ((): Child => {
    switch (state.kind) {
      case 'mine':
        return null;
      case 'free':
        return 'Nobody has this item now.';
      case 'elsewhere':
        return (
          <>
            <Said text={whose(state.holder)} most={60} /> is looking at this item.
          </>
        );
      case 'over':
        return 'This item was never decided: its iteration is over.';
      case 'decided':
        return (
          <>
            <Said text={state.review.reviewer ?? 'somebody'} most={60} />{' '}
            {DECIDED[state.review.decision!].word} this item
            {state.review.correctedAnswer === null ? null : (
              <>
                : <Said text={state.review.correctedAnswer} most={100} />
              </>
            )}
            {state.review.bulk ? ', unseen, with all that were left' : ''}
            {state.review.note ? (
              <>
                {' '}
                (<Said text={state.review.note} />)
              </>
            ) : null}
            {review.reviewer === reviewer && !state.undoable ? '; it can no longer be taken back' : ''}.
          </>
        );
    }
  })();
  const { run } = standing;
  return (
    <div id="review-notice" data-live="" role="status">
      {text === null ? null : (
        <div class="banner plain">
          <p>{text}</p>
          <form method="post" action={itemPath(run.id, review.id)} class="actions">
            <Skipped skipped={skipped} />
            {state.kind === 'decided' && state.undoable ? (
              <button name="action" value="undo">
                Take it back
              </button>
            ) : null}
            {state.kind === 'free' ? (
              <a class="button" href={itemPath(run.id, review.id, skipped)}>
                Look at it
              </a>
            ) : null}
            <button name="action" value="next" class="primary" data-key="s" data-key-title="next item">
              Next <Key name="s" />
            </button>
          </form>
        </div>
      )}
      {state.kind === 'mine' && isOver(standing) && !standing.goneOn ? (
        <p class="banner">
          <WhatFollows standing={standing} />
        </p>
      ) : null}
    </div>
  );
};

const Verdicts = ({ item: { verdicts, critiques } }: { item: ItemData }) => (
  <ul class="review-verdicts">
    {verdicts
      .filter(({ gate }) => gate !== 'human')
      .toSorted((a, b) => Number(a.outcome === 'pass') - Number(b.outcome === 'pass'))
      .map(({ gate, outcome, reason, advisory }) => (
        <li>
          <Chip tone={OUTCOMES[outcome] ?? 'idle'}>{outcome}</Chip>
          <div>
            <b>
              <Said text={gate} most={60} />
            </b>
            {advisory ? <small class="muted"> advises</small> : null}
            <p class="muted">
              <Said text={reason} most={600} />
            </p>
          </div>
        </li>
      ))}
    {critiques.map(({ critic, outcome, score, reason }) => (
      <li>
        <Chip tone={OUTCOMES[outcome] ?? 'idle'}>{outcome}</Chip>
        <div>
          <b>
            <Said text={critic} most={60} />
          </b>
          <small class="muted"> critic{score === null ? '' : `, ${score.toFixed(2)}`}</small>
          <p class="muted">
            <Said text={reason} most={1000} />
          </p>
        </div>
      </li>
    ))}
  </ul>
);

export const ReviewItemPage = ({ frame, ...shown }: Shown & { frame: Partial<Frame> }) => {
  const { item, standing, reviewer, skipped } = shown;
  const { review, sample, prompt, iteration, vote, state } = item;
  const { run } = standing;
  return (
    <Layout
      {...frame}
      title={`Review ${visibleString(run.id, 60)}`}
      section="/review"
      topic={`review:${run.id}`}
    >
      <div class="review" data-review="">
        <div class="review-head">
          <div>
            <p class="crumbs">
              <a href="/review">Review</a> / <RunLink id={run.id} /> / iteration {iteration.index}
            </p>
            <h1>Item {review.id}</h1>
          </div>
          <Progress standing={standing} />
          <Reviewer name={reviewer} path={queuePath(run.id)} skipped={skipped} />
        </div>
        <Notice {...shown} />
        <div class="review-grid">
          <section class="card" aria-label="The sample">
            <p class="why-here">
              <Chip tone={review.reason === 'disagreement' ? 'warn' : 'idle'}>
                {review.reason === 'first-iterations' ? 'first iterations' : review.reason}
              </Chip>{' '}
              <span class="muted">{reviewReasons[review.reason]}</span>
            </p>
            <h2>Prompt</h2>
            <div class="review-prompt">
              <Block text={prompt.text} most={20_000} />
            </div>
            {sample.request === prompt.text ? null : (
              <>
                <h2>
                  Asked as{' '}
                  <small class="muted">
                    <Said text={sample.rewrite} most={60} />
                  </small>
                </h2>
                <div class="review-prompt small">
                  <Block text={sample.request} most={20_000} />
                </div>
              </>
            )}
            {item.sandbox ? <Sandbox sandbox={item.sandbox} /> : null}
            <h2>Answer</h2>
            <Answer item={item} />
            <h2>
              Rationale{' '}
              <small>
                <a href={`/samples/${sample.id}`}>sample {sample.id}</a>
              </small>
            </h2>
            <div class="review-rationale" tabindex={0} role="region" aria-label="Rationale">
              <Block
                text={sample.rationale}
                most={SHOWN}
                all={`/samples/${sample.id}/text?field=rationale`}
              />
            </div>
            {state.kind === 'mine' ? (
              <>
                <details class="correct" id="noting">
                  <summary data-focus="note" data-key="n" data-key-title="write a note">
                    Note
                  </summary>
                  <textarea
                    id="note"
                    name="note"
                    form="decide"
                    rows={2}
                    maxlength={2000}
                    aria-label="Note, kept with the decision"
                  ></textarea>
                </details>
                <Correction {...shown} />
              </>
            ) : null}
          </section>
          <div class="review-side">
            <section class="card" aria-label="Vote">
              <h2>Vote</h2>
              <Tally tally={item.tally} vote={vote} own={sample.answer} />
            </section>
            <section class="card" aria-label="Verdicts">
              <h2>Verdicts</h2>
              <Verdicts item={item} />
            </section>
          </div>
        </div>
        <Decide {...shown} />
      </div>
    </Layout>
  );
};
