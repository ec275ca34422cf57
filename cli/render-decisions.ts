/** Why each iteration was decided as it was, in the report's own words and numbers. */
import type pc from 'picocolors';
import type { IterationReport, Report } from './report-types.ts';
import { plain, wrap } from './text.ts';

type Colors = ReturnType<typeof pc.createColors>;

const COLUMNS = 100;
/** A long run's earlier reasons are in `report --json`. */
const SHOWN = 12;

const decisionWords = {
  promote: 'promoted',
  discard: 'discarded',
  'nothing-to-train': 'no data',
  skip: 'skipped',
} as const;

export function decisionWord(iteration: IterationReport): string {
  return iteration.decision
    ? decisionWords[iteration.decision]
    : iteration.finished
      ? 'skipped'
      : 'unfinished';
}

export function decisionReasons({ iterations }: Report, c: Colors): string[] {
  const decided = iterations.filter(({ reason }) => reason !== null);
  if (decided.length === 0) return [];
  const newest = decided.slice(-SHOWN);
  const earlier = decided.length - newest.length;
  return [
    c.bold('Why'),
    ...(earlier > 0 ? [c.dim(`  ${earlier} earlier ones: report --json`)] : []),
    ...newest.flatMap((one) => {
      const [first = '', ...rest] = wrap(`${decisionWord(one)}: ${plain(one.reason!)}`, COLUMNS - 8, '');
      return [`  ${String(one.iteration).padStart(4)}  ${first}`, ...rest.map((line) => `        ${line}`)];
    }),
    '',
  ];
}
