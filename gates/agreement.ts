import { z } from 'zod';
import { gate, share, type GateContext, type JudgedSample, type Verdict } from './gate.ts';

/**
 * Does the sample give the voted answer ŷ, and is the vote clear enough? Confidence by agreement as in Huang et al. 2022 (LMSI,
 * arXiv 2210.11610), as far as it was calibrated on problems with known answers, plus a lead over the runner-up; with `max`, a
 * band that leaves out what is too easy to teach anything (R-Zero, Huang et al. 2025, arXiv 2508.05004). The score is the agreement.
 */
export const agreement = gate({
  name: 'agreement',
  asks: 'does it give the voted answer, and do enough samples agree?',
  threshold: ({ min, max, minMargin }) =>
    `\`gates.agreement.min\` (${min}), \`.max\` (${max}), \`.minMargin\` (${minMargin})`,
  unscoredWhen: () => 'never',
  weight: 'required',
  settings: {
    min: share.default(0.6).describe('least share of the K samples that gave ŷ'),
    max: share.default(1).describe('largest share: above it a prompt is too easy to teach anything'),
    minMargin: share.default(0.25).describe('least lead over the runner-up, as a share of K'),
    precision: share
      .default(0)
      .describe(
        'least share of trusted votes that are right, as measured on the calibration set of the task: votes and lead are raised ' +
          'from min and minMargin until it is reached; 0: not asked for',
      ),
    calibration: z
      .strictObject({
        share: z
          .number()
          .min(0)
          .max(10)
          .default(0.3)
          .describe('calibration problems per iteration as a share of pool.prompts; 0: none'),
        iterations: z
          .int()
          .min(1)
          .max(1000)
          .default(3)
          .describe('latest iterations whose calibration counts as evidence'),
      })
      .prefault({}),
    noAnswer: z
      .enum(['votes', 'abstains'])
      .default('votes')
      .describe('`votes`: where more samples give no readable answer than give ŷ, nothing is trusted'),
    sharedMistake: z
      .strictObject({
        within: share.default(0.6).describe('least agreement with ŷ within rewrites (or kinds of them)'),
        across: share.default(0.4).describe('agreement with ŷ across them, below which it is one; 0: off'),
      })
      .prefault({})
      .describe('samples of one rewrite agree on ŷ and others do not: not trusted'),
  },
  judge: judgeAgreement,
});

type Limits = { min: number; max: number; minMargin: number };

function judgeAgreement(
  sample: JudgedSample,
  { vote }: Pick<GateContext, 'vote'>,
  { min, max, minMargin }: Limits,
): Omit<Verdict, 'gate'> {
  const { unreadable = 0, sharedMistake, required } = vote;
  const agreed = vote.samples > 0 ? vote.votes / vote.samples : 0;
  const margin = vote.samples > 0 ? (vote.votes - vote.runnerUpVotes) / vote.samples : 0;
  const verdict = (outcome: 'pass' | 'fail', reason: string, threshold = min) => {
    return { outcome, score: agreed, threshold, reason };
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
  if (agreed < min) return verdict('fail', `agreement ${agreed.toFixed(2)} < ${min.toFixed(2)} ${counted}`);
  if (agreed > max) {
    return verdict('fail', `agreement ${agreed.toFixed(2)} > ${max.toFixed(2)} ${counted}: too easy`, max);
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
  return verdict('pass', `agreement ${agreed.toFixed(2)} ${limits} ${counted}`);
}
