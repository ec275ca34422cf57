/** Finds tasks by name or file. */
import { resolve } from 'node:path';
import { allowedFile } from './access.ts';
import { QUICK_BENCHMARK_SIZE } from './arithmetic/benchmarks.ts';
import { arithmeticTask, type ArithmeticSpec } from './arithmetic/index.ts';
import { inspectPrompts } from './arithmetic/prompts-file.ts';
import { InvalidInputError } from './errors.ts';
import { codeTaskOf, prepareCode } from './code/prepare.ts';
import { resolveCodeTask, type CodeSpec } from './code/resolve.ts';
import { withExamples } from './examples.ts';
import { fileTask, type FileSpec } from './file/index.ts';
import { resolveFileTask } from './file/resolve.ts';
import { resolveSupportTask, type SupportSpec } from './support/resolve.ts';
import { prepareSupport, supportTaskOf } from './support/prepare.ts';
import { importTask, moduleTask, resolveModuleTask, type ModuleSpec } from './module.ts';
import type { ImproveSettings } from '../loop/input.ts';
import type { Task } from './task.ts';
import { behindThinking } from './thinking.ts';
import { tutorTask } from './tutor/index.ts';
import { resolveTutorTask, type TutorSpec } from './tutor/resolve.ts';
import { taskKind, readYaml, type YamlFile } from './yaml.ts';

/** A task's definition as it is stored with a run: plain JSON, complete but for the data files it names. */
export type TaskSpec = ArithmeticSpec | FileSpec | ModuleSpec | CodeSpec | SupportSpec | TutorSpec;

export const TASK_NAMES = ['arithmetic'];

/** Task files that say which kind of task they are; all others are read as `tasks/file` has them. */
const KINDS = new Map<string, (file: YamlFile, promptsFile?: string) => Promise<TaskSpec>>([
  ['code-repair', resolveCodeTask],
  ['support', resolveSupportTask],
  ['tutor', resolveTutorTask],
]);

/**
 * From what a user typed to a definition: a built-in task's name, the path of a YAML file, or that of a module (.ts, .js). All
 * files are read and checked. Paths are relative to the working directory; which may be read, access.ts says.
 *
 * @param options.promptsFile JSONL file to take prompts from, instead of the task's own source
 * @param options.quick fewer held-out problems, where the task has its own
 * @param options.split several targets, for a curriculum, in place of a single one, where the built-in task has both
 * @throws InvalidInputError naming everything that is wrong
 */
export async function resolveTask(
  name: string,
  options: { promptsFile?: string; quick?: boolean; split?: boolean } = {},
): Promise<TaskSpec> {
  const promptsFile =
    options.promptsFile === undefined
      ? undefined
      : await allowedFile('prompts file', resolve(options.promptsFile));
  if (/\.ya?ml$/i.test(name)) {
    const file = await readYaml(resolve(name));
    const resolveKind = KINDS.get(taskKind(file) ?? '') ?? resolveFileTask;
    return await resolveKind(file, promptsFile);
  }
  if (/\.[cm]?[jt]s$/i.test(name)) return await resolveModuleTask(resolve(name), promptsFile);
  if (name !== 'arithmetic') {
    throw new InvalidInputError([
      `there is no task ${JSON.stringify(name)}; known: ${TASK_NAMES.join(', ')}, or the path of a .yaml or .ts file`,
    ]);
  }
  return {
    kind: 'arithmetic',
    ...(options.split ? { split: true } : {}),
    ...(promptsFile === undefined ? {} : { promptsFile, promptsFound: await inspectPrompts(promptsFile) }),
    ...(options.quick ? { benchmarkSize: QUICK_BENCHMARK_SIZE } : {}),
  };
}

/** The definition that a run with these settings works on. @throws InvalidInputError as `resolveTask` */
export const resolveTaskOf = ({
  task,
  promptsFile,
  benchmark,
  curriculum,
}: ImproveSettings): Promise<TaskSpec> =>
  resolveTask(task, {
    promptsFile,
    quick: benchmark.size === 'quick',
    split: curriculum.targets.length > 0,
  });

/** The task as it is while one of its benchmarks is the target of a curriculum's stage. */
export const forTarget = (task: Task, target: string): Task =>
  // Made from the task, not copied: what it has may be methods of a class.
  Object.assign(Object.create(task) as Task, task.forTarget?.(target));

/** Must have been called before `loadTask`, once per process: brings in what a definition keeps outside of itself. */
export async function prepareTask(spec: TaskSpec): Promise<void> {
  if (spec.kind === 'module') await importTask(spec);
  if (spec.kind === 'code') await prepareCode(spec.task.bugs, spec.bugsDigest);
  if (spec.kind === 'support') await prepareSupport();
}

/** Why a stored definition can't be used here any more: its files are gone or have changed. Undefined: it can. */
export async function whyUnusable(spec: TaskSpec): Promise<string | undefined> {
  try {
    await prepareTask(spec);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidInputError) return error.message;
    throw error;
  }
}

/** The task that a stored definition describes. */
export function loadTask(spec: TaskSpec): Task {
  if (spec.kind === 'arithmetic') return arithmeticTask(spec);
  if (spec.kind === 'code') return behindThinking(codeTaskOf(spec));
  if (spec.kind === 'tutor') return withExamples(behindThinking(tutorTask(spec)));
  if (spec.kind === 'support') return behindThinking(supportTaskOf(spec));
  return withExamples(behindThinking(spec.kind === 'module' ? moduleTask(spec) : fileTask(spec)));
}
