/** Scores with their intervals, added up by role, and the numbers of a decision. */
import type { BenchmarkRole } from '../../loop/words.ts';
import type { IterationRow, ScoreRow } from '../../db/queries/report.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { wilson } from '../../loop/interval.ts';
import { stageNamed } from '../../loop/targets.ts';
import type { GuardReport, IterationStage, RoleScores, Score } from './types.ts';

export function score(correct: number, total: number): Score {
  const { low, high } = wilson(correct, total);
  return { correct, total, rate: total === 0 ? 0 : correct / total, low, high };
}

export function sumScores(rows: readonly Pick<ScoreRow, 'correct' | 'total'>[]): Score | null {
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

/** An iteration's stage of the curriculum, and its own target's scores. */
export function stageScores(
  settings: ImproveSettings,
  { plan, checkpointId, candidateId }: Pick<IterationRow, 'plan' | 'checkpointId' | 'candidateId'>,
  rows: readonly { checkpointId: number; benchmark: string; correct: number; total: number }[],
): IterationStage | null {
  if (plan.stage === undefined) return null;
  const { number, target } = stageNamed(settings, plan.stage);
  const of = (id: number | null) =>
    sumScores(rows.filter((row) => row.checkpointId === id && row.benchmark === target));
  return { number, target, before: of(checkpointId), after: of(candidateId) };
}

/** What was decided about an iteration, and by which numbers. */
export const decisionNumbers = ({ decision, reason, numbers }: IterationRow) => ({
  decision,
  reason,
  pValue: numbers?.pValue ?? null,
  look: numbers?.look ?? null,
  guards: (numbers?.guards ?? []).map(({ name, fall, fallAtMost, margin }): GuardReport => {
    return { guard: name, fall, fallAtMost: fallAtMost ?? null, margin };
  }),
  roi: numbers?.roi ?? null,
  cost: numbers?.cost ?? null,
  costUnit: numbers?.unit ?? null,
});
