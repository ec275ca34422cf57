/** Verdicts by gate. */
import { Empty, Said, Split } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import type { AuditReport } from '../../app/report/types.ts';
import type { GateRow } from '../../db/queries/browse.ts';
import type { Outcome } from '../../loop/words.ts';
import { percent } from '../../process/text.ts';

type Props = {
  rows: GateRow[];
  audit: AuditReport | null;
  /** Of the iteration, whose samples a count leads to. */
  path: string;
};

export const Gates = ({ rows, audit, path }: Props) => {
  if (rows.length === 0)
    return (
      <Empty>
        {audit?.outcome === 'failed'
          ? 'The verdicts were set aside: gates that let planted samples pass are not believed.'
          : 'No sample has been judged yet.'}
      </Empty>
    );
  const count = (outcome: Outcome) => ({
    title: outcome,
    align: 'right' as const,
    html: (row: GateRow) =>
      row[outcome] === 0 ? (
        <span class="muted">0</span>
      ) : (
        <a href={`${path}?gate=${encodeURIComponent(row.gate)}&outcome=${outcome}#samples`}>
          {row[outcome].toLocaleString('en-US')}
        </a>
      ),
  });
  const share = (of: 'pass' | 'fail', counts: Record<Outcome, number>) =>
    percent(counts[of] / Math.max(1, counts.pass + counts.fail + counts.unscored), 0);
  return (
    <DataTable
      title="Gates"
      class="gates"
      rows={rows}
      columns={[
        {
          title: 'gate',
          head: true,
          html: (row) => (
            <>
              <Said text={row.gate} most={60} />
              {row.advisory ? <span class="muted"> advisory</span> : null}
            </>
          ),
        },
        count('pass'),
        count('fail'),
        count('unscored'),
        { title: 'passed', align: 'right', text: (row) => share('pass', row) },
        {
          // Planted samples that this gate alone would have stopped, of those that it judged.
          title: 'caught',
          align: 'right',
          shown: audit !== null,
          text: (row) => {
            const own = audit?.gates.find((one) => one.gate === row.gate);
            return own ? share('fail', own) : null;
          },
        },
        { title: '', class: 'split-cell', html: (row) => <Split {...row} /> },
      ]}
    />
  );
};
