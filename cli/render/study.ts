/** A study on a terminal: one line for each experiment, then what it came to. */
import type { Colors } from './table.ts';
import type { ReportedExperiment, StudyReport } from '../../app/discovery/report.ts';
import { filledIn, number, settingsText } from '../../app/discovery/words.ts';
import { percent, plain, pValueText, table } from '../../process/text.ts';

/** What came of one experiment. */
export function experimentLine(one: ReportedExperiment, c: Colors): string {
  const came =
    one.failed === null
      ? `${number(one.measured!)} ± ${number(one.sigma!)}`
      : c.red(`failed: ${plain(one.failed).slice(0, 60)}`);
  const [leader] = one.leaders ?? [];
  const left = leader
    ? `${one.alive} left, ${percent(leader.weight, 0)} ${plain(leader.hypothesis)}`
    : one.alive === 0
      ? 'none left'
      : '';
  const expected = one.expected === null ? one.why : `expected ${one.expected.toFixed(2)} nats`;
  return `${String(one.number).padStart(3)}  ${settingsText(one.settings)}  →  ${came}  ${c.dim(`${expected}. ${left}`)}`;
}

/** @param told the experiments were shown as they were made */
export function renderStudy(report: StudyReport, c: Colors, told: boolean): string {
  const { experiments, claims, followUps } = report;
  const refuted = experiments.reduce((sum, one) => sum + one.refuted.count, 0);
  return [
    ...(told
      ? []
      : experiments
          .filter((one) => one.measured !== null || one.failed !== null)
          .map((one) => experimentLine(one, c))),
    '',
    c.bold(
      `${plain(report.name)}: ${experiments.length} experiments, ${refuted} of ${report.hypotheses} hypotheses refuted`,
    ),
    ...(report.ending ? [`It ended because ${plain(report.ending)}.`] : ['It is under way.']),
    ...claims.slice(0, 1).flatMap((claim) => claimLines(report, c, claim)),
    ...rivalLines(report),
    ...truthLines(report, c),
    ...(followUps.length === 0
      ? []
      : [
          '',
          c.bold('Worth doing next'),
          ...table(
            [{ title: 'nats', align: 'right' }, { title: 'experiment' }, { title: 'what for' }],
            followUps.map((one) => [
              one.information.toFixed(2),
              settingsText(
                Object.fromEntries(report.quantities.map(({ name }, i) => [name, one.settings[i]!])),
              ),
              plain(one.what),
            ]),
            '  ',
          ),
        ]),
  ].join('\n');
}

function claimLines(report: StudyReport, c: Colors, claim: StudyReport['claims'][number]): string[] {
  const measured = plain(report.measures.name);
  return [
    '',
    `${c.bold('Claim')}  ${measured} = ${plain(filledIn(claim.hypothesis, claim.parameters))}  (${percent(claim.weight)})`,
    `  ${plain(claim.hypothesis)} with ${claim.parameters.map(({ name, value, error }) => `${name} = ${number(value)} ± ${number(error)}`).join(', ')}`,
    `  χ² = ${number(claim.chiSquare)} with ${claim.freedom} degrees of freedom, p = ${pValueText(claim.p)}`,
    claim.survived.length > 0
      ? `  Could have been refuted by, and was not: experiments ${claim.survived.join(', ')}`
      : '  No experiment could have refuted it alone: no rival foretold anything else.',
  ];
}

function rivalLines({ claims }: StudyReport): string[] {
  if (claims.length < 2) return [];
  const rows = claims
    .slice(1)
    .map((one) => [
      percent(one.weight),
      plain(filledIn(one.hypothesis, one.parameters)),
      one.survived.join(', '),
    ]);
  return [
    '',
    ...table(
      [{ title: 'Not refuted either', align: 'right' }, { title: '' }, { title: 'survived' }],
      rows,
      '  ',
    ),
  ];
}

function truthLines({ truth }: StudyReport, c: Colors): string[] {
  if (!truth) return [];
  const { claim } = truth;
  const said =
    claim === null
      ? c.red('nothing was claimed')
      : claim.exact
        ? c.green('✓ exact')
        : claim.structure
          ? c.yellow(`the structure, but a parameter is off by ${percent(claim.worstParameter)}`)
          : c.red('another structure');
  const error = claim ? `; ${percent(claim.predictionError, 2)} off at settings that were held out` : '';
  const parameters = truth.parameters.map((value, i) => ({ name: `k${i + 1}`, value }));
  return ['', `${c.bold('True law')}  ${filledIn(truth.law, parameters)}: ${said}${error}`];
}
