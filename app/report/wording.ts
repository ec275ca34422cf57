/** Sentences and cells of a report, worded once for the terminal, the HTML report and the web page. */
import { addedUp, whatIsNeeded } from '../../loop/audit.ts';
import { percent, points } from '../../process/text.ts';
import type { CalibrationReport, IterationReport, Report, Score } from './types.ts';

/** `25.3 % → 34.1 %`, as far as it is known. */
export function change(before: Score | null, after: Score | null): string {
  if (!after) return before ? percent(before.rate) : '–';
  return `${before ? percent(before.rate).replace(' %', '') : '–'} → ${percent(after.rate)}`;
}

/** What is missing where the task can't be used any more, and why. */
export const leftOut = (taskProblem: string): string =>
  `Left out is what only the task can tell, such as how many labels were right: ${taskProblem}`;

export const decisionWords = {
  promote: 'promoted',
  discard: 'discarded',
  'nothing-to-train': 'no data',
  skip: 'skipped',
} as const;

export function decisionWord(iteration: Pick<IterationReport, 'decision' | 'finished'>): string {
  return iteration.decision
    ? decisionWords[iteration.decision]
    : iteration.finished
      ? 'skipped'
      : 'unfinished';
}

/** In which form the base is meant, where the task's worked examples stand in samples only. */
export function formsSentence({ baseForms }: Report): string {
  if (!baseForms) return '';
  const { better, scores } = baseForms;
  const both = scores.map(
    ({ role, plain: asked, examples }) =>
      `${role} ${percent(asked.rate)} plainly, ${percent(examples.rate)} with them`,
  );
  const form = better === 'examples' ? 'with the worked examples' : 'plainly asked';
  return `The base was measured plainly and with worked examples (${both.join('; ')}); "base" is its better form on target, ${form}. A trained checkpoint is asked plainly.`;
}

/** What the starting model's majority knew already, beside what one answer of base and best gets right. */
export function majoritySentence({ majority, base, best }: Report): string {
  if (!majority || !base?.target) return '';
  const { samples, score, pass } = majority;
  const any = pass ? `, one of them at least (pass@${samples}) ${percent(pass.rate)}` : '';
  const knew =
    `The base's majority of ${samples} samples (maj@${samples}) gets ${percent(score.rate)} of target right${any}, ` +
    `where one answer of it gets ${percent(base.target.rate)}`;
  if (!best?.target || best.id === base.id) return `${knew}.`;
  const beyond = best.target.rate - score.rate;
  const side = beyond >= 0 ? 'beyond' : 'short of';
  return `${knew} and one of the best ${percent(best.target.rate)}: ${points(Math.abs(beyond)).replace('+', '')} points ${side} that majority.`;
}

/** `3` votes, or by level `4: 3, 8: 5`; `none` where no number of votes is enough. */
export function votesNeeded({ levels }: CalibrationReport): string {
  const text = (votes: number | null) => (votes === null ? 'none' : String(votes));
  return levels.map(({ level, votes }) => (level === null ? '' : `${level}: `) + text(votes)).join(', ');
}

export const CLUSTER_NOTE =
  'Rationales of one prompt that compute the same, or where nothing is computed say the same, are one cluster. select.novelty takes ' +
  'examples from different ones first.';

/** Where the critic, which nobody asked for, was not listened to, and what to do for one that is; equal reasons once. */
export function criticSentences({ iterations }: Report): string[] {
  const doubted = iterations.filter((one) => one.criticAdvises !== null);
  return [...Map.groupBy(doubted, (one) => one.criticAdvises!)].map(
    ([reason, own]) =>
      `The critic only advised in iteration ${own.map((one) => one.iteration).join(', ')}: ${reason}. It is the model itself; name one that ` +
      'can judge (models.critic), or leave it out (gates.critique.mode: off).',
  );
}

/** Where the gates let too many planted samples pass, and what would have caught them. */
export function probeSentences({ iterations }: Report): string[] {
  const audits = iterations.flatMap(({ iteration, audit }) => (audit ? [{ iteration, ...audit }] : []));
  const under = audits.filter(({ outcome }) => outcome === 'failed' || outcome === 'advised');
  if (under.length === 0) return [];
  const needed = whatIsNeeded(addedUp(audits.flatMap((one) => one.kinds)));
  return [
    ...under.map(
      ({ iteration, caught, planted, minCatchRate, outcome }) =>
        `Iteration ${iteration}: ${caught} of ${planted} caught, ${percent(minCatchRate)} are asked for; ` +
        `${outcome === 'failed' ? 'none of its examples is used' : 'the test only advises'}.`,
    ),
    ...(needed ? [needed] : []),
  ];
}

/** What this arm of the experiment shows, in one sentence. */
export function armSentence(report: Report): string {
  const target =
    report.comparison.find((one) => one.role === 'final') ??
    report.comparison.find((one) => one.role === 'target');
  const gain = target ? ` (${target.role}: ${points(target.best.rate - target.base.rate)} points)` : '';
  const right = report.totals.pseudoLabelPrecision;
  if (report.experiment === 'control') {
    return `Control: trained on rehearsal only, so any gain here${gain} is not from pseudo-labels.`;
  }
  if (report.experiment === 'ungated') {
    const share = right === null ? '' : `, and ${percent(right)} of them were right`;
    return `Ungated: every majority answer trained${share}, so what a gated run gains beyond this${gain} is the gates' doing.`;
  }
  const share = right === null ? '' : `; ${percent(right)} of them were right, which the loop never saw`;
  return `Trained on answers that passed every required gate${share}.`;
}
