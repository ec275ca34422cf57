/** Review items and what reviewers found, as text. Everything a model wrote is made safe for a terminal. */
import type { ListedReview, ReviewDetails } from '../../db/queries/reviews.ts';
import { reviewReasons } from '../../app/review/wording.ts';
import { cut, plain, table, type Column } from '../../process/text.ts';

/** More than a person reads of one rationale. */
const MOST_LINES = 60;
const MOST_COLUMNS = 500;

export const keysLine = 'a accept   r reject   e correct   s skip   u undo the last   q quit';

/** The rationale line by line. */
function rationaleLines(text: string): string[] {
  // Lines beyond those shown are not worth cleaning: a rationale may be a megabyte.
  const lines = text.slice(0, MOST_LINES * MOST_COLUMNS).split('\n');
  const shown = lines.slice(0, MOST_LINES).map((line) => `  ${cut(plain(line), MOST_COLUMNS)}`);
  const left = text.length - shown.join('\n').length;
  return lines.length > MOST_LINES || text.length > MOST_LINES * MOST_COLUMNS
    ? [...shown, `  … cut here, about ${left.toLocaleString('en-US')} characters more`]
    : shown;
}

/** One item as a reviewer sees it. */
export function reviewLines(
  { review, sample, prompt, iteration, vote, verdicts }: ReviewDetails,
  { open, total }: { open: number; total: number },
): string[] {
  const field = (name: string, text: string) => `${name.padEnd(11)}${text}`;
  const asked =
    plain(sample.request) === plain(prompt.text) ? [] : [field('asked as', plain(sample.request))];
  return [
    '',
    `item ${review.id} · iteration ${iteration.index} · ${total - open} of ${total} decided · ${reviewReasons[review.reason]}`,
    field('prompt', plain(prompt.text)),
    ...asked,
    field('answer', plain(sample.answer ?? 'none')),
    ...(vote
      ? [
          field(
            'vote',
            `${plain(vote.answer ?? 'tied')}: ${vote.votes} of ${vote.samples} samples, runner-up ${vote.runnerUpVotes}`,
          ),
        ]
      : []),
    'rationale',
    ...rationaleLines(sample.rationale),
    'verdicts',
    ...verdicts.map(
      (one) =>
        `  ${plain(one.gate).padEnd(11)} ${one.outcome.padEnd(9)}${one.advisory ? '(advises) ' : ''}${cut(plain(one.reason), MOST_COLUMNS)}`,
    ),
    '',
  ];
}

export function renderReviews(rows: ListedReview[]): string {
  if (rows.length === 0) return 'This run has put nothing to reviewers.';
  const head: Column[] = [
    { title: 'item', align: 'right' },
    { title: '#', align: 'right' },
    { title: 'why' },
    { title: 'prompt' },
    { title: 'answer' },
    { title: 'decision' },
  ];
  return table(
    head,
    rows.map(({ review, iteration, prompt, answer, open }) => [
      String(review.id),
      String(iteration),
      review.reason,
      cut(plain(prompt), 40),
      cut(plain(answer ?? 'none'), 20),
      review.decision
        ? `${review.decision}${review.correctedAnswer ? ` ${cut(plain(review.correctedAnswer), 20)}` : ''}, ${plain(review.reviewer ?? '?')}${review.bulk ? ', unseen' : ''}`
        : open
          ? review.claimedBy
            ? `waits (${plain(review.claimedBy)} looks)`
            : 'waits'
          : 'never decided',
    ]),
  ).join('\n');
}
