/** Reads a task file of the kind `code-repair`. */
import { resolve } from 'node:path';
import { allowedFile } from '../access.ts';
import { InvalidInputError } from '../errors.ts';
import { parseAs, type YamlFile } from '../yaml.ts';
import { bugsOf, refuseTooFew } from './bugs.ts';
import { prepareCode } from './prepare.ts';
import { codeTaskSchema, type CodeTask } from './schema.ts';

/** A task file as it was when the run was resolved, its paths absolute, and the digest of its bugs. */
export type CodeSpec = { kind: 'code'; path: string; task: CodeTask; bugsDigest: string };

/** The task file itself, before anybody has made its bugs. @throws InvalidInputError */
export function readCodeTask(file: YamlFile): CodeTask {
  const task = parseAs(codeTaskSchema, file);
  const absolute = (path: string) => resolve(file.folder, path);
  return {
    ...task,
    bugs: absolute(task.bugs),
    ...(task.reports === undefined ? {} : { reports: absolute(task.reports) }),
    repositories: task.repositories.map((one) =>
      one.folder === undefined ? one : { ...one, folder: absolute(one.folder) },
    ),
  };
}

/** @throws InvalidInputError naming every problem of the file or of its bugs */
export async function resolveCodeTask(file: YamlFile, promptsFile?: string): Promise<CodeSpec> {
  if (promptsFile !== undefined)
    throw new InvalidInputError([
      'a task of kind code-repair takes its prompts from its bugs: leave --prompts out',
    ]);
  const task = readCodeTask(file);
  const bugsFile = await allowedFile(`bugs file (\`ratchet bugs ${file.path}\` makes it)`, task.bugs);
  const bugsDigest = await prepareCode(bugsFile);
  const bugs = bugsOf(bugsDigest);
  refuseTooFew(bugsFile, bugs);
  const known = new Set(task.repositories.map(({ name }) => name));
  const strange = [...new Set(bugs.map(({ repository }) => repository))].filter((name) => !known.has(name));
  if (strange.length > 0)
    throw new InvalidInputError(
      strange.map(
        (name) =>
          `bugs file ${bugsFile} has bugs of ${JSON.stringify(name)}, which the task file does not name`,
      ),
    );
  return { kind: 'code', path: file.path, task: { ...task, bugs: bugsFile }, bugsDigest };
}
