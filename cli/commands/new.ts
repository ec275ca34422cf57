/** `new`: a task folder to start from, which runs as it is. */
import { dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { STARTS, startTask } from '../../app/starts.ts';
import { programFolder } from '../../process/program.ts';
import { readable } from '../readable.ts';

const kinds = Object.entries(STARTS).map(([kind, { what }]) => `  ${kind.padEnd(10)} ${what}`);

/** As it is typed from here. */
function near(path: string): string {
  const way = relative(process.cwd(), path);
  return way.startsWith('..') ? path : way;
}

const help = `
Kinds:
${kinds.join('\n')}

Example:
  ratchet new words my-words`;

export function addNewCommand(program: Command): void {
  program
    .command('new')
    .description('write a task folder to start from, which runs as it is')
    .argument('<kind>', Object.keys(STARTS).join(', '))
    .argument('[folder]', 'where to, and what the task is called (default: the kind)')
    .addHelpText('after', help)
    .action(async (kind: string, folder: string | undefined) => {
      const { start, task } = await readable(startTask(kind, folder ?? kind));
      const file = near(task);
      console.log(
        [
          `${file} is a start: ${start.what}. Next:`,
          ...start.next.map(
            (command) => `  npx ${command.replace('TASK', file).replace('FOLDER', dirname(file))}`,
          ),
          `Change it from there: ${near(join(programFolder, start.guide))} says how.`,
        ].join('\n'),
      );
    });
}
