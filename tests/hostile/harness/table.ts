/** What the suite found, as Markdown, for the terminal and for docs/measurements/faults.md. */
import { duration } from '../../../process/text.ts';
import { table } from '../../chaos/harness/table.ts';
import type { Outcome } from './suite.ts';

export function hostileTable({ runs, knocks, ways, held, broken, seconds }: Outcome, seed: string): string {
  const groups = Map.groupBy(runs, ({ kind }) => kind);
  const counted = (kind: string) => {
    const ends = Map.groupBy(groups.get(kind)!, ({ ended }) => ended);
    return [...ends]
      .map(([end, some]) => `${some.length} ${end}`)
      .toSorted()
      .join(', ');
  };
  const rows = [...groups.keys()]
    .toSorted()
    .map((kind) => [
      kind,
      String(groups.get(kind)!.length),
      counted(kind),
      groups.get(kind)!.some((run) => run.broken.length > 0) ? '✗' : '✓',
    ]);
  const doors = Object.entries(knocks).map(([door, seen]) => [
    door,
    String(Object.values(seen).reduce((sum, n) => sum + n, 0)),
    Object.entries(seen)
      .map(([group, n]) => `${group}: ${n}`)
      .toSorted()
      .join(', '),
  ]);
  return [
    table(['hostile to runs', 'runs', 'ended', 'no bug'], rows),
    table(
      ['spoilt answers', 'times'],
      ways.map(([way, n]) => [way, String(n)]),
    ),
    table(['hostile client at', 'requests', 'answers'], doors),
    `Longest that an event loop was held: ${
      held.length > 0
        ? held
            .map(({ name, longest }) => `${name} ${Math.round(longest)} ms`)
            .slice(0, 4)
            .join(', ')
        : 'under 100 ms'
    }.`,
    `${broken.length === 0 ? 'All properties hold' : `${broken.length} properties broken`}; seed ${seed}, ${duration(seconds)}.`,
    ...broken.map((what) => `✗ ${what}`),
  ].join('\n\n');
}
