import type { Gate } from './gate.ts';

/** What did a person decide? Without a decision the sample is unscored: silence is no consent. */
export const human: Gate = ({ human: found }) => {
  const gate = 'human';
  if (!found) return { gate, outcome: 'unscored', reason: 'nobody has decided' };
  const { decision, by, reason } = found;
  const why = reason === undefined ? '' : `: ${reason}`;
  // A corrected sample is replaced by the person's own: as it stands it was not accepted.
  return decision === 'accept'
    ? { gate, outcome: 'pass', reason: `accepted by ${by}${why}` }
    : { gate, outcome: 'fail', reason: `${decision === 'reject' ? 'rejected' : 'corrected'} by ${by}${why}` };
};
