/** The shapes of what a report says of debates and of self-play. */

/** Debates of an iteration, or of a run. */
export type DebateRow = {
  iteration: number;
  debates: number;
  /** Of these not yet at their end; the counts below are of the others, but for turns. */
  open: number;
  /** Mean. */
  rounds: number;
  /** Turns that a model was asked for, turns in which an agent stood by its work, and those that went on from lines of their own. */
  turns: number;
  kept: number;
  goneOn: number;
  /** Read and written by agents and critics. */
  tokens: number;
  /** Of the votes beside. */
  samples: number;
  voteTokens: number;
  /** Votes that had fewer tokens than their debate. */
  short: number;
  /** On problems with known answers: pairs of a debate and its vote, those that were right, and those that one alone had right. */
  known: { pairs: number; debate: number; vote: number; onlyDebate: number; onlyVote: number };
  /** There: how often an agent changed its mind. */
  changes: { toRight: number; toWrong: number };
};

/**
 * `judged`: answers were compared with those that are known. `better`: the exact one-sided McNemar test says so at 5 %. `pValue`: null
 * without pairs.
 */
export type DebateReport = {
  iterations: DebateRow[];
  total: Omit<DebateRow, 'iteration'>;
  judged: boolean;
  pValue: number | null;
  better: boolean;
};

/** What an adversary made of an iteration's good work. */
export type SelfPlayRow = {
  iteration: number;
  works: number;
  tries: number;
  /** Known to be bad, and the critics pass it; of these, those that a model made. */
  found: number;
  foundByModel: number;
  /** Known to be bad, and the critics do not pass it. */
  caught: number;
  /** Nothing says that it is bad. */
  harmless: number;
  /** Not in form, or no work at all. */
  unfit: number;
};

export type SelfPlayReport = { iterations: SelfPlayRow[]; total: Omit<SelfPlayRow, 'iteration'> };
