/** The stages of a run's curriculum of targets by benchmark; nothing for a run without one. */
import { curriculumNote, curriculumTable } from '../../app/report/tables/curriculum.ts';
import type { CurriculumReport } from '../../app/report/types.ts';
import { TableCard } from './table-card.tsx';

export const Curriculum = ({ curriculum }: { curriculum: CurriculumReport | null }) =>
  curriculum && (
    <TableCard
      title="Curriculum of targets"
      note={`stage by benchmark; ${curriculum.stages.length} of ${curriculum.planned} stages begun`}
      table={curriculumTable(curriculum)}
      sentences={[curriculumNote('Bold')]}
    />
  );
