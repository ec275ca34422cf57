/** Verdicts by gate. */
import { percent } from '../../cli/text.ts';
import type { AuditReport } from '../../cli/report-types.ts';
import type { GateRow } from '../../db/browse.ts';
import { Empty } from './basics.tsx';
import { Said } from './text.tsx';

const Split = ({ pass, fail, unscored }: GateRow) => {
  const total = Math.max(1, pass + fail + unscored);
  const [a, b, c] = [pass, fail, unscored].map((count) => (100 * count) / total) as [number, number, number];
  return (
    <svg class="split" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="pass" width={a.toFixed(2)} height="8" />
      <rect class="fail" x={a.toFixed(2)} width={b.toFixed(2)} height="8" />
      <rect class="unscored" x={(a + b).toFixed(2)} width={c.toFixed(2)} height="8" />
    </svg>
  );
};

/** @param path of the iteration, whose samples a count leads to */
export const Gates = ({
  rows,
  audit,
  path,
}: {
  rows: GateRow[];
  audit: AuditReport | null;
  path: string;
}) => {
  if (rows.length === 0)
    return (
      <Empty>
        {audit?.outcome === 'failed'
          ? 'The verdicts were set aside: gates that let planted samples pass are not believed.'
          : 'No sample has been judged yet.'}
      </Empty>
    );
  const cell = (row: GateRow, outcome: 'pass' | 'fail' | 'unscored') =>
    row[outcome] === 0 ? (
      <span class="muted">0</span>
    ) : (
      <a href={`${path}?gate=${encodeURIComponent(row.gate)}&outcome=${outcome}#samples`}>
        {row[outcome].toLocaleString('en-US')}
      </a>
    );
  /** Planted samples that this gate alone would have stopped, of those that it judged. */
  const caught = (gate: string) => {
    const found = audit?.gates.find((one) => one.gate === gate);
    if (!found) return '–';
    return percent(found.fail / Math.max(1, found.pass + found.fail + found.unscored), 0);
  };
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Gates">
      <table class="gates">
        <thead>
          <tr>
            <th scope="col">gate</th>
            <th scope="col" class="number">
              pass
            </th>
            <th scope="col" class="number">
              fail
            </th>
            <th scope="col" class="number">
              unscored
            </th>
            <th scope="col" class="number">
              passed
            </th>
            {audit ? (
              <th scope="col" class="number">
                caught
              </th>
            ) : null}
            <th scope="col">
              <span class="sr">shares</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              <th scope="row">
                <Said text={row.gate} most={60} />
                {row.advisory ? <span class="muted"> advisory</span> : null}
              </th>
              <td class="number">{cell(row, 'pass')}</td>
              <td class="number">{cell(row, 'fail')}</td>
              <td class="number">{cell(row, 'unscored')}</td>
              <td class="number">{percent(row.pass / Math.max(1, row.pass + row.fail + row.unscored), 0)}</td>
              {audit ? <td class="number">{caught(row.gate)}</td> : null}
              <td class="split-cell">
                <Split {...row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};
