/** What the pages of the review queue share: its progress, who reviews, and the words for decisions. */
import { Bar, Chip, Said, type Tone } from '../../app/html/parts.ts';
import type { Child } from 'hono/jsx';
import { percent } from '../../process/text.ts';
import type { ReviewDecision } from '../../db/schema.ts';
import { LEAST_DECIDED } from '../../loop/review.ts';
import { isOver, type Standing } from '../review-data.ts';
import { GRACE_MS, LONGEST_NAME, whose } from '../reviewing.ts';
import { runPath } from './basics.tsx';

export const DECIDED: Record<ReviewDecision, { word: string; tone: Tone }> = {
  accept: { word: 'accepted', tone: 'good' },
  reject: { word: 'rejected', tone: 'bad' },
  correct: { word: 'corrected', tone: 'warn' },
};

export const DecidedChip = ({ decision }: { decision: ReviewDecision }) => (
  <Chip tone={DECIDED[decision].tone}>{DECIDED[decision].word}</Chip>
);

const suffix = (skipped: number[]) => (skipped.length > 0 ? `?skipped=${skipped.join('.')}` : '');

/** @param skipped items that this browser has put off */
export const queuePath = (runId: string, skipped: number[] = []) =>
  `${runPath(runId)}/review${suffix(skipped)}`;
export const itemPath = (runId: string, id: number, skipped: number[] = []) =>
  `${runPath(runId)}/review/${id}${suffix(skipped)}`;

export const Skipped = ({ skipped }: { skipped: number[] }) =>
  skipped.length > 0 ? <input type="hidden" name="skipped" value={skipped.join('.')} /> : null;

/** Up to three by name. */
const Names = ({ holders }: { holders: string[] }) => {
  const names = [...new Set(holders.map(whose))];
  const rest = holders.length - Math.min(3, names.length);
  return (
    <>
      {names.slice(0, 3).map((name, i) => (
        <>
          {i > 0 ? ', ' : ''}
          <Said text={name} most={40} />
        </>
      ))}
      {rest > 0 ? ` and ${rest} more` : ''}
    </>
  );
};

/** Decided share, rejected share against its limit, who else is at it. Drawn anew as others decide. */
export const Progress = ({ standing }: { standing: Standing }) => {
  const { total, decided, accepted, rejected, others, run, tooMany } = standing;
  const counted = accepted + rejected;
  const limit = run.settings.review.maxRejectedShare;
  return (
    <div id="review-progress" class="review-progress" data-live="">
      <div>
        <p>
          <b>
            {decided} of {total}
          </b>{' '}
          <span class="muted">decided</span>
        </p>
        <Bar share={total > 0 ? decided / total : 0} tone="accent" label={`${decided} of ${total} decided`} />
      </div>
      <p class={tooMany ? 'problem' : undefined}>
        {counted > 0 ? percent(rejected / counted, 0) : '–'}{' '}
        <span class={tooMany ? undefined : 'muted'}>
          rejected, limit {percent(limit, 0)}
          {counted < LEAST_DECIDED ? ` from ${LEAST_DECIDED} on` : ''}
        </span>
      </p>
      {others.length > 0 ? (
        <p class="muted">
          <Names holders={others} /> {others.length === 1 ? 'reviews' : 'review'} too
        </p>
      ) : null}
    </div>
  );
};

/** The name that decisions are stored under. */
export const Reviewer = ({ name, path, skipped }: { name: string; path: string; skipped: number[] }) => (
  <details class="reviewer" id="reviewer">
    <summary>
      <span class="muted">reviewing as</span> <Said text={name} most={LONGEST_NAME} />
    </summary>
    <form method="post" action={path}>
      <Skipped skipped={skipped} />
      <label>
        Your name <span class="help">stored with each of your decisions</span>
        <input name="name" value={name} maxlength={LONGEST_NAME} required autocomplete="name" />
      </label>
      <button name="action" value="name">
        Change
      </button>
    </form>
  </details>
);

/** What follows from the decisions, when nothing more is waited for. */
export const WhatFollows = ({ standing }: { standing: Standing }): Child => {
  const { run, index, goneOn, tooMany, last } = standing;
  if (!run.settings.review.required)
    return <>The run does not wait for reviewers: what you decided counts from its next dataset on.</>;
  if (tooMany)
    return (
      <>
        Iteration {index} is not trained: {tooMany}. Of this iteration only what a reviewer accepted is ever
        used again.
      </>
    );
  if (!isOver(standing)) return <>Iteration {index} waits until all are decided.</>;
  if (goneOn) return <>Iteration {index} has gone on with these decisions.</>;
  return last?.undoable ? (
    <>
      Iteration {index} goes on with what was accepted {GRACE_MS / 1000} seconds after the last decision.
      Until then it can be undone.
    </>
  ) : (
    <>Iteration {index} goes on with what was accepted.</>
  );
};
