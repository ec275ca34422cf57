/** All iterations of a run, newest first. */
import { Card, Empty } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import { decisionNumbers } from '../../app/report/scores.ts';
import { iterationTable, type IterationLine } from '../../app/report/tables/iterations.ts';
import type { IterationSummary, RunSummary } from '../data.ts';
import { DecisionChip, iterationPath } from './basics.tsx';

/** As the report has it, from what the stages noted. */
const lineOf = ({ row, funnel, before, candidate, stage, seconds }: IterationSummary): IterationLine => ({
  ...decisionNumbers(row),
  ...candidate,
  iteration: row.index,
  finished: row.finishedAt !== null,
  levels: row.plan.levels ?? null,
  stage,
  prompts: funnel.prompts,
  samples: funnel.samples,
  resampled: funnel.resampled,
  accepted: funnel.judged === 0 ? null : funnel.accepted,
  examples: funnel.examples,
  trainedExamples: funnel.trained,
  tokens: row.numbers?.spend?.tokens ?? null,
  before,
  seconds,
});

export const Iterations = ({ summary: { run, iterations } }: { summary: RunSummary }) => (
  <Card title="Iterations" note="ROI: points of target for a unit of cost">
    {iterations.length === 0 ? (
      <Empty>None has begun.</Empty>
    ) : (
      <DataTable
        {...iterationTable(iterations.toReversed().map(lineOf), {
          open: (index) => (
            <a href={iterationPath(run.id, index)} data-row="">
              {index}
            </a>
          ),
          decision: (kind) => <DecisionChip kind={kind} />,
        })}
      />
    )}
  </Card>
);
