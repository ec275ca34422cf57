/** What users put right, and what became of it. */
import { DataTable } from '../../app/html/table.ts';
import { correctionSentence, type CorrectionReport } from '../../app/report/corrections.ts';
import { correctionCountTable, correctionTable } from '../../app/report/tables/corrections.ts';
import { TableCard } from './table-card.tsx';

export const Corrections = ({ found }: { found: CorrectionReport }) => (
  <TableCard
    title="Corrections"
    note="what users put right, and what became of it"
    table={correctionCountTable(found)}
    sentences={[correctionSentence(found)]}
  >
    <details>
      <summary>Each of them</summary>
      <DataTable {...correctionTable(found)} />
    </details>
  </TableCard>
);
