/** The vote over a prompt that was not counted over its samples: of a tree of parts, or of a debate. */
import type { RewriteTally } from '../db/schema.ts';
import type { Vote } from '../loop/vote.ts';

export type StatedVote = {
  result: Vote;
  tallies: RewriteTally[];
  within: undefined;
  across: undefined;
  sharedMistake: false;
  unreadable: number;
  copies: 0;
};

export function statedVote(
  { answer, votes, runnerUpVotes, samples }: Pick<Vote, 'answer' | 'votes' | 'runnerUpVotes' | 'samples'>,
  unreadable = 0,
): StatedVote {
  return {
    result: {
      answer,
      votes,
      runnerUpVotes,
      samples,
      agreement: samples ? votes / samples : 0,
      margin: samples ? (votes - runnerUpVotes) / samples : 0,
    },
    tallies: [],
    within: undefined,
    across: undefined,
    sharedMistake: false,
    unreadable,
    copies: 0,
  };
}
