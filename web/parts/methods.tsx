/** What the methods of a run beyond votes came to: a teacher, trees of parts, easier variants, debates, self-play. */
import { debateSentences } from '../../app/report/debates.ts';
import { distillationSentences } from '../../app/report/distillation.ts';
import { selfPlaySentences } from '../../app/report/self-play.ts';
import { debateTable, selfPlayTable } from '../../app/report/tables/debates.ts';
import { distillationTable } from '../../app/report/tables/distillation.ts';
import { treeTable } from '../../app/report/tables/trees.ts';
import { variantTable } from '../../app/report/tables/variants.ts';
import type { Report } from '../../app/report/types.ts';
import { variantSentence } from '../../app/report/variants.ts';
import { TableCard } from './table-card.tsx';

export const Methods = ({
  distillation,
  trees,
  variants,
  debates,
  selfPlay,
}: Pick<Report, 'distillation' | 'trees' | 'variants' | 'debates' | 'selfPlay'>) => (
  <>
    <div class="stack" id="distillation" data-live="">
      {distillation === null ? null : (
        <TableCard
          title="Distillation"
          note="the student learns from the teacher's accepted samples"
          table={distillationTable(distillation)}
          sentences={distillationSentences(distillation)}
        />
      )}
    </div>
    <div class="stack" id="trees" data-live="">
      {trees === null ? null : (
        <TableCard
          title="Prompts split into parts"
          note="each part voted on alone; a sample's page has its tree"
          table={treeTable(trees)}
        />
      )}
      {variants === null ? null : (
        <TableCard
          title="Easier variants"
          note="made of prompts without a trusted vote, drawn by later iterations"
          table={variantTable(variants)}
          sentences={[variantSentence(variants)]}
        />
      )}
    </div>
    <div class="stack" id="debates" data-live="">
      {debates === null ? null : (
        <TableCard
          title="Debates"
          note="agents argue about what samples disagree on"
          table={debateTable(debates)}
          sentences={debateSentences(debates)}
        />
      )}
      {selfPlay === null ? null : (
        <TableCard
          title="Self-play"
          note="an adversary looks for bad work that the critics pass"
          table={selfPlayTable(selfPlay)}
          sentences={selfPlaySentences(selfPlay)}
        />
      )}
    </div>
  </>
);
