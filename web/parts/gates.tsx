/** Verdicts by gate. */
import { percent } from '../../cli/text.ts';
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
export const Gates = ({ rows, path }: { rows: GateRow[]; path: string }) => {
  if (rows.length === 0) return <Empty>No sample has been judged yet.</Empty>;
  const cell = (row: GateRow, outcome: 'pass' | 'fail' | 'unscored') =>
    row[outcome] === 0 ? (
      <span class="muted">0</span>
    ) : (
      <a href={`${path}?gate=${encodeURIComponent(row.gate)}&outcome=${outcome}#samples`}>
        {row[outcome].toLocaleString('en-US')}
      </a>
    );
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
