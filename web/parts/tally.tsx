/** The answers that voted, most frequent first. */
import { Bar, Empty, Said } from '../../app/html/parts.ts';
import type { AnswerCount } from '../../db/queries/review-queue.ts';
import type { ReviewDetails } from '../../db/queries/reviews.ts';

export const Tally = ({
  tally,
  vote,
  own,
}: {
  tally: AnswerCount[];
  vote: ReviewDetails['vote'];
  /** The answer that the page is about. */
  own: string | null;
}) => {
  if (!vote) return <Empty>No vote has been taken.</Empty>;
  return (
    <>
      <ul class="tally">
        {tally.map(({ answer, count }) => {
          const voted = answer !== null && answer === vote.answer;
          return (
            <li class={answer !== null && answer === own ? 'own' : undefined}>
              <span>
                {answer === null ? <span class="muted">none read</span> : <Said text={answer} most={40} />}
              </span>
              <Bar
                share={count / Math.max(1, vote.samples)}
                tone={voted ? 'accent' : 'idle'}
                label={`${count} of ${vote.samples}`}
              />
              <span class="number">{count}</span>
            </li>
          );
        })}
      </ul>
      <p class="help">
        {vote.votes} of {vote.samples} gave the voted answer, the runner-up has {vote.runnerUpVotes}.{' '}
        {vote.trusted ? 'It is trusted.' : 'It is not trusted.'}
      </p>
    </>
  );
};
