/** How what the model writes changes from iteration to iteration, and where that set off an alarm. */
import { Card, Chip, Empty, Said } from '../../app/html/parts.ts';
import type { DriftRow } from '../../db/queries/drift.ts';
import type { RunSummary } from '../data.ts';
import { Chart, type ChartData } from './chart.tsx';

type Curve = { id: string; title: string; format: 'percent' | 'number'; range?: [number, number] };
type Measured = Curve & { of(row: DriftRow): number | null };

const MEASURES: Measured[] = [
  { id: 'tokens', title: 'tokens of a rationale', format: 'number', of: ({ measures }) => measures.tokens },
  {
    id: 'distance',
    title: 'distance of words from the reference',
    format: 'number',
    range: [0, 1],
    of: ({ measures }) => measures.distance ?? null,
  },
  {
    id: 'top-answer',
    title: 'share of the most frequent answer',
    format: 'percent',
    range: [0, 1.02],
    of: ({ measures }) => measures.topAnswer,
  },
];

/** A source is a line; the first stands out. */
const COLOURS = ['accent', 'guard', 'majority'];

function measured(rows: DriftRow[], { title, format, range, of }: Measured): ChartData | undefined {
  const xs = [...new Set(rows.map((row) => row.index))].toSorted((a, b) => a - b);
  if (xs.length < 2) return undefined;
  const sources = [...new Set(rows.map((row) => row.source))];
  const lines = sources.map((source) =>
    xs.map((x) => {
      const row = rows.find((one) => one.index === x && one.source === source);
      return row ? of(row) : null;
    }),
  );
  if (lines.every((line) => line.every((value) => value === null))) return undefined;
  return {
    title,
    data: [xs, ...lines],
    series: sources.map((source, i) => ({
      label: `${title}, ${source}`,
      colour: COLOURS[i % COLOURS.length]!,
      points: true,
    })),
    format,
    range,
    xRange: [xs[0]!, xs.at(-1)!],
  };
}

/** Mean agreement of the votes, as the decide stage noted it. */
function agreement({ iterations }: RunSummary): ChartData | undefined {
  const rows = iterations.flatMap(({ row, stages }) => {
    const noted = stages.find((stage) => stage.name === 'decide')?.output?.row;
    return noted ? [{ index: row.index, agreement: noted.agreement ?? null }] : [];
  });
  if (rows.length < 2) return undefined;
  return {
    title: 'mean agreement of votes',
    data: [rows.map((row) => row.index), rows.map((row) => row.agreement)],
    series: [{ label: 'mean agreement of votes', colour: 'accent', points: true }],
    format: 'percent',
    range: [0, 1.02],
    xRange: [rows[0]!.index, rows.at(-1)!.index],
  };
}

export const Drift = ({ summary, rows }: { summary: RunSummary; rows: DriftRow[] }) => {
  const charts = [
    { id: 'drift-agreement', chart: agreement(summary) },
    ...MEASURES.map((one) => ({ id: `drift-${one.id}`, chart: measured(rows, one) })),
  ].flatMap(({ id, chart }) => (chart ? [{ id, chart }] : []));
  const alarms = rows.flatMap(({ index, source, alarms: raised }) =>
    raised.map((alarm) => ({ index, source, alarm })),
  );
  return (
    <Card title="Drift" note="votes, and what the model writes" wide="two-thirds">
      {alarms.length > 0 ? (
        <ul class="limits">
          {alarms.slice(-6).map(({ index, source, alarm }) => (
            <li>
              <span>
                <Chip tone="warn">{alarm.measure}</Chip> iteration {index}, {source}:{' '}
                <Said text={alarm.reason} />
              </span>
            </li>
          ))}
        </ul>
      ) : null}
      {charts.length === 0 ? (
        <Empty>Shown from the second iteration on.</Empty>
      ) : (
        <div class="charts">
          {charts.map(({ id, chart }) => (
            <Chart chart={chart} id={id} small />
          ))}
        </div>
      )}
    </Card>
  );
};
