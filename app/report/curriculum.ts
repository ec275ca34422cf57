/** The curriculum of targets of a run, as its report has it: what each stage ended with, on every benchmark. */
import type { AdjustmentRow } from '../../db/queries/adjustments.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { roleIn, stageOf, targetsOf, type TargetStage } from '../../loop/targets.ts';
import type { BenchmarkRole } from '../../loop/words.ts';
import { sumScores } from './scores.ts';
import type { CurriculumReport, CurriculumScore } from './types.ts';

/** Right answers of a checkpoint to a benchmark, or to a group of its problems. */
type Measured = {
  checkpointId: number;
  benchmark: string;
  role: BenchmarkRole;
  correct: number;
  total: number;
};

/**
 * Null for a run without a curriculum, or one that has not begun its first stage.
 *
 * @param measured of the run's checkpoints on its benchmarks
 * @param ends the checkpoint where the run started, its best now, and its last iteration where it has ended
 */
export function curriculumReport(
  settings: ImproveSettings,
  adjustments: readonly AdjustmentRow[],
  measured: readonly Measured[],
  ends: { baseId: number; bestId: number; last: number | null },
): CurriculumReport | null {
  const begun = adjustments.filter(({ kind }) => kind === 'stage');
  if (begun.length === 0) return null;
  const targets = targetsOf(settings);
  const names = [...new Set(measured.map(({ benchmark }) => benchmark))];
  const place = (name: string) => targets.findIndex(({ target }) => target === name) >>> 0;
  const benchmarks = names.toSorted((a, b) => place(a) - place(b) || a.localeCompare(b, 'en'));
  const of = (checkpointId: number, stage?: TargetStage): CurriculumScore[] => {
    return benchmarks.map((benchmark) => {
      const own = measured.filter((one) => one.benchmark === benchmark);
      return {
        benchmark,
        role: stage ? roleIn(stage, { name: benchmark, role: own[0]!.role }) : own[0]!.role,
        score: sumScores(own.filter((one) => one.checkpointId === checkpointId)),
      };
    });
  };
  return {
    base: of(ends.baseId),
    stages: begun.map((one, i) => {
      // Two may begin with one iteration, where a target was reached as it was.
      const stage = stageOf(settings, begun.slice(0, i + 1), one.fromIteration)!;
      const { number, target, reach, since, iterations } = stage;
      const next = begun[i + 1];
      const checkpoint = next?.checkpointId ?? ends.bestId;
      return {
        stage: number,
        target,
        reach: reach ?? null,
        alpha: targets[number - 1]!.alpha,
        from: since,
        until: next ? next.fromIteration - 1 : ends.last,
        iterations,
        checkpoint,
        scores: of(checkpoint, stage),
      };
    }),
    planned: targets.length,
  };
}
