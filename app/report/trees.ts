/** The trees of parts of a run (LADDER), iteration by iteration, and what became of the parts that a model proposed. */
import { treeCounts, proposalsOf } from '../../db/queries/ladder.ts';
import type { Db } from '../../db/connect.ts';
import { readProposal } from '../../engine/ladder/proposals.ts';

export type TreeRow = {
  iteration: number;
  /** Prompts that were split, of these those whose whole solution holds. */
  trees: number;
  solved: number;
  parts: number;
  /** Asked of a model, for all parts. */
  samples: number;
  /** Null where the task says what the parts are. */
  proposed: { proposals: number; usable: number; questions: number; dropped: number } | null;
};

/** Null for a run without trees. */
export async function treeReport(db: Db, runId: string): Promise<TreeRow[] | null> {
  const counts = await treeCounts(db, runId);
  if (counts.length === 0) return null;
  const proposals = Map.groupBy(await proposalsOf(db, runId), ({ iteration }) => iteration);
  return counts.map((row) => ({ ...row, proposed: countProposed(proposals.get(row.iteration)) }));
}

function countProposed(proposals: { answer: string | null }[] | undefined): TreeRow['proposed'] {
  if (!proposals) return null;
  const read = proposals.flatMap(({ answer }) => (answer === null ? [] : readProposal(answer)));
  return {
    proposals: proposals.length,
    usable: read.filter(({ questions }) => questions.length > 0).length,
    questions: read.reduce((sum, { questions }) => sum + questions.length, 0),
    dropped: read.reduce((sum, { dropped }) => sum + dropped.length, 0),
  };
}
