import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { collectProblems, fileProblem, InvalidInputError, type Problems } from '../errors.ts';
import { excerpt } from '../jsonl.ts';
import { exampleProblems } from '../examples.ts';
import { fileTask, type FileSpec } from './index.ts';
import { calledAs, readItems, readPrompts } from './rows.ts';
import { fileTaskSchema, type FileTask } from './schema.ts';

/**
 * Reads a task file and checks it together with every row of the files that it names.
 *
 * @param promptsFile takes the place of the file's own prompts, as an absolute path
 * @throws InvalidInputError naming all bad fields at once, or the bad rows: the first 20, then how many more
 */
export async function resolveFileTask(path: string, promptsFile?: string): Promise<FileSpec> {
  const content = parse(path, await read(path));
  const folder = dirname(path);
  const task: FileTask = {
    ...content,
    prompts: promptsFile
      ? { file: promptsFile, field: content.prompts.field }
      : { ...content.prompts, file: resolve(folder, content.prompts.file) },
    benchmarks: content.benchmarks.map((benchmark) => ({
      ...benchmark,
      promptField: benchmark.promptField ?? content.prompts.field,
      file: resolve(folder, benchmark.file),
    })),
    calibration: content.calibration && {
      ...content.calibration,
      promptField: content.calibration.promptField ?? content.prompts.field,
      file: resolve(folder, content.calibration.file),
    },
  };
  const problems = collectProblems();
  const spec: FileSpec = { kind: 'file', path, task };
  const seen = await checkBenchmarks(task, problems);
  await checkPrompts(task, seen, problems);
  // A run looks for what is nearly a held-out problem, too.
  for (const problem of exampleProblems(fileTask(spec), ({ key }) => seen.get(key)))
    problems.add(`task file ${path}: ${problem}`);
  problems.throwIfAny();
  return spec;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new InvalidInputError([fileProblem('task file', path, error)]);
  }
}

function parse(path: string, text: string): FileTask {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new InvalidInputError(
      document.errors.map((error) => `task file ${path}: ${error.message.split('\n')[0]!.replace(/:$/, '')}`),
    );
  }
  const parsed = fileTaskSchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    parsed.error.issues
      .flatMap(explain)
      .map(({ at, message }) => `task file ${path}: ${at || 'the file'}: ${message}`),
  );
}

/** One line per issue; of a union, what is wrong with the alternative that the value resembles most. */
function explain(issue: z.core.$ZodIssue): { at: string; message: string }[] {
  const at = issue.path.join('.');
  if (issue.code !== 'invalid_union') return [{ at, message: issue.message }];
  const isObject = (issues: z.core.$ZodIssue[]): boolean =>
    issues.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys');
  const closest = issue.errors.find((issues) => isObject(issues)) ?? issue.errors[0] ?? [];
  return closest.map((inner) => ({ at: [...issue.path, ...inner.path].join('.'), message: inner.message }));
}

/** Keys of all held-out problems, the calibration set's included, with the benchmark each is in. No problem may be in two. */
async function checkBenchmarks(task: FileTask, problems: Problems): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const benchmark of [...task.benchmarks, ...(task.calibration ? [task.calibration] : [])]) {
    const called = calledAs(benchmark);
    let rows = 0;
    const before = problems.count;
    try {
      for await (const row of readItems(task, benchmark)) {
        rows += 1;
        if ('problem' in row) {
          problems.add(row.problem);
          continue;
        }
        const other = seen.get(row.key);
        if (other !== undefined) problems.add(`${called}: is in ${other} already: ${excerpt(row.text, 60)}`);
        seen.set(row.key, called.replace(/^benchmark /, ''));
      }
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      error.problems.forEach((problem) => problems.add(problem));
    }
    if (rows === 0 && problems.count === before)
      problems.add(`${called}: file ${benchmark.file} has no rows to use`);
  }
  return seen;
}

/** Held-out problems among the prompts are kept out of every pool; here it is only made sure that others are left. */
async function checkPrompts(task: FileTask, heldOut: Map<string, string>, problems: Problems): Promise<void> {
  const before = problems.count;
  let usable = 0;
  try {
    for await (const row of readPrompts(task)) {
      if ('problem' in row) problems.add(row.problem);
      else if (!heldOut.has(row.key)) usable += 1;
    }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    error.problems.forEach((problem) => problems.add(problem));
  }
  if (usable === 0 && problems.count === before) {
    problems.add(`prompts file ${task.prompts.file}: has no prompts beside those in the benchmarks`);
  }
}
