/** The stages of a run's curriculum of targets by benchmark; nothing for a run without one. */
import { Card } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import { curriculumNote, curriculumTable } from '../../app/report/tables/curriculum.ts';
import type { CurriculumReport } from '../../app/report/types.ts';

export const Curriculum = ({ curriculum }: { curriculum: CurriculumReport | null }) =>
  curriculum && (
    <Card
      title="Curriculum of targets"
      note={`stage by benchmark; ${curriculum.stages.length} of ${curriculum.planned} stages begun`}
    >
      <DataTable {...curriculumTable(curriculum)} />
      <p class="muted">{curriculumNote('Bold')}</p>
    </Card>
  );
