/** Why each iteration was decided as it was, in the report's own words and numbers. */
import { decisionWord } from '../../app/report/wording.ts';
import type { Report } from '../../app/report/types.ts';
import { plain, wrap } from '../../process/text.ts';
import { COLUMNS, type Colors } from './table.ts';

/** A long run's earlier reasons are in `report --json`. */
const SHOWN = 12;

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
