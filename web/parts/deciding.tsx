/** The forms by which a reviewer decides an item. */
import { Said } from '../../app/html/parts.ts';
import type { ItemData, Standing } from '../review-data.ts';
import { DecidedChip, itemPath, queuePath, Skipped } from './review.tsx';

/** An item as it stands for one reviewer. */
export type Shown = {
  item: ItemData;
  standing: Standing;
  reviewer: string;
  skipped: number[];
  draft?: Draft;
};

/** The buttons, always in reach. */
export const Decide = ({ item: { state, review }, standing, skipped }: Shown) => {
  const { run, last, fate } = standing;
  return (
    <form
      id="decide"
      class="decide"
      method="post"
      action={itemPath(run.id, review.id)}
      data-live=""
      aria-label="Decide"
    >
      <Skipped skipped={skipped} />
      {state.kind === 'mine' ? (
        <div class="choices-bar">
          <button name="action" value="accept" class="yes" data-key="a" data-key-title="accept">
            Accept <Key name="a" />
          </button>
          <button name="action" value="reject" class="no" data-key="r" data-key-title="reject">
            Reject <Key name="r" />
          </button>
          <a
            class="button"
            href="#answer"
            data-focus="answer"
            data-key="e"
            data-key-title="correct: give the right answer"
          >
            Correct <Key name="e" />
          </a>
          <button
            name="action"
            value="skip"
            data-key="s"
            data-key-title="skip: another time, or somebody else"
          >
            Skip <Key name="s" />
          </button>
        </div>
      ) : null}
      <p class="last">
        {last ? (
          <>
            <span class="muted">last:</span> <DecidedChip decision={last.review.decision!} />{' '}
            <a href={itemPath(run.id, last.review.id, skipped)}>item {last.review.id}</a>
            {fate ? (
              <span class="muted">
                {' '}
                <Said text={fate} most={160} />
              </span>
            ) : null}
          </>
        ) : null}
      </p>
      {last?.undoable ? (
        <button
          class="quiet"
          name="action"
          value="undo"
          formaction={itemPath(run.id, last.review.id)}
          data-key="u"
          data-key-title="undo your last decision"
        >
          Undo <Key name="u" />
        </button>
      ) : null}
      <button
        class="quiet"
        name="action"
        value="leave"
        formaction={queuePath(run.id)}
        data-key="q"
        data-key-title="done for now"
      >
        Done <Key name="q" />
      </button>
    </form>
  );
};

export const Correction = ({ item: { review, sample, prompt }, standing, skipped, draft }: Shown) => (
  <details id="correct" class="correct" open={draft !== undefined}>
    <summary>Correct the answer</summary>
    <form id="correction" method="post" action={itemPath(standing.run.id, review.id)}>
      <input type="hidden" name="action" value="correct" />
      <Skipped skipped={skipped} />
      {draft ? (
        <p class="problem" role="alert">
          <Said text={draft.problem} most={1000} />
        </p>
      ) : null}
      <label>
        Right answer <span class="help">to the prompt at the top</span>
        <input
          id="answer"
          name="answer"
          required
          maxlength={10_000}
          autocomplete="off"
          spellcheck={false}
          value={draft?.answer}
          autofocus={draft !== undefined}
        />
      </label>
      <label>
        Your own steps{' '}
        <span class="help">
          optional, in the task's format
          {sample.request === prompt.text ? '' : ', for the problem as it was asked'}. Without them, another
          sound sample with your answer is trained on, if there is one.
        </span>
        <textarea id="steps" name="rationale" rows={8} spellcheck={false} maxlength={100_000}>
          {draft?.rationale ?? ''}
        </textarea>
      </label>
      <label>
        Note
        <input name="note" maxlength={2000} autocomplete="off" value={draft?.note} />
      </label>
      <div class="actions">
        <button class="primary">Store the correction</button>
        {sample.rationale.length <= STEPS ? (
          <button type="button" class="needs-script" data-steps={sample.rationale}>
            Start from the model's steps
          </button>
        ) : null}
      </div>
    </form>
  </details>
);

export const Key = ({ name }: { name: string }) => <kbd aria-hidden="true">{name}</kbd>;

/** What a correction may start from. */
const STEPS = 20_000;

/** A correction that could not be stored, to be mended. */
export type Draft = { answer: string; rationale: string; note: string; problem: string };
