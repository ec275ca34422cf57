/** Finds tasks by name or file. */
import { resolve } from 'node:path';
import { QUICK_BENCHMARK_SIZE } from './arithmetic/benchmarks.ts';
import { arithmeticTask, type ArithmeticSpec } from './arithmetic/index.ts';
import { inspectPrompts } from './arithmetic/prompts-file.ts';
import { InvalidInputError } from './errors.ts';
import { withExamples } from './examples.ts';
import { fileTask, type FileSpec } from './file/index.ts';
import { resolveFileTask } from './file/resolve.ts';
import { importTask, moduleTask, resolveModuleTask, type ModuleSpec } from './module.ts';
import type { Task } from './task.ts';
import { behindThinking } from './thinking.ts';

/** A task's definition as it is stored with a run: plain JSON, complete but for the data files it names. */
export type TaskSpec = ArithmeticSpec | FileSpec | ModuleSpec;

export const TASK_NAMES = ['arithmetic'];

/**
 * From what a user typed to a definition: a built-in task's name, the path of a YAML file, or that of a module (.ts, .js). All
 * files are read and checked. Paths are relative to the working directory.
 *
 * @param options.promptsFile JSONL file to take prompts from, instead of the task's own source
 * @param options.quick fewer held-out problems, where the task has its own
 * @throws InvalidInputError naming everything that is wrong
 */
export async function resolveTask(
  name: string,
  options: { promptsFile?: string; quick?: boolean } = {},
): Promise<TaskSpec> {
  const promptsFile = options.promptsFile === undefined ? undefined : resolve(options.promptsFile);
  if (/\.ya?ml$/i.test(name)) return await resolveFileTask(resolve(name), promptsFile);
  if (/\.[cm]?[jt]s$/i.test(name)) return await resolveModuleTask(resolve(name), promptsFile);
  if (name !== 'arithmetic') {
    throw new InvalidInputError([
      `there is no task ${JSON.stringify(name)}; known: ${TASK_NAMES.join(', ')}, or the path of a .yaml or .ts file`,
    ]);
  }
  return {
    kind: 'arithmetic',
    ...(promptsFile === undefined ? {} : { promptsFile, promptsFound: await inspectPrompts(promptsFile) }),
    ...(options.quick ? { benchmarkSize: QUICK_BENCHMARK_SIZE } : {}),
  };
}

/** Must have been called before `loadTask`, once per process: brings in what a definition keeps outside of itself. */
export async function prepareTask(spec: TaskSpec): Promise<void> {
  if (spec.kind === 'module') await importTask(spec);
}

/** The task that a stored definition describes. */
export function loadTask(spec: TaskSpec): Task {
  if (spec.kind === 'arithmetic') return arithmeticTask(spec);
  return withExamples(behindThinking(spec.kind === 'module' ? moduleTask(spec) : fileTask(spec)));
}
