/** What the gates let through, what they did with planted bad samples, and how good votes were measured to be. */
import { html } from 'hono/html';
import { percent } from '../../../process/text.ts';
import { Bar, Card, Said, type Html } from '../../html/parts.ts';
import {
  clusterTable,
  driftTable,
  gateTable,
  precisionByVotes,
  probeTable,
  type PrecisionLine,
} from '../tables/judging.ts';
import type { Report } from '../types.ts';
import { CLUSTER_NOTE, criticSentences, probeSentences, votesNeeded } from '../wording.ts';
import { note, table } from './parts.ts';

export function gates(report: Report): Html {
  const { collected, trained, exact, near } = report.totals.leaks;
  const leaks =
    collected + trained === 0
      ? 'No drawn prompt and no example was a held-out problem.'
      : `${collected} of the drawn prompts and ${trained} of the examples were held-out problems (${exact} exact, ${near} near) and were dropped.`;
  const verdicts = gateTable(report);
  return Card({
    id: 'gates',
    title: 'Gates',
    note: "over all of the model's judged samples of unlabeled prompts",
    children: [
      verdicts.rows.length === 0 ? note('Nothing has been judged yet.') : table(verdicts),
      criticSentences(report).map((line) => note(Said({ text: line, most: 1_000 }))),
      note(html`Unscored is never a pass. Leaks: ${leaks}`),
    ],
  });
}

export function probes(report: Report): Html {
  const planted = probeTable(report);
  const none = 'None were planted, so the gates themselves were not tested.';
  return Card({
    id: 'probes',
    title: 'Planted bad samples',
    note: planted.rows.length === 0 ? '' : 'caught: it would not have become an example',
    children:
      planted.rows.length === 0
        ? note(none)
        : [table(planted), probeSentences(report).map((line) => note(line))],
  });
}

const precisionTable = (rows: PrecisionLine[]): Html => {
  const rate = ({ right, total }: PrecisionLine) => (total === 0 ? 0 : right / total);
  return table({
    title: 'Precision by votes',
    rows,
    columns: [
      { title: 'votes for ŷ', text: (one) => `${one.votes} of ${one.samples}` },
      { title: 'right', align: 'right', text: (one) => `${one.right} of ${one.total}` },
      {
        title: 'precision on calibration problems',
        html: (one) => Bar({ share: rate(one), tone: 'accent', label: percent(rate(one)) }),
      },
      { title: '', align: 'right', text: (one) => percent(rate(one)) },
    ],
  });
};

export function trust(report: Report): Html {
  const { iterations, review, totals } = report;
  const newest = iterations.findLast((one) => one.calibration)?.calibration;
  const shared = iterations.reduce((sum, one) => sum + one.votes.sharedMistakes, 0);
  const noAnswer = iterations.reduce((sum, one) => sum + one.votes.noAnswer, 0);
  const known = iterations.reduce((sum, one) => sum + (one.pseudoLabels?.total ?? 0), 0);
  const audited = review?.precision
    ? ` Precision of the pseudo-labels by random audit: ${percent(review.precision.rate)} of ${review.precision.total} (95 % Wilson ${percent(review.precision.low)} to ${percent(review.precision.high)}).`
    : '';
  return Card({
    id: 'votes',
    title: 'How right votes are',
    children: [
      totals.pseudoLabelPrecision === null
        ? null
        : note(
            html`<strong>Accepted pseudo-labels:</strong> ${percent(totals.pseudoLabelPrecision)} of ${known}
              were right. This is computed for the report alone; the loop never saw it.`,
          ),
      newest
        ? [
            precisionTable(precisionByVotes(report)),
            note(
              `Votes needed at the end: ${votesNeeded(newest)}. ` +
                (newest.asked > 0
                  ? `A precision of ${percent(newest.asked)} is asked for.`
                  : 'No precision is asked for.'),
            ),
          ]
        : note(
            'Agreement is uncalibrated: how often votes are right was not measured on problems with known answers.',
          ),
      note(
        `Votes not trusted for another reason than their number: ${shared} shared mistakes of one rewrite, ${noAnswer} where most samples had no readable answer.`,
      ),
      review
        ? note(
            html`<strong>Human review.</strong> ${review.items} put to reviewers: ${review.accepted} accepted,
              ${review.rejected} rejected, ${review.corrected} corrected, ${review.waiting} waiting.${audited}`,
          )
        : null,
    ],
  });
}

export function clusters(report: Report): Html | '' {
  const counted = clusterTable(report);
  if (counted.rows.length === 0) return '';
  return Card({
    id: 'clusters',
    title: counted.title,
    note: '',
    children: [table(counted), note(CLUSTER_NOTE)],
  });
}

export function drift(report: Report): Html | '' {
  const { table: measured, alarms } = driftTable(report);
  if (measured.rows.length === 0) return '';
  return Card({
    id: 'drift',
    title: 'Drift',
    note: alarms.length === 0 ? 'no alarm' : `${alarms.length} alarms`,
    children: [
      table(measured),
      alarms.map(({ iteration, reason }) =>
        note(html`<strong class="problem">Iteration ${iteration}:</strong> ${Said({ text: reason })}`),
      ),
      note(
        'Accepted: what the gates let through. Fixed: answers of the generating checkpoint to the same prompts. Pairs: share of distinct pairs of words. ' +
          'Bits: entropy of step templates. Distance: Jensen–Shannon divergence of the words from the reference iteration.',
      ),
    ],
  });
}
