import type { Gate } from './gate.ts';

/**
 * Does the sample give the voted answer ŷ, and is the vote clear enough? Confidence by agreement as in Huang
 * et al. 2022 (LMSI, arXiv 2210.11610), as far as it was calibrated on problems with known answers, plus a lead over the runner-up; with `max`, a band that leaves out what is
 * too easy to teach anything (R-Zero, Huang et al. 2025, arXiv 2508.05004). The score is the agreement.
 */
export const agreement: Gate = (sample, { vote, settings }) => {
  const { min, max, minMargin } = settings.agreement;
  const { unreadable = 0, sharedMistake, required } = vote;
  const share = vote.samples > 0 ? vote.votes / vote.samples : 0;
  const margin = vote.samples > 0 ? (vote.votes - vote.runnerUpVotes) / vote.samples : 0;
  const verdict = (outcome: 'pass' | 'fail', reason: string, threshold = min) => {
    return { gate: 'agreement', outcome, score: share, threshold, reason };
  };
  if (vote.answer === undefined) {
    return verdict(
      'fail',
      vote.votes === 0
        ? `none of ${vote.samples} samples gave an answer`
        : `first place tied at ${vote.votes} of ${vote.samples} samples`,
    );
  }
  if (unreadable >= vote.votes) {
    return verdict(
      'fail',
      `no answer ${unreadable > vote.votes ? 'wins' : 'ties for the first place'}: ${unreadable} of ${vote.samples} samples gave none that could be read, ${vote.votes} gave ${vote.answer}`,
    );
  }
  if (sharedMistake) {
    const { within, across } = sharedMistake;
    return verdict(
      'fail',
      `shared mistake: samples of one rewrite agree on ${vote.answer} (${within.toFixed(2)} within), those of others do not ` +
        `(${across.toFixed(2)} across)`,
    );
  }
  if (sample.answer === undefined)
    return verdict('fail', `no answer could be read; the vote is ${vote.answer}`);
  if (!sample.agrees) return verdict('fail', `answer ${sample.answer} is not the vote ${vote.answer}`);
  const copied = vote.copies ? `; ${vote.copies} are copies of another, so they did not vote` : '';
  const counted = `(${vote.votes} of ${vote.samples} samples${copied})`;
  if (share < min) return verdict('fail', `agreement ${share.toFixed(2)} < ${min.toFixed(2)} ${counted}`);
  if (share > max) {
    return verdict('fail', `agreement ${share.toFixed(2)} > ${max.toFixed(2)} ${counted}: too easy`, max);
  }
  if (margin < minMargin) {
    return verdict(
      'fail',
      `margin ${margin.toFixed(2)} < ${minMargin.toFixed(2)} (${vote.votes} against ${vote.runnerUpVotes} ` +
        `of ${vote.samples} samples)`,
    );
  }
  if (required && required.votes === undefined) return verdict('fail', required.reason);
  const lead = vote.votes - vote.runnerUpVotes;
  if (required && (vote.votes < required.votes! || lead < (required.lead ?? 0))) {
    return verdict(
      'fail',
      `${vote.votes} votes with a lead of ${lead}: ${required.reason}`,
      required.votes! / vote.samples,
    );
  }
  const limits = max < 1 ? `≥ ${min.toFixed(2)} and ≤ ${max.toFixed(2)}` : `≥ ${min.toFixed(2)}`;
  return verdict('pass', `agreement ${share.toFixed(2)} ${limits} ${counted}`);
};
