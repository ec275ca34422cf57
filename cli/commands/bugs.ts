/** `bugs`: what a task of kind code-repair practises on and is measured by, made of the user's own repositories. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { makeBugs } from '../../app/code/make-bugs.ts';
import { archivesOf, ratchetHome } from '../../stack/home.ts';
import { readCodeTask } from '../../tasks/code/resolve.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import { readYaml } from '../../tasks/yaml.ts';
import { wholeNumber } from '../numbers.ts';
import { readable } from '../readable.ts';

const help = `
Packs each repository of the task file, changes its functions a little, one change at a time, and keeps what a test notices. Bugs of some
functions are held out. Tests run in the sandbox (docs/sandbox.md); what "install" says runs on this machine, as you.

Example:
  ratchet bugs examples/code-repair/task.yaml`;

export function addBugsCommand(program: Command): void {
  program
    .command('bugs')
    .description('make bugs of your repositories for a task of kind code-repair')
    .argument('<task>', 'the task file (.yaml)')
    .option('--out <file>', 'where to write them (default: the file that the task names)')
    .option('--seed <number>', 'other bugs, other functions held out', wholeNumber(0, 999_999_999), 1)
    .addHelpText('after', help)
    .action(async (given: string, { out, seed }: { out?: string; seed: number }) => {
      const task = await readable(readYaml(resolve(given)).then(readCodeTask));
      const archives = process.env.RATCHET_SANDBOX_ARCHIVES ?? archivesOf(ratchetHome());
      const made = await readable(makeBugs(task, { archives, seed, say: (said) => console.error(said) }));
      const file = out === undefined ? task.bugs : resolve(out);
      await writeFile(file, made.bugs.map((bug) => `${jsonLine(bug)}\n`).join(''));
      const by = (set: string) => made.bugs.filter((bug) => bug.set === set).length;
      console.log(
        [
          `${made.bugs.length} bugs of ${made.functions} functions in ${file}: ${by('practice')} to practise on, ${by('target')} to measure by, ${by('final')} for the end`,
          `${made.unnoticed} of ${made.tried} changes were noticed by no test, or broke everything`,
          ...(made.untested.length > 0
            ? [`without a bug that a test notices: ${made.untested.join(', ')}`]
            : []),
        ].join('\n'),
      );
    });
}
