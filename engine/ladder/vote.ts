/** The vote of a tree, as an iteration's vote over a prompt. */
import type { LadderNode } from '../../db/queries/ladder.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import { statedVote, type StatedVote } from '../stated-vote.ts';

/** A whole has the votes of its weakest part; one whose tree failed has no answer, and nobody voted for it. */
export function treeVote(prompt: StoredPrompt, root: LadderNode | undefined): StatedVote {
  if (!root || root.status === 'open') throw new Error(`The tree of prompt ${prompt.id} is not done.`);
  const solved = root.status === 'solved';
  return statedVote({
    answer: solved ? root.answer! : undefined,
    votes: solved ? (root.votes ?? 0) : 0,
    runnerUpVotes: solved ? (root.runnerUpVotes ?? 0) : 0,
    samples: root.samples ?? 0,
  });
}
