import { join } from 'node:path';
import type { Command } from 'commander';
import { programFolder } from '../../process/program.ts';
import { runSuite } from './chaos.ts';

export function addHostileCommand(program: Command): void {
  program
    .command('hostile', { hidden: true })
    .description('a hostile endpoint, trainer and client against a throw-away stack, and what held')
    .argument('[options...]', 'as docs/reliability.md tells: --minutes, --seed, --write')
    .allowUnknownOption()
    .action(async (args: string[]) => {
      process.exitCode = await runSuite(join(programFolder, 'tests', 'hostile', 'main.ts'), args, {
        python: true,
      });
    });
}
