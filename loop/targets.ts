/**
 * A curriculum of targets: a run improves one benchmark after the other. Each stage has its own target, its part of alpha, of the
 * iterations and of the budget. A target whose stage is over becomes a guard of all later stages, held against what the best
 * checkpoint had right when its stage ended, so that small falls do not add up from one promotion to the next. Targets of
 * stages to come are measured and decide nothing.
 *
 * That a stage began is stored as an adjustment (`loop/course.ts`) of the kind `stage`, with the checkpoint that was best then.
 */
import { percent } from '../process/text.ts';
import { isLimited } from './budget.ts';
import type { Adjustment } from './course.ts';
import type { ImproveSettings } from './input.ts';
import type { BenchmarkRole } from './words.ts';

/** What the input says of one stage, with its part of alpha. */
export type Target = {
  target: string;
  /** Share of the target right at which the stage is over. */
  reach?: number;
  alpha: number;
  iterations?: number;
  budget?: Partial<ImproveSettings['budget']['stage']>;
};

/** The stage to which an iteration belongs. */
export type TargetStage = {
  /** From 1. */
  number: number;
  of: number;
  target: string;
  reach?: number;
  /** Its first iteration, and how many it has at most. */
  since: number;
  iterations: number;
  /** Targets of earlier stages, each with the checkpoint that was best when its stage ended. */
  finished: { target: string; checkpointId: number }[];
};

/** A stored beginning of a stage. */
export type StageBegun = Adjustment & { checkpointId: number | null; numbers: Record<string, unknown> };

/** Numbers that an adjustment of the kind `stage` keeps. */
export type StageNumbers = { stage: number; target: string; iterations: number };

type Settings = Pick<ImproveSettings, 'curriculum' | 'promotion' | 'iterations'>;

/** The stages in order; what is left of alpha is divided evenly among those that name none. Empty: a run without a curriculum. */
export function targetsOf({ curriculum, promotion }: Pick<Settings, 'curriculum' | 'promotion'>): Target[] {
  const given = curriculum.targets.map((one) => (typeof one === 'string' ? { target: one } : one));
  const named = sum(given.map(({ alpha }) => alpha));
  const open = given.filter(({ alpha }) => alpha === undefined).length;
  return given.map((one) => ({ ...one, alpha: one.alpha ?? (promotion.alpha - named) / open }));
}

/** A stage by its number, as the faces name it. */
export function stageNamed(
  settings: Pick<Settings, 'curriculum' | 'promotion'>,
  number: number,
): Pick<TargetStage, 'number' | 'of' | 'target'> {
  const targets = targetsOf(settings);
  return { number, of: targets.length, target: targets[number - 1]!.target };
}

/** Most iterations of the stage that begins at iteration `from`: its own number, or an even part of what later stages leave. */
export function iterationsOf(settings: Settings, number: number, from: number): number {
  const [own, ...later] = targetsOf(settings).slice(number - 1);
  if (own?.iterations !== undefined) return own.iterations;
  const open = 1 + later.filter(({ iterations }) => iterations === undefined).length;
  const left = settings.iterations - from + 1 - sum(later.map(({ iterations }) => iterations));
  return Math.max(1, Math.floor(left / open));
}

/** The stage in which an iteration is; undefined without a curriculum, or before its first stage began. */
export function stageOf(
  settings: Pick<Settings, 'curriculum' | 'promotion'>,
  adjustments: readonly StageBegun[],
  iteration: number,
): TargetStage | undefined {
  const begun = adjustments.filter((one) => one.kind === 'stage' && one.fromIteration <= iteration);
  const now = begun.at(-1);
  if (!now) return undefined;
  const { stage, target, iterations } = now.numbers as StageNumbers;
  const targets = targetsOf(settings);
  return {
    number: stage,
    of: targets.length,
    target,
    reach: targets[stage - 1]?.reach,
    since: now.fromIteration,
    iterations,
    finished: begun.slice(1).map(({ checkpointId }, i) => ({
      target: (begun[i]!.numbers as StageNumbers).target,
      checkpointId: checkpointId!,
    })),
  };
}

/** What a benchmark is for in a stage; `later`: it is the target of a stage to come. */
export function roleIn(
  stage: TargetStage | undefined,
  { name, role }: { name: string; role: BenchmarkRole },
): BenchmarkRole | 'later' {
  if (!stage || role !== 'target' || name === stage.target) return role;
  return stage.finished.some(({ target }) => target === name) ? 'guard' : 'later';
}

/**
 * Why a stage is over before iteration `next`; undefined while it goes on.
 *
 * @param best share of its target that the run's best has right
 */
export function whyOver(
  { target, reach, since, iterations }: TargetStage,
  next: number,
  best: number,
): string | undefined {
  if (reach !== undefined && best >= reach)
    return `${target} reached ${percent(best)} (${percent(reach)} were asked for)`;
  if (next - since >= iterations)
    return `the ${iterations} ${iterations === 1 ? 'iteration' : 'iterations'} of ${target} are over, at ${percent(best)}`;
  return undefined;
}

/** Everything that is wrong with a curriculum, given the benchmarks of its task. */
export function targetProblems(
  settings: Settings & Pick<ImproveSettings, 'budget'>,
  benchmarks: readonly { name: string; role: BenchmarkRole }[],
): string[] {
  const targets = targetsOf(settings);
  const problems: string[] = [];
  const add = (i: number, what: string) =>
    problems.push(`curriculum.targets.${i}: ${JSON.stringify(targets[i]!.target)} ${what}`);
  const ofTask = benchmarks.filter(({ role }) => role === 'target').map(({ name }) => name);
  for (const [i, { target }] of targets.entries()) {
    const role = benchmarks.find(({ name }) => name === target)?.role;
    if (targets.findIndex((one) => one.target === target) < i) add(i, 'stands there twice');
    else if (role === undefined) add(i, `is no benchmark of the task; its targets are ${ofTask.join(', ')}`);
    else if (role === 'guard')
      add(i, 'is a guard already, in every stage; a target must have the role target');
    else if (role === 'final') add(i, 'is read once, when the run ends, and can be no target');
  }
  if (targets.length === 0) {
    if (isLimited({ stage: settings.budget.stage }))
      problems.push('budget.stage: there are no stages without curriculum.targets');
    return problems;
  }
  const left = ofTask.filter((name) => !targets.some(({ target }) => target === name));
  if (left.length > 0)
    problems.push(
      `curriculum.targets: leaves out ${left.join(', ')}, which would be neither improved nor held; name all targets of the task`,
    );
  // Without the last bits that adding up leaves.
  const alphas = Number(sum(targets.map(({ alpha }) => alpha)).toPrecision(12));
  const { alpha } = settings.promotion;
  if (alphas > alpha || targets.some((one) => one.alpha <= 0))
    problems.push(
      `curriculum.targets: the stages' alpha must leave something for each and come to promotion.alpha (${alpha}) at most`,
    );
  const iterations = sum(targets.map((one) => one.iterations ?? 1));
  if (iterations > settings.iterations)
    problems.push(
      `curriculum.targets: its stages need ${iterations} iterations at least, and iterations is ${settings.iterations}`,
    );
  return problems;
}

const sum = (numbers: (number | undefined)[]): number =>
  numbers.reduce<number>((all, one) => all + (one ?? 0), 0);
