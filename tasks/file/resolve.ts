import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parseDocument, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { allowedFile } from '../access.ts';
import { decodeFile } from '../decode.ts';
import { collectProblems, fileProblem, InvalidInputError, type Problems } from '../errors.ts';
import { exampleProblems } from '../examples.ts';
import { fileTask, type FileSpec } from './index.ts';
import { calledAs, readItems, readPrompts } from './rows.ts';
import { fileTaskSchema, promptSources, type FileTask } from './schema.ts';

/**
 * Reads a task file and checks it together with every row of the files that it names.
 *
 * @param promptsFile takes the place of the file's own prompts, as an absolute path
 * @throws InvalidInputError naming all bad fields at once, or the bad rows: the first 20, then how many more
 */
export async function resolveFileTask(path: string, promptsFile?: string): Promise<FileSpec> {
  const real = await allowedFile('task file', path);
  const content = parse(path, await read(real));
  const folder = dirname(real);
  const data = (what: string, file: string) => allowedFile(what, resolve(folder, file));
  const task: FileTask = {
    ...content,
    prompts: promptsFile
      ? { file: promptsFile, field: content.prompts.field }
      : { ...content.prompts, file: await data('prompts file', content.prompts.file) },
    benchmarks: await Promise.all(
      content.benchmarks.map(async (benchmark) => ({
        ...benchmark,
        promptField: benchmark.promptField ?? content.prompts.field,
        file: await data(`benchmark ${benchmark.name}: file`, benchmark.file),
        // A file that the run names stands in place of all prompts.
        prompts:
          benchmark.prompts && !promptsFile
            ? {
                ...benchmark.prompts,
                file: await data(`benchmark ${benchmark.name}: prompts.file`, benchmark.prompts.file),
              }
            : undefined,
      })),
    ),
    calibration: content.calibration && {
      ...content.calibration,
      promptField: content.calibration.promptField ?? content.prompts.field,
      file: await data('calibration: file', content.calibration.file),
    },
  };
  const problems = collectProblems();
  const checkFiles = await readCheckFiles(content.verify, (file) => data('verify: file', file), problems);
  const spec: FileSpec = { kind: 'file', path, task, ...(checkFiles ? { checkFiles } : {}) };
  const seen = await checkBenchmarks(task, problems);
  for (const source of promptSources(task)) await checkPrompts(source, seen, problems);
  // A run looks for what is nearly a held-out problem, too.
  for (const problem of exampleProblems(fileTask(spec), ({ key }) => seen.get(key)))
    problems.add(`task file ${path}: ${problem}`);
  problems.throwIfAny();
  return spec;
}

/** What a check reads travels with every page of samples that it is run on. */
const CHECK_CHARACTERS = 200_000;

/** Texts of the files that a command of `verify` reads, by name; undefined where there is no command. */
async function readCheckFiles(
  verify: FileTask['verify'],
  allowed: (file: string) => Promise<string>,
  problems: Problems,
): Promise<Record<string, string> | undefined> {
  if (verify === undefined || 'equations' in verify) return undefined;
  const texts: Record<string, string> = {};
  for (const file of verify.files) {
    const name = basename(file);
    if (name in texts) problems.add(`verify: files: two of them are named ${name}`);
    texts[name] = await read(await allowed(file), 'verify: file');
  }
  const characters = Object.values(texts).reduce((sum, text) => sum + text.length, 0);
  if (characters > CHECK_CHARACTERS)
    problems.add(`verify: files: have ${characters} characters together, ${CHECK_CHARACTERS} are allowed`);
  return texts;
}

async function read(path: string, what = 'task file'): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new InvalidInputError([fileProblem(what, path, error)]);
  }
  const decoded = decodeFile(bytes);
  if ('problem' in decoded) throw new InvalidInputError([`${what} ${path}: ${decoded.problem}`]);
  return decoded.text;
}

function parse(path: string, text: string): FileTask {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new InvalidInputError(document.errors.map((error) => `task file ${path}: ${whatYamlSays(error)}`));
  }
  const parsed = fileTaskSchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    parsed.error.issues
      .flatMap(explain)
      .map(({ at, message }) => `task file ${path}: ${at || 'the file'}: ${message}`),
  );
}

/** What is wrong and where, without the words of the file that YAML's own messages quote (what follows a colon, what stands in quotes). */
function whatYamlSays({ message, linePos, code }: YAMLError): string {
  const [first = ''] = message.split('\n');
  const said = first
    .replace(/ at line \d+, column \d+:?$/, '')
    .split(/: |["'`!%*&]/)[0]!
    .trim();
  const [start] = linePos ?? [];
  const where = start ? ` at line ${start.line}, column ${start.col}` : '';
  return `${said || `is no YAML (${code})`}${where}`;
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
        if (other !== undefined) problems.add(`${called}: line ${row.line} is in ${other} already`);
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
    problems.add(`prompts file ${prompts.file}: has no prompts beside those in the benchmarks`);
  }
}
