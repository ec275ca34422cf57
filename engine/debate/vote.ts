/** The vote of a debate's last round, as an iteration's vote over a prompt. */
import type { Debate } from '../../db/queries/debates.ts';
import { statedVote, type StatedVote } from '../stated-vote.ts';

/** Each agent has one vote, and none where its work is unsound. */
export const debateVote = ({ answer, votes, runnerUpVotes, agents, unreadable }: Debate): StatedVote =>
  statedVote(
    {
      answer: answer ?? undefined,
      votes: votes ?? 0,
      runnerUpVotes: runnerUpVotes ?? 0,
      samples: agents,
    },
    unreadable ?? 0,
  );
