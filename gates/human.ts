import { gate, PROBE_KINDS } from './gate.ts';

/** What did a person decide? Without a decision the sample is unscored: silence is no consent. */
export const human = gate({
  name: 'human',
  asks: 'what did a person decide, of this sample or earlier of the same words to the same prompt?',
  threshold: () => 'accepted',
  unscoredWhen: () => 'nobody has decided',
  weight: 'off',
  costs: true,
  decidedLater: true,
  catches: PROBE_KINDS,
  settings: {},
  judge({ human: found }) {
    if (!found) return { outcome: 'unscored', reason: 'nobody has decided' };
    const { decision, by, reason } = found;
    const why = reason === undefined ? '' : `: ${reason}`;
    // A corrected sample is replaced by the person's own: as it stands it was not accepted.
    return decision === 'accept'
      ? { outcome: 'pass', reason: `accepted by ${by}${why}` }
      : { outcome: 'fail', reason: `${decision === 'reject' ? 'rejected' : 'corrected'} by ${by}${why}` };
  },
});
