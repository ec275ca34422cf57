import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowedFile, importsTasks } from '../access.ts';
import { isOpen, placeOf, settle } from '../data/source.ts';
import { filesNamedIn } from '../harness.ts';
import { collectProblems, InvalidInputError, type Problems } from '../errors.ts';
import { exampleProblems } from '../examples.ts';
import { parseAs, readText, type YamlFile } from '../yaml.ts';
import { fileTask, type FileSpec } from './index.ts';
import { calledAs, readItems, readPrompts } from './rows.ts';
import { allSources, fileTaskSchema, promptSources, type FileTask } from './schema.ts';

/**
 * Checks a task file together with every row of the files that it names.
 *
 * @param promptsFile takes the place of the file's own prompts, as an absolute path
 * @throws InvalidInputError naming all bad fields at once, or the bad rows: the first 20, then how many more; or a command that fails
 */
export async function resolveFileTask(file: YamlFile, promptsFile?: string): Promise<FileSpec> {
  const { path, folder } = file;
  const content = parseAs(fileTaskSchema, file);
  const data = (what: string, file: string) => allowedFile(what, resolve(folder, file));
  const task = await settleSources(content, file, promptsFile);
  const own = content.verify && 'reward' in content.verify && !content.verify.sandbox;
  if (own) await allowedFile('task file (with a command for verify)', path, 'module');
  const harnessed = content.benchmarks.some((benchmark) => benchmark.harness);
  if (harnessed) await allowedFile('task file (with a harness)', path, 'module');
  const problems = collectProblems();
  const checkFiles = await readCheckFiles(content.verify, (file) => data('verify: file', file), problems);
  const spec: FileSpec = {
    kind: 'file',
    path,
    task,
    ...(checkFiles ? { checkFiles } : {}),
    ...(own || harnessed ? { folder } : {}),
  };
  // The workers will run its commands; what they make can't be looked at here.
  if (!importsTasks() && allSources(task).some(isOpen)) {
    problems.throwIfAny();
    return spec;
  }
  const seen = await checkBenchmarks(task, problems);
  for (const source of promptSources(task)) await checkPrompts(source, seen, problems);
  // A run looks for what is nearly a held-out problem, too.
  for (const problem of exampleProblems(fileTask(spec), ({ key }) => seen.get(key)))
    problems.add(`task file ${path}: ${problem}`);
  problems.throwIfAny();
  return spec;
}

/** The task with the place of all its rows: files by their paths, commands run and what they wrote kept. */
async function settleSources(content: FileTask, file: YamlFile, promptsFile?: string): Promise<FileTask> {
  const { field } = content.prompts;
  return {
    ...content,
    prompts: promptsFile ? { file: promptsFile, field } : await settle('prompts', content.prompts, file),
    benchmarks: await Promise.all(
      content.benchmarks.map(async (benchmark) => ({
        ...(await settle(`${calledAs(benchmark)}:`, benchmark, file)),
        promptField: benchmark.promptField ?? field,
        // A file that the run names stands in place of all prompts.
        prompts:
          benchmark.prompts && !promptsFile
            ? await settle(`${calledAs(benchmark)}: prompts`, benchmark.prompts, file)
            : undefined,
        harness: benchmark.harness && {
          ...benchmark.harness,
          ...(importsTasks() ? { files: filesNamedIn(benchmark.harness.command, file.folder) } : {}),
        },
      })),
    ),
    calibration: content.calibration && {
      ...(await settle('calibration:', content.calibration, file)),
      promptField: content.calibration.promptField ?? field,
    },
  };
}

/** What a check reads travels with every page of samples that it is run on. */
const CHECK_CHARACTERS = 200_000;

/** What a reward function is written with; outside of the sandbox it is on the path. */
const RATCHET_TASKS = join(dirname(fileURLToPath(import.meta.url)), '../python/ratchet_tasks.py');

/** Texts of the files that a command of `verify` reads, by name; undefined where there is no command. */
async function readCheckFiles(
  verify: FileTask['verify'],
  allowed: (file: string) => Promise<string>,
  problems: Problems,
): Promise<Record<string, string> | undefined> {
  if (verify === undefined || 'equations' in verify || ('reward' in verify && !verify.sandbox))
    return undefined;
  const texts: Record<string, string> = {};
  if ('reward' in verify) texts['ratchet_tasks.py'] = await readText('verify: file', RATCHET_TASKS);
  for (const file of verify.files) {
    const name = basename(file);
    if (name in texts) problems.add(`verify: files: two of them are named ${name}`);
    texts[name] = await readText('verify: file', await allowed(file));
  }
  const characters = Object.values(texts).reduce((sum, text) => sum + text.length, 0);
  if (characters > CHECK_CHARACTERS)
    problems.add(`verify: files: have ${characters} characters together, ${CHECK_CHARACTERS} are allowed`);
  return texts;
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
        if (other !== undefined) problems.add(`${called}: ${row.at} is in ${other} already`);
        seen.set(row.key, called.replace(/^benchmark /, ''));
      }
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      error.problems.forEach((problem) => problems.add(problem));
    }
    if (rows === 0 && problems.count === before)
      problems.add(`${(await placeOf(`${called}:`, benchmark)).called} has no rows to use`);
  }
  return seen;
}

/** Held-out problems among the prompts are kept out of every pool; here it is only made sure that others are left. */
async function checkPrompts(
  prompts: FileTask['prompts'],
  heldOut: Map<string, string>,
  problems: Problems,
): Promise<void> {
  const before = problems.count;
  let usable = 0;
  try {
    for await (const row of readPrompts({ prompts })) {
      if ('problem' in row) problems.add(row.problem);
      else if (!heldOut.has(row.key)) usable += 1;
    }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    error.problems.forEach((problem) => problems.add(problem));
  }
  if (usable === 0 && problems.count === before) {
    const { called } = await placeOf('prompts', prompts);
    problems.add(`${called}: has no prompts beside those in the benchmarks`);
  }
}
