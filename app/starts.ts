/** Starting folders of tasks: an example that runs as it is, copied under a name of its own, to be changed from there. */
import { cp, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { InvalidInputError } from '../tasks/errors.ts';

const examples = fileURLToPath(new URL('../examples/', import.meta.url));

export type Start = {
  what: string;
  /** The example that is copied. */
  folder: string;
  /** Its task file; default: `task.yaml`. */
  file?: string;
  /** Its page of the documentation. */
  guide: string;
  /** Commands that follow, as they are typed, with the task file in place of `TASK` and its folder in place of `FOLDER`. */
  next: string[];
};

const LANGUAGE_MODEL = 'ratchet up --detach --model qwen2.5-coder-0.5b';

export const STARTS: Record<string, Start> = {
  words: {
    what: 'questions in a file, answers that a rule reads: here word problems',
    folder: 'start/words',
    guide: 'docs/tasks.md',
    next: [LANGUAGE_MODEL, 'ratchet check TASK', 'ratchet run TASK --iterations 1'],
  },
  code: {
    what: 'bugs of a repository, repaired',
    folder: 'start/code',
    guide: 'docs/code-repair.md',
    next: ['ratchet bugs TASK', LANGUAGE_MODEL, 'ratchet run TASK --iterations 1'],
  },
  support: {
    what: 'what users put right in conversations, learnt where a policy says so',
    folder: 'support',
    guide: 'docs/support.md',
    next: ['ratchet corrections TASK', LANGUAGE_MODEL, 'ratchet run TASK --iterations 1'],
  },
  tutor: {
    what: 'what learners get wrong, and practice that mends it',
    folder: 'tutor',
    guide: 'docs/tutor.md',
    next: ['ratchet diagnose FOLDER/answers.jsonl', LANGUAGE_MODEL, 'ratchet run TASK --iterations 1'],
  },
  discovery: {
    what: 'something that can be set and measured, and the law behind it',
    folder: 'discovery',
    file: 'elements.yaml',
    guide: 'docs/discovery.md',
    next: ['ratchet up --detach', 'ratchet discover TASK'],
  },
};

/** What a run of the example leaves beside it, and what only makes and measures it. */
const LEFT_OUT =
  /^(?:__pycache__|node_modules|bugs\.jsonl|corrections\.jsonl|make\.mjs|facts\.jsonl|planted\.jsonl|deployed\.jsonl|make_\w+\.\w+|choices.*)$/;

/**
 * Copies a starting folder; the task is called as the folder is. All of it is there or nothing.
 *
 * @param folder is made; it may be there as long as it is empty
 * @returns the task file
 * @throws InvalidInputError where there is no such start, or the folder holds something
 */
export async function startTask(kind: string, folder: string): Promise<{ start: Start; task: string }> {
  const start = STARTS[kind];
  if (!start)
    throw new InvalidInputError([
      `there is no start ${JSON.stringify(kind)}; there are: ${Object.keys(STARTS).join(', ')}`,
    ]);
  const target = resolve(folder);
  const name = taskName(basename(target));
  await refuseFull(target);
  const made = join(dirname(target), `.${basename(target)}-${process.pid}`);
  try {
    await mkdir(dirname(target), { recursive: true });
    await cp(join(examples, start.folder), made, {
      recursive: true,
      filter: (path) => !LEFT_OUT.test(basename(path)),
    });
    const file = join(made, start.file ?? 'task.yaml');
    // As text: a file that was parsed and written again has lost its layout.
    const text = (await readFile(file, 'utf8')).replace(/^name: .*$/m, `name: ${stringify(name).trim()}`);
    await writeFile(file, text);
    await rename(made, target);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined
      ? error
      : new InvalidInputError([`folder ${folder} can't be written: ${message}`]);
  } finally {
    await rm(made, { recursive: true, force: true }).catch(() => undefined);
  }
  return { start, task: join(target, start.file ?? 'task.yaml') };
}

/** Names of tasks are of letters, digits and a few marks. */
function taskName(folder: string): string {
  const name = folder
    .replaceAll(/[^\w.-]+/g, '-')
    .replace(/^[^a-z0-9]+/i, '')
    .slice(0, 64);
  if (name === '')
    throw new InvalidInputError([
      `folder ${JSON.stringify(folder)}: its name has no letter or digit to call the task by`,
    ]);
  return name;
}

async function refuseFull(target: string): Promise<void> {
  const there = await lstat(target).catch(() => undefined);
  if (!there) return;
  if (!there.isDirectory()) throw new InvalidInputError([`${target} is there already, and is no folder`]);
  if ((await readdir(target)).length > 0)
    throw new InvalidInputError([`folder ${target} is not empty: name one that is not there yet`]);
}
