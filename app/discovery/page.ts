/** A study as one HTML page that needs nothing else: what is claimed, what could have refuted it, every experiment, and plots. */
import { html } from 'hono/html';
import { writeWhole } from '../../process/write-whole.ts';
import { percent, pValueText } from '../../process/text.ts';
import { Card, Chip, Figure, Said, type Html } from '../html/parts.ts';
import { DataTable } from '../html/table.ts';
import { standalonePage } from '../report/html/standalone.ts';
import { filledIn, number, settingsText } from './words.ts';
import { plot, ticks } from './plots.ts';
import type { ReportedExperiment, StudyReport } from './report.ts';

/** Writes the page whole or not at all, over a file that is there. @returns where it lies, absolute */
export async function writeStudyPage(report: StudyReport, file: string): Promise<string> {
  return writeWhole(file, await studyPage(report));
}

export const studyPage = (report: StudyReport): Promise<string> =>
  standalonePage({
    title: `${report.study} · Ratchet study`,
    generator: 'ratchet study --html',
    body: html`
      <h1>${Said({ text: report.name })}</h1>
      ${studyParts(report)}
      <footer>
        Written by <code>ratchet study</code>. The same numbers as data: <code>ratchet study --json</code>.
      </footer>
    `,
  });

/** All that is shown of a study, on the report's page and on the web page. */
export const studyParts = (report: StudyReport): Html =>
  html`<div class="stack">
    ${figures(report)} ${claimCard(report)} ${weights(report)} ${foretold(report)} ${experimentsTable(report)}
    ${refuted(report)} ${next(report)}
  </div>`;

function figures({ experiments, hypotheses, status, settings, claims, truth }: StudyReport): Html {
  const count = experiments.reduce((sum, one) => sum + one.refuted.count, 0);
  return html`<dl class="figures">
    ${Figure({ label: 'status', children: status })}
    ${Figure({ label: 'experiments', children: `${experiments.length} of ${settings.budget}`, note: settings.policy })}
    ${Figure({ label: 'hypotheses refuted', children: `${count} of ${hypotheses}` })}
    ${claims[0] ? Figure({ label: 'weight of the claim', children: percent(claims[0].weight) }) : ''}
    ${truth?.claim ? Figure({ label: 'true law', children: truth.claim.exact ? 'found' : 'not found' }) : ''}
  </dl>`;
}

function claimCard(report: StudyReport): Html {
  const { claims, truth, ending, measures } = report;
  const [first] = claims;
  const law = (hypothesis: string, parameters: { name: string; value: number }[]) =>
    Said({ text: `${measures.name} = ${filledIn(hypothesis, parameters)}` });
  return Card({
    title: 'Claim',
    note: ending ?? undefined,
    children: html`${
      first
        ? html`<p><strong>${law(first.hypothesis, first.parameters)}</strong></p>
            <p>
              ${first.parameters.map(({ name, value, error }) => `${name} = ${number(value)} ± ${number(error)}`).join(', ')};
              χ² ${number(first.chiSquare)} with ${first.freedom} degrees of freedom, p
              ${pValueText(first.p)}.
            </p>`
        : html`<p>${report.status === 'running' ? 'Under way.' : 'None.'}</p>`
    }
    ${
      truth
        ? html`<p>
            True:
            ${Said({
              text: filledIn(
                truth.law,
                truth.parameters.map((value, i) => ({ name: `k${i + 1}`, value })),
              ),
            })}
          </p>`
        : ''
    }
    ${
      claims.length === 0
        ? ''
        : DataTable({
            title: 'Claims',
            rows: claims,
            columns: [
              { title: 'hypothesis', html: (one) => law(one.hypothesis, one.parameters) },
              { title: 'weight', align: 'right', text: (one) => percent(one.weight) },
              {
                title: 'could have been refuted by experiments',
                text: (one) => one.survived.join(', ') || 'none',
              },
            ],
          })
    }`,
  });
}

const LINES = ['first', 'second', 'third'];

/** How likely the claims were after each experiment. */
function weights({ experiments, claims }: StudyReport): Html | string {
  const known = experiments.filter((one) => one.leaders !== null);
  if (known.length < 2) return '';
  const names =
    claims.length > 0
      ? claims.map((one) => one.hypothesis)
      : known.at(-1)!.leaders!.map((one) => one.hypothesis);
  const shown = names.slice(0, LINES.length);
  const of = (one: ReportedExperiment, name: string) =>
    one.leaders!.find(({ hypothesis }) => hypothesis === name)?.weight ?? 0;
  return Card({
    title: 'Weights',
    note: 'of the claims, after each experiment',
    children: html`${plot({
        words: `Weight of ${shown.length} hypotheses after each experiment; ${shown[0]} ends at ${percent(of(known.at(-1)!, shown[0]!))}`,
        xTitle: 'experiment',
        x: [known[0]!.number, known.at(-1)!.number],
        y: [0, 1],
        xTicks: ticks(known[0]!.number, known.at(-1)!.number).filter(({ at }) => Number.isInteger(at)),
        yTicks: [0, 0.5, 1].map((at) => ({ at, text: `${100 * at} %` })),
        lines: shown.map((name, i) => ({
          kind: LINES[i]!,
          points: known.map((one) => [one.number, of(one, name)] as const),
        })),
      })}
      <ul class="study-plot-key">
        ${shown.map((name, i) => html`<li class="${LINES[i]}">${Said({ text: name })}</li>`)}
      </ul>`,
  });
}

/** What was measured over what the leader of that time had foretold. */
function foretold({ experiments, measures }: StudyReport): Html | string {
  const dots = experiments.flatMap((one) => {
    const leader = one.foretold.find(
      ({ hypothesis }) => hypothesis === leaderBefore(experiments, one.number),
    );
    if (!leader || one.measured === null) return [];
    const off = Math.abs(one.measured - leader.predicted) / leader.spread;
    return [
      {
        x: leader.predicted,
        y: one.measured,
        low: one.measured - leader.spread,
        high: one.measured + leader.spread,
        kind: off < 3 ? 'first' : 'second',
        title: `experiment ${one.number}: foretold ${number(leader.predicted)} ± ${number(leader.spread)}, measured ${number(one.measured)}`,
      },
    ];
  });
  if (dots.length < 2) return '';
  const values = dots.flatMap(({ x, y }) => [x, y]);
  const range = [Math.min(...values), Math.max(...values)] as const;
  return Card({
    title: 'Foretold and measured',
    note: `${measures.name}: what the likeliest law foretold of each experiment, written down before it was made, and what came`,
    children: html`${plot({
        words: `${dots.length} experiments: measured over foretold; ${dots.filter(({ kind }) => kind === 'first').length} within three standard deviations`,
        xTitle: 'foretold',
        x: range,
        y: range,
        xTicks: ticks(...range),
        yTicks: ticks(...range),
        lines: [
          {
            kind: 'even',
            points: [
              [range[0], range[0]],
              [range[1], range[1]],
            ],
          },
        ],
        dots,
      })}
      <ul class="study-plot-key">
        <li class="first">as foretold, within three standard deviations</li>
        <li class="second">not as foretold</li>
      </ul>`,
  });
}

const leaderBefore = (experiments: readonly ReportedExperiment[], at: number): string | undefined =>
  experiments.findLast((one) => one.number < at && one.leaders !== null)?.leaders?.[0]?.hypothesis;

function experimentsTable({ experiments, quantities, measures }: StudyReport): Html {
  const unit = (of: { name: string; unit?: string }) => (of.unit ? `${of.name} (${of.unit})` : of.name);
  return Card({
    title: 'Experiments',
    children: DataTable({
      title: 'Experiments',
      rows: experiments,
      columns: [
        { title: '', head: true, text: (one) => one.number },
        ...quantities.map((quantity) => ({
          title: unit(quantity),
          align: 'right' as const,
          text: (one: ReportedExperiment) => number(one.settings[quantity.name]!),
        })),
        {
          title: unit(measures),
          align: 'right',
          html: (one) =>
            one.failed === null
              ? html`${one.measured === null ? 'under way' : `${number(one.measured)} ± ${number(one.sigma!)}`}`
              : html`${Chip({ tone: 'bad', children: 'failed' })} ${Said({ text: one.failed, most: 120 })}`,
        },
        { title: 'chosen', text: (one) => one.why },
        { title: 'expected nats', align: 'right', text: (one) => one.expected?.toFixed(2) ?? '–' },
        { title: 'told nats', align: 'right', text: (one) => one.told?.toFixed(2) ?? '–' },
        { title: 'left', align: 'right', text: (one) => one.alive ?? '–' },
        { title: 'could refute', text: (one) => one.foretold.filter(({ risked }) => risked).length || '–' },
      ],
    }),
  });
}

function refuted({ experiments }: StudyReport): Html | string {
  const rows = experiments.flatMap((one) =>
    one.refuted.examples.map((example) => ({ ...example, by: one.number, count: one.refuted.count })),
  );
  if (rows.length === 0) return '';
  return Card({
    title: 'Refuted',
    note: 'of each experiment’s refutations the simplest five; no parameters reconcile these with the experiments up to that one',
    children: DataTable({
      title: 'Refuted hypotheses',
      rows,
      columns: [
        { title: 'with experiment', align: 'right', text: ({ by, count }) => `${by} (${count} in all)` },
        { title: 'hypothesis', html: ({ hypothesis }) => Said({ text: hypothesis }) },
        {
          title: 'χ²',
          align: 'right',
          text: ({ chiSquare }) => (chiSquare < 1e15 ? number(chiSquare) : 'no value'),
        },
        { title: 'freedom', align: 'right', text: ({ freedom }) => freedom },
        { title: 'p', align: 'right', text: ({ p }) => pValueText(p) },
      ],
    }),
  });
}

function next({ followUps, quantities }: StudyReport): Html | string {
  if (followUps.length === 0) return '';
  return Card({
    title: 'Worth doing next',
    children: DataTable({
      title: 'Follow-up studies',
      rows: followUps,
      columns: [
        { title: 'expected nats', align: 'right', text: ({ information }) => information.toFixed(2) },
        {
          title: 'experiment',
          text: ({ settings }) =>
            settingsText(Object.fromEntries(quantities.map(({ name }, i) => [name, settings[i]!]))),
        },
        { title: 'what for', html: ({ what }) => Said({ text: what }) },
      ],
    }),
  });
}
