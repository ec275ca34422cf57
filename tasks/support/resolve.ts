/** Reads a task file of the kind `support`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { allowedFile } from '../access.ts';
import { collectProblems, InvalidInputError } from '../errors.ts';
import { parseAs, type YamlFile } from '../yaml.ts';
import { readPolicies, type Passage } from './policies.ts';
import { prepareSupport } from './prepare.ts';
import { readCorrections, type CorrectionRow } from './rows.ts';
import { supportTaskSchema, type SupportTask } from './schema.ts';
import { readStandings, type Standing } from './standings.ts';

/** A task file as it was when the run was resolved, with the policies and corrections of then: later edits don't change a run. */
export type SupportSpec = {
  kind: 'support';
  path: string;
  task: SupportTask;
  passages: Passage[];
  rows: CorrectionRow[];
  /** How well its critics can tell, as far as that was measured. */
  standings?: Standing[];
};

/** The task file itself, before anybody has looked for corrections. @throws InvalidInputError */
export function readSupportTask(file: YamlFile): SupportTask {
  const task = parseAs(supportTaskSchema, file);
  const absolute = (path: string) => resolve(file.folder, path);
  return {
    ...task,
    policies: absolute(task.policies),
    corrections: absolute(task.corrections),
    ...(task.conversations === undefined ? {} : { conversations: absolute(task.conversations) }),
    benchmarks: task.benchmarks.map((one) => ({ ...one, file: absolute(one.file) })),
    ...(task.critics === undefined
      ? {}
      : {
          critics: Object.fromEntries(
            Object.entries(task.critics).map(([name, path]) => [name, absolute(path)]),
          ) as SupportTask['critics'],
        }),
  };
}

/** A run keeps all of them. */
const MOST_CHARACTERS = 5_000_000;

/** @throws InvalidInputError naming every problem of the file, its policies, its corrections or its held-out requests */
export async function resolveSupportTask(file: YamlFile, promptsFile?: string): Promise<SupportSpec> {
  if (promptsFile !== undefined)
    throw new InvalidInputError([
      'a task of kind support takes its prompts from its corrections: leave --prompts out',
    ]);
  const given = readSupportTask(file);
  const task: SupportTask = {
    ...given,
    corrections: await allowedFile(
      `corrections file (\`ratchet corrections ${file.path}\` makes it)`,
      given.corrections,
    ),
    benchmarks: await Promise.all(
      given.benchmarks.map(async (one) => ({
        ...one,
        file: await allowedFile(`benchmark ${one.name}: file`, one.file),
      })),
    ),
  };
  const { readHeldOut, libraryOf } = await prepareSupport();
  const passages = await readPolicies(task.policies);
  const library = libraryOf(passages, task);
  const rows = await readCorrections(task.corrections);
  const problems = collectProblems();
  const characters = JSON.stringify(rows).length;
  if (characters > MOST_CHARACTERS)
    problems.add(
      `corrections file ${task.corrections}: has ${characters} characters, ${MOST_CHARACTERS} are allowed: take the conversations of a shorter time`,
    );
  const seen = new Map<string, string>();
  for (const benchmark of task.benchmarks) {
    let items = 0;
    for await (const row of readHeldOut(benchmark, library)) {
      items += 1;
      if ('problem' in row) problems.add(row.problem);
      else if (seen.has(row.key))
        problems.add(`benchmark ${benchmark.name}: line ${row.line} is in ${seen.get(row.key)} already`);
      else seen.set(row.key, benchmark.name);
    }
    if (items === 0) problems.add(`benchmark ${benchmark.name}: file ${benchmark.file} has no rows`);
  }
  if (!rows.some(({ fate }) => fate === 'learn'))
    problems.add(
      `corrections file ${task.corrections}: has no correction to learn from; \`ratchet corrections ${file.path}\` says what became of each`,
    );
  problems.throwIfAny();
  const measured = task.critics?.measured;
  const standings =
    measured && existsSync(measured)
      ? await readStandings(await allowedFile('critics: measured', measured))
      : undefined;
  return { kind: 'support', path: file.path, task, passages, rows, ...(standings ? { standings } : {}) };
}
