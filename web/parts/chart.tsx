/** A figure that client/charts.js draws, with its numbers as a table for those who cannot see it. */

import { DataTable } from '../../app/html/table.ts';

export type ChartData = {
  title: string;
  /** x, then one list per series. */
  data: (number | null)[][];
  series: { label: string; colour: string; dash?: boolean; points?: boolean; hidden?: boolean }[];
  bands?: { upper: number; lower: number; colour: string }[];
  marks?: { kind: 'promote' | 'discard' | 'reset'; x: number; y?: number; text?: string }[];
  format?: 'percent' | 'number';
  range?: [number, number];
  xRange?: [number, number];
};

const shown = (value: number | null | undefined, percent: boolean) =>
  value === null || value === undefined
    ? '–'
    : percent
      ? `${(100 * value).toFixed(1)} %`
      : String(Number(value.toFixed(3)));

/** @param id of the part of the page that holds its table, unique on the page */
export const Chart = ({ chart, id, small = false }: { chart: ChartData; id: string; small?: boolean }) => {
  const columns = chart.series.map((one, i) => ({ ...one, i })).filter((one) => !one.hidden);
  return (
    <figure class={small ? 'chart small' : 'chart'} data-chart={JSON.stringify(chart)}>
      <div class="legend">
        {columns.map((one) => (
          <span class={`key ${one.colour}${one.dash ? ' dash' : ''}`}>{one.label}</span>
        ))}
        {chart.marks?.some((mark) => mark.kind === 'promote') ? <span class="key dot">promoted</span> : null}
        {chart.marks?.some((mark) => mark.kind === 'discard') ? (
          <span class="key ring">discarded</span>
        ) : null}
        {chart.marks?.some((mark) => mark.kind === 'reset') ? <span class="key warn dash">reset</span> : null}
        <span class="readout" aria-hidden="true"></span>
      </div>
      <div class="plot" role="img" aria-label={`${chart.title}; its numbers follow as a table`}></div>
      <details id={id}>
        <summary>Numbers</summary>
        <DataTable
          title={`${chart.title}, numbers`}
          rows={chart.data[0]!.map((x, row) => ({ x, row }))}
          columns={[
            { title: 'iteration', text: ({ x }) => (Number.isInteger(x) ? x : 'reset') },
            ...columns.map(({ label, i }) => ({
              title: label,
              align: 'right' as const,
              text: ({ row }: { x: number | null; row: number }) =>
                shown(chart.data[i + 1]![row], chart.format === 'percent'),
            })),
          ]}
        />
      </details>
    </figure>
  );
};
