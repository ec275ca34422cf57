/** The vote of a tree, as an iteration's vote over a prompt. */
import type { LadderNode } from '../../db/queries/ladder.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import type { RewriteTally } from '../../db/schema.ts';
import type { Vote } from '../../loop/vote.ts';

export type TreeVote = {
  result: Vote;
  tallies: RewriteTally[];
  within: undefined;
  across: undefined;
  sharedMistake: false;
  unreadable: 0;
  copies: 0;
};

/** A whole has the votes of its weakest part; one whose tree failed has no answer, and nobody voted for it. */
export function treeVote(prompt: StoredPrompt, root: LadderNode | undefined): TreeVote {
  if (!root || root.status === 'open') throw new Error(`The tree of prompt ${prompt.id} is not done.`);
  const samples = root.samples ?? 0;
  const [votes, runnerUpVotes] =
    root.status === 'solved' ? [root.votes ?? 0, root.runnerUpVotes ?? 0] : [0, 0];
  const result: Vote = {
    answer: root.status === 'solved' ? root.answer! : undefined,
    votes,
    runnerUpVotes,
    samples,
    agreement: samples ? votes / samples : 0,
    margin: samples ? (votes - runnerUpVotes) / samples : 0,
  };
  const apart = {
    within: undefined,
    across: undefined,
    sharedMistake: false,
    unreadable: 0,
    copies: 0,
  } as const;
  return { result, tallies: [], ...apart };
}
