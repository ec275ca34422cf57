/** What a run has mended, and some of what it rejected. */
import { Said } from '../../app/html/parts.ts';
import { fixSentence, type FixReport } from '../../app/report/fixes.ts';
import { fixTable } from '../../app/report/tables/fixes.ts';
import { TableCard } from './table-card.tsx';

/** Fixes that the page lists; the report has all of them. */
const FIXES = 30;

export const Fixes = ({ found }: { found: FixReport }) => (
  <TableCard
    title="Fixes"
    note="what the sandbox made of the answers"
    table={fixTable(found)}
    sentences={[fixSentence(found)]}
  >
    <ul class="limits">
      {found.fixes.slice(0, FIXES).map(({ bug, sample, proof }) => (
        <li>
          <a href={`/samples/${sample}`}>
            <Said text={bug} most={120} />
          </a>
          <span class="muted">
            <Said text={proof} most={200} />
          </span>
        </li>
      ))}
    </ul>
    {found.rejected.length === 0 ? null : (
      <details>
        <summary>Some that were rejected</summary>
        <ul class="limits">
          {found.rejected.map(({ outcome, bug, sample, reason }) => (
            <li>
              <a href={`/samples/${sample}`}>
                {outcome}: <Said text={bug} most={120} />
              </a>
              <span class="muted">
                <Said text={reason} most={200} />
              </span>
            </li>
          ))}
        </ul>
      </details>
    )}
  </TableCard>
);
