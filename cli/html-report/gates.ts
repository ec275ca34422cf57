/** What the gates let through, what they did with planted bad samples, and how good votes were measured to be. */
import { html } from 'hono/html';
import { addedUp, auditByGate, totalsOf, whatIsNeeded } from '../../loop/audit.ts';
import { criticSentences } from '../render-gates.ts';
import { votesNeeded } from '../render-votes.ts';
import type { CalibrationReport, Report } from '../report-types.ts';
import { percent } from '../text.ts';
import { bar, card, note, said, table, type Html } from './parts.ts';

export function gates(report: Report): Html {
  const { iterations, totals } = report;
  const all = iterations.flatMap((one) => one.gates);
  const rows = [...Map.groupBy(all, (one) => one.gate)].map(([gate, own]) => {
    const sum = (of: 'pass' | 'fail' | 'unscored') => own.reduce((total, one) => total + one[of], 0);
    const [pass, fail, unscored] = [sum('pass'), sum('fail'), sum('unscored')];
    const total = Math.max(1, pass + fail + unscored);
    const advisory = own.filter((one) => one.advisory).length;
    return [
      said(gate, 60),
      pass,
      fail,
      unscored,
      bar(
        [
          { share: pass / total, tone: 'good' },
          { share: fail / total, tone: 'bad' },
        ],
        `${percent(pass / total)} passed, ${percent(fail / total)} failed`,
      ),
      percent(pass / total),
      advisory === 0 ? 'required' : advisory === own.length ? 'advises only' : 'required in some iterations',
    ];
  });
  const { collected, trained, exact, near } = totals.leaks;
  const leaks =
    collected + trained === 0
      ? 'No drawn prompt and no example was a held-out problem.'
      : `${collected} of the drawn prompts and ${trained} of the examples were held-out problems (${exact} exact, ${near} near) and were dropped.`;
  return card('gates', 'Gates', "over all of the model's judged samples of unlabeled prompts", [
    rows.length === 0
      ? note('Nothing has been judged yet.')
      : table(
          'Gates',
          [
            { title: 'gate' },
            ...['pass', 'fail', 'unscored'].map((title) => ({ title, number: true })),
            { title: 'passed, failed' },
            { title: 'passed', number: true },
            { title: '' },
          ],
          rows,
        ),
    criticSentences(report).map((line) => note(said(line, 1_000))),
    note(html`Unscored is never a pass. Leaks: ${leaks}`),
  ]);
}

export function probes({ iterations }: Report): unknown {
  const audits = iterations.flatMap(({ iteration, audit }) => (audit ? [{ iteration, ...audit }] : []));
  if (audits.length === 0)
    return card(
      'probes',
      'Planted bad samples',
      '',
      note('None were planted, so the gates themselves were not tested.'),
    );
  const kinds = audits.flatMap((one) => one.kinds);
  const names = [...new Set(kinds.flatMap((kind) => kind.gates.map((one) => one.gate)))];
  const rows = [...Map.groupBy(kinds, (one) => one.kind)].map(([kind, own]) => {
    const { planted, caught } = totalsOf(own);
    const byGate = auditByGate(own);
    return [
      kind,
      `${caught} of ${planted}`,
      percent(planted === 0 ? null : caught / planted),
      ...names.map((name) => byGate.find((one) => one.gate === name)?.fail ?? '–'),
    ];
  });
  const under = audits.filter(({ outcome }) => outcome === 'failed' || outcome === 'advised');
  return card('probes', 'Planted bad samples', 'caught: it would not have become an example', [
    table(
      'Planted bad samples',
      [
        { title: 'kind' },
        { title: 'caught', number: true },
        { title: '', number: true },
        ...names.map((name) => ({ title: `by ${name}`, number: true })),
      ],
      rows,
    ),
    under.map(({ iteration, caught, planted, minCatchRate, outcome }) =>
      note(
        html`<strong class="problem">Iteration ${iteration}:</strong> ${caught} of ${planted} caught,
          ${percent(minCatchRate)} are asked for;
          ${outcome === 'failed' ? 'none of its examples is used' : 'the test only advises'}.`,
      ),
    ),
    under.length > 0 ? note(whatIsNeeded(addedUp(kinds)) ?? '') : '',
  ]);
}

/** Right of all calibration votes, by how many samples stood behind them. */
function precisionRows(measured: CalibrationReport[]): unknown[][] {
  const samples = measured.at(-1)!.samples;
  const cells = measured.filter((one) => one.samples === samples).flatMap((one) => one.byVotes);
  return [...Map.groupBy(cells, (cell) => cell.votes)]
    .sort(([a], [b]) => b - a)
    .map(([votes, same]) => {
      const sum = (of: 'right' | 'total') => same.reduce((total, cell) => total + cell[of], 0);
      const rate = sum('total') === 0 ? 0 : sum('right') / sum('total');
      return [
        `${votes} of ${samples}`,
        `${sum('right')} of ${sum('total')}`,
        bar([{ share: rate, tone: 'accent' }], percent(rate)),
        percent(rate),
      ];
    });
}

export function trust(report: Report): Html {
  const { iterations, review, totals } = report;
  const measured = iterations.flatMap((one) => one.calibration ?? []);
  const newest = measured.at(-1);
  const shared = iterations.reduce((sum, one) => sum + one.votes.sharedMistakes, 0);
  const noAnswer = iterations.reduce((sum, one) => sum + one.votes.noAnswer, 0);
  const known = iterations.reduce((sum, one) => sum + (one.pseudoLabels?.total ?? 0), 0);
  const reviewed = review
    ? note(
        html`<strong>Human review.</strong> ${review.items} put to reviewers: ${review.accepted} accepted,
          ${review.rejected} rejected, ${review.corrected} corrected, ${review.waiting}
          waiting.${
            review.precision
              ? ` Precision of the pseudo-labels by random audit: ${percent(review.precision.rate)} of ${review.precision.total} (95 % Wilson ${percent(review.precision.low)} to ${percent(review.precision.high)}).`
              : ''
          }`,
      )
    : '';
  const truth =
    totals.pseudoLabelPrecision === null
      ? ''
      : note(
          html`<strong>Accepted pseudo-labels:</strong> ${percent(totals.pseudoLabelPrecision)} of ${known}
            were right. This is computed for the report alone; the loop never saw it.`,
        );
  return card('votes', 'How right votes are', '', [
    truth,
    newest
      ? [
          table(
            'Precision by votes',
            [
              { title: 'votes for ŷ' },
              { title: 'right', number: true },
              { title: 'precision on calibration problems' },
              { title: '', number: true },
            ],
            precisionRows(measured),
          ),
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
    reviewed,
  ]);
}

export function drift({ iterations }: Report): unknown {
  const rows = iterations.flatMap((one) =>
    one.drift.map((measured) => ({ iteration: one.iteration, ...measured })),
  );
  if (rows.length === 0) return '';
  const alarms = rows.flatMap(({ iteration, alarms: own }) =>
    own.map(({ reason }) => ({ iteration, reason })),
  );
  return card('drift', 'Drift', alarms.length === 0 ? 'no alarm' : `${alarms.length} alarms`, [
    table(
      'Drift',
      [
        { title: '#', number: true },
        { title: 'of' },
        ...['texts', 'tokens', 'pairs', 'bits', 'compressed', 'one answer', 'unread', 'distance'].map(
          (title) => ({
            title,
            number: true,
          }),
        ),
        { title: '' },
      ],
      rows.map((row) => [
        row.iteration,
        row.source,
        row.texts,
        row.tokens.toFixed(0),
        row.distinct2.toFixed(2),
        row.templateEntropy.toFixed(2),
        row.compression.toFixed(2),
        percent(row.topAnswer, 0),
        percent(row.unreadable, 0),
        row.distance?.toFixed(3) ?? '–',
        row.alarms.length > 0 ? html`<strong class="problem">alarm</strong>` : '',
      ]),
    ),
    alarms.map(({ iteration, reason }) =>
      note(html`<strong class="problem">Iteration ${iteration}:</strong> ${said(reason)}`),
    ),
    note(
      'Accepted: what the gates let through. Fixed: answers of the generating checkpoint to the same prompts. Pairs: share of distinct pairs of words. ' +
        'Bits: entropy of step templates. Distance: Jensen–Shannon divergence of the words from the reference iteration.',
    ),
  ]);
}
