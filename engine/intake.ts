/** What a run is asked to do, taken in: the task and its files read, and refused by name where they can't be used. No model is asked. */
import type { NewBenchmarkItem } from '../db/queries/runs.ts';
import { improveInputSchema, problemsIn, type ImproveInput, type ImproveSettings } from '../loop/input.ts';
import { createLeakIndex } from '../loop/leaks.ts';
import { layered } from '../loop/presets.ts';
import { targetProblems, targetsOf } from '../loop/targets.ts';
import { InvalidInputError } from '../tasks/errors.ts';
import { exampleProblems } from '../tasks/examples.ts';
import { forTarget, loadTask, resolveTaskOf, type TaskSpec } from '../tasks/index.ts';
import { canVerify, type Task } from '../tasks/task.ts';
import { refuseOverlap } from './overlap.ts';
import { debateProblems } from './debate/agents.ts';
import { ladderProblems, strategyProblems } from './pool.ts';
import { variantProblems } from './variants/make.ts';

export type Intake = {
  taskSpec: TaskSpec;
  task: Task;
  /** As asked for, over what the task suggests. Models that nobody named are not named yet. */
  settings: ImproveSettings;
  /** All held-out problems of the task. */
  items: NewBenchmarkItem[];
  /** Finds a prompt that is a held-out problem, or nearly. */
  leaks: ReturnType<typeof createLeakIndex>;
};

/** @throws InvalidInputError naming every bad field, file and line */
export async function takeIn(input: ImproveInput | undefined): Promise<Intake> {
  const asked = parsed(input);
  const taskSpec = await resolveTaskOf(asked);
  await refuseOverlap(taskSpec);
  const task = loadTask(taskSpec);
  const settings = parsed(layered(task.suggested, input));
  refuseContradictions(settings, task);
  const items = await heldOut(task);
  const leaks = createLeakIndex(items, settings.leaks.similarity);
  const shown = exampleProblems(task, (prompt) => leaks.find(prompt)?.heldOut.benchmark);
  if (shown.length > 0) throw new InvalidInputError(shown);
  return { taskSpec, task, settings, items, leaks };
}

function parsed(input: unknown): ImproveSettings {
  const result = improveInputSchema.safeParse(input ?? {});
  if (result.success) return result.data;
  throw new InvalidInputError(problemsIn(result.error));
}

/** Reads all held-out problems of a task, refusing one that stands in two benchmarks. */
async function heldOut(task: Task): Promise<NewBenchmarkItem[]> {
  const items: NewBenchmarkItem[] = [];
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const benchmark of task.benchmarks) {
    let position = 0;
    for await (const item of benchmark.items()) {
      const earlier = seen.get(item.key);
      if (earlier) problems.push(`benchmark ${benchmark.name}: "${item.key}" stands in ${earlier} already`);
      seen.set(item.key, benchmark.name);
      items.push({ ...item, benchmark: benchmark.name, role: benchmark.role, position: position++ });
    }
    if (position === 0) problems.push(`benchmark ${benchmark.name} has no items`);
  }
  if (!task.benchmarks.some((b) => b.role === 'target'))
    problems.push('the task has no benchmark with the role target');
  if (problems.length > 0) throw new InvalidInputError(problems.slice(0, 20));
  return items;
}

/** A gate that can never pass would end every iteration with nothing: better said before any work is begun. */
function refuseContradictions(settings: ImproveSettings, task: Task): void {
  const { gates, preset, experiment, pool, promptsFile, strategy } = settings;
  const { agreement, policy } = gates;
  const problems = [
    ...curriculumProblems(settings, task),
    ...strategyProblems({ task, settings }),
    ...ladderProblems({ task, settings }),
    ...debateProblems({ task, settings }),
    ...variantProblems({ task, settings }),
  ];
  if (promptsFile !== undefined && pool.stored === 'only')
    problems.push('promptsFile: pool.stored is only, so no file of prompts is read: give one of the two');
  if (strategy.selfPlay.mode === 'on' && gates.critique.mode === 'off')
    problems.push(
      'strategy.selfPlay.mode: is on, but gates.critique.mode is off, so there is no critic to fool',
    );
  if (agreement.min > agreement.max) {
    problems.push(`gates.agreement: min ${agreement.min} must not be more than max ${agreement.max}`);
  }
  if (policy.verification === 'required' && !canVerify(task) && experiment !== 'ungated') {
    const whose = preset === 'rest-em' ? ' (as the preset rest-em asks)' : '';
    problems.push(
      `gates.policy.verification: is required${whose}, but the task ${task.name} can verify nothing; ` +
        'a task file can have verify: { equations: true } or a command (docs/tasks.md)',
    );
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
}

function curriculumProblems(settings: ImproveSettings, task: Task): string[] {
  const problems = targetProblems(settings, task.benchmarks);
  if (problems.length > 0) return problems;
  return targetsOf(settings)
    .filter(({ target }) => forTarget(task, target).levels?.all.length === 0)
    .map(
      ({ target }) =>
        `curriculum.targets: there are no prompts for ${JSON.stringify(target)} at any of its levels`,
    );
}
