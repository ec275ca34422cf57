/**
 * The vote over a prompt's samples: ŷ is the mode of their answers (self-consistency, Wang et al. 2022,
 * arXiv 2203.11171). A sample without an answer abstains: it counts among the samples, so it lowers the
 * agreement, and never wins. A tie for the first place is declared: there is no ŷ then.
 */

export type Vote = {
  /** ŷ; undefined when no sample gave an answer or the first place is tied. */
  answer: string | undefined;
  /** Samples in the first place (of each of those tied for it). */
  votes: number;
  /** Samples in the second place; equal to `votes` on a tie. */
  runnerUpVotes: number;
  /** All samples, those that abstained included. */
  samples: number;
  /** votes / samples, 0…1; 0 without samples. */
  agreement: number;
  /** (votes − runnerUpVotes) / samples, 0…1. */
  margin: number;
};

/**
 * Counts the answers that are the same under the task's equality, whatever their order. ŷ is written as
 * most of its voters write it (of equally common spellings, the first in code point order).
 *
 * @param answers one per sample; undefined: the sample abstains
 * @param sameAnswer an equivalence relation
 */
export function vote(
  answers: readonly (string | undefined)[],
  sameAnswer: (a: string, b: string) => boolean = (a, b) => a === b,
): Vote {
  const spellings = new Map<string, number>();
  for (const answer of answers) {
    if (answer !== undefined) spellings.set(answer, (spellings.get(answer) ?? 0) + 1);
  }
  const ordered = [...spellings].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const groups: { answer: string; votes: number }[] = [];
  for (const [answer, count] of ordered) {
    const group = groups.find((candidate) => sameAnswer(candidate.answer, answer));
    if (group) group.votes += count;
    else groups.push({ answer, votes: count });
  }
  groups.sort((a, b) => b.votes - a.votes);
  const votes = groups[0]?.votes ?? 0;
  const runnerUpVotes = groups[1]?.votes ?? 0;
  const samples = answers.length;
  return {
    answer: votes > runnerUpVotes ? groups[0]?.answer : undefined,
    votes,
    runnerUpVotes,
    samples,
    agreement: samples ? votes / samples : 0,
    margin: samples ? (votes - runnerUpVotes) / samples : 0,
  };
}

/** What else speaks for or against a vote. */
export type Circumstances = {
  /** Samples without a readable answer: a vote of their own, which wins or ties when they are no fewer than those for ŷ. */
  unreadable?: number;
  sharedMistake?: boolean;
  /** Least votes and lead, in samples, for the precision asked for; undefined votes: none is enough. */
  required?: { votes?: number; lead?: number };
};

/** Is there a ŷ that nothing but its number of votes can speak against? */
export function stands(result: Vote, { unreadable = 0, sharedMistake = false }: Circumstances): boolean {
  return result.answer !== undefined && unreadable < result.votes && !sharedMistake;
}

/** Is ŷ sure enough to train on? `min` and `minMargin` are shares of the samples; limits are met when equalled. */
export function trusted(
  result: Vote,
  settings: { min: number; minMargin: number },
  circumstances: Circumstances = {},
): boolean {
  if (!stands(result, circumstances)) return false;
  if (result.agreement < settings.min || result.margin < settings.minMargin) return false;
  const { required } = circumstances;
  if (required === undefined) return true;
  const lead = result.votes - result.runnerUpVotes;
  return required.votes !== undefined && result.votes >= required.votes && lead >= (required.lead ?? 0);
}
