/** The curve of a run: what its best scores after each iteration, what candidates scored, and what the base's majority knew. */
import type { MajorityReport, Score } from '../../app/report/types.ts';
import type { RunSummary } from '../data.ts';
import type { ChartData } from './chart.tsx';

export function scoreChart(summary: RunSummary, majority: MajorityReport | null): ChartData | undefined {
  const { base, iterations, resets } = summary;
  if (!base.target) return undefined;
  const decided = iterations.filter(({ row }) => row.decision !== null);
  const steps = [
    { x: 0, target: base.target as Score | null, guard: base.guard },
    ...decided.map(({ row, best }) => ({ x: row.index, target: best.target, guard: best.guard })),
    // Between two iterations: from there on the checkpoint that it goes back to is the one to beat.
    ...resets.map(({ fromIteration, scores }) => ({ x: fromIteration - 0.5, ...scores })),
  ].toSorted((one, other) => one.x - other.x);
  const xs = steps.map(({ x }) => x);
  const target = steps.map((one) => one.target);
  const guard = steps.map((one) => one.guard);
  const of = (scores: (Score | null)[], field: 'rate' | 'low' | 'high') =>
    scores.map((one) => one?.[field] ?? null);
  const guarded = guard.some((one) => one !== null);
  const hidden = (label: string) => ({ label, colour: 'muted', hidden: true });
  const series = [
    { label: 'target', colour: 'accent', points: xs.length === 1 },
    hidden('target, high'),
    hidden('target, low'),
    ...(guarded
      ? [
          { label: 'guard', colour: 'guard', points: xs.length === 1 },
          hidden('guard, high'),
          hidden('guard, low'),
        ]
      : []),
    ...(majority ? [{ label: `base, maj@${majority.samples}`, colour: 'majority', dash: true }] : []),
  ];
  const data = [
    xs,
    of(target, 'rate'),
    of(target, 'high'),
    of(target, 'low'),
    ...(guarded ? [of(guard, 'rate'), of(guard, 'high'), of(guard, 'low')] : []),
    ...(majority ? [xs.map(() => majority.score.rate)] : []),
  ];
  const marks: NonNullable<ChartData['marks']> = decided.flatMap(({ row, candidate }) =>
    candidate.target === null
      ? []
      : [
          {
            kind: row.decision === 'promote' ? ('promote' as const) : ('discard' as const),
            x: row.index,
            y: candidate.target.rate,
          },
        ],
  );
  const last = Math.max(1, Math.ceil(xs.at(-1)!));
  for (const reset of resets) marks.push({ kind: 'reset', x: reset.fromIteration - 0.5, text: 'reset' });
  return {
    title: 'Held-out accuracy by iteration',
    data,
    series,
    bands: [
      { upper: 2, lower: 3, colour: 'accent' },
      ...(guarded ? [{ upper: 5, lower: 6, colour: 'guard' }] : []),
    ],
    marks,
    format: 'percent',
    range: [0, 1.02],
    xRange: [0, last],
  };
}
