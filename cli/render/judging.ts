/** What is said below the report's tables of votes, gates, planted samples, reviewers and drift. */
import {
  clusterTable,
  driftTable,
  gateTable,
  precisionByVotes,
  probeTable,
  rateText,
  reviewTable,
  voteTable,
} from '../../app/report/tables/judging.ts';
import type { Report } from '../../app/report/types.ts';
import { CLUSTER_NOTE, criticSentences, probeSentences } from '../../app/report/wording.ts';
import { plain } from '../../process/text.ts';
import { paragraph, section, type Colors } from './table.ts';

/** More numbers of votes than this are too many to read. */
const VOTES_SHOWN = 12;

/** `8 of 8 19/19, 7 of 8 30/31`, over all iterations with one K. */
function precisionSentence(report: Report): string {
  const newest = report.iterations.findLast((one) => one.calibration)?.calibration;
  if (!newest)
    return 'Agreement is uncalibrated: how often votes are right was not measured on problems with known answers.';
  const asked =
    newest.asked > 0 ? `a precision of ${newest.asked} is asked for` : 'no precision is asked for';
  const shown = precisionByVotes(report)
    .slice(0, VOTES_SHOWN)
    .map(({ votes, samples, right, total }) => `${votes} of ${samples} ${right}/${total}`);
  const measured = shown.length === 0 ? 'no calibration vote had an answer' : shown.join(', ');
  return `Precision by votes, on calibration problems: ${measured}; ${asked}.`;
}

export const voteLines = (report: Report, c: Colors): string[] =>
  section(voteTable(report), c, [
    ...paragraph(precisionSentence(report)),
    ...paragraph(
      'right: calibration votes. within, across: given one sample that voted for ŷ, the share of others that did, of its own rewrite ' +
        'or kind of rewrite and of others. shared: mistakes of one rewrite, not trusted. no answer: the largest vote. copies: samples of an endpoint that does not sample.',
    ).map(c.dim),
  ]);

export const clusterLines = (report: Report, c: Colors): string[] =>
  section(clusterTable(report), c, paragraph(CLUSTER_NOTE).map(c.dim));

export const gateLines = (report: Report, c: Colors): string[] =>
  section(
    { ...gateTable(report), title: 'Gates, over all judged samples of unlabeled prompts' },
    c,
    criticSentences(report).flatMap((line) => paragraph(plain(line))),
  );

/** How the gates did on planted bad samples: by kind, and gate by gate. */
export const probeLines = (report: Report, c: Colors): string[] =>
  section(
    {
      ...probeTable(report),
      title: 'Planted bad samples: what the gates caught, and how many each gate failed',
    },
    c,
    probeSentences(report).flatMap(paragraph),
  );

/** Nothing where no reviewers were asked. */
export function reviewLines(report: Report, c: Colors): string[] {
  const { review } = report;
  if (!review) return [];
  const { unseen, precision } = review;
  return section(reviewTable(report), c, [
    ...(unseen > 0 ? [`  ${unseen} of them decided unseen; these count in no statistic.`] : []),
    ...(precision
      ? [`  real precision, from ${precision.total} audited: ${rateText(precision)} (95 % Wilson)`]
      : []),
  ]);
}

export function driftLines(report: Report, c: Colors): string[] {
  const { table, alarms } = driftTable(report);
  return section(table, c, [
    ...alarms
      .flatMap(({ iteration, reason }) => paragraph(`iteration ${iteration}: ${plain(reason)}`))
      .map(c.yellow),
    ...paragraph(
      'accepted: what the gates let through. fixed: answers of the generating checkpoint to the same prompts. ' +
        'Pairs: share of distinct pairs of words. Bits: entropy of step templates. Compressed: how many times smaller. ' +
        'Distance: Jensen–Shannon divergence of the words from the first iteration measured.',
    ).map(c.dim),
  ]);
}
