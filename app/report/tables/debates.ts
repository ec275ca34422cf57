/** Debates, and what an adversary found, by iteration. */
import { compact } from '../../../process/text.ts';
import type { DebateReport, DebateRow, SelfPlayReport, SelfPlayRow } from '../debate-types.ts';
import { numbers, type Table } from './table.ts';

const ofPairs = (right: number, { known }: DebateRow): string | null =>
  known.pairs === 0 ? null : `${right}/${known.pairs}`;

export const debateTable = ({ iterations }: Pick<DebateReport, 'iterations'>): Table<DebateRow> => ({
  title: 'Debates',
  rows: iterations,
  columns: [
    ...numbers<DebateRow>({
      iteration: (one) => one.iteration,
      debates: (one) => one.debates,
      rounds: (one) => one.rounds.toFixed(1),
      turns: (one) => one.turns,
      kept: (one) => one.kept,
      tokens: (one) => compact(one.tokens),
      'vote tokens': (one) => compact(one.voteTokens),
      'right by debate': (one) => ofPairs(one.known.debate, one),
      'by vote': (one) => ofPairs(one.known.vote, one),
      'wrong→right': (one) => (one.known.pairs === 0 ? null : one.changes.toRight),
      'right→wrong': (one) => (one.known.pairs === 0 ? null : one.changes.toWrong),
    }),
  ],
});

export const selfPlayTable = ({ iterations }: Pick<SelfPlayReport, 'iterations'>): Table<SelfPlayRow> => ({
  title: 'Self-play: bad work made of good work',
  rows: iterations,
  columns: numbers<SelfPlayRow>({
    iteration: (one) => one.iteration,
    works: (one) => one.works,
    tries: (one) => one.tries,
    'out of form': (one) => one.unfit,
    'not known to be bad': (one) => one.harmless,
    caught: (one) => one.caught,
    'passed by the critics': (one) => one.found,
    'of these by the model': (one) => one.foundByModel,
  }),
});
