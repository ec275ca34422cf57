/** Scores with their intervals, added up by role. */
import type { BenchmarkRole, ScoreRow } from '../db/report.ts';
import { wilson } from '../loop/interval.ts';
import type { RoleScores, Score } from './report-types.ts';

export function score(correct: number, total: number): Score {
  const { low, high } = wilson(correct, total);
  return { correct, total, rate: total === 0 ? 0 : correct / total, low, high };
}

export function sumScores(rows: ScoreRow[]): Score | null {
  const total = rows.reduce((sum, row) => sum + row.total, 0);
  if (total === 0) return null;
  return score(
    rows.reduce((sum, row) => sum + row.correct, 0),
    total,
  );
}

/** A checkpoint's scores by role; several benchmarks of one role are added up. */
export function roleScores(rows: ScoreRow[], checkpointId: number | null): RoleScores {
  const own = rows.filter((row) => row.checkpointId === checkpointId);
  const of = (role: BenchmarkRole) => sumScores(own.filter((row) => row.role === role));
  return { target: of('target'), guard: of('guard'), final: of('final') };
}
