import { join } from 'node:path';
import type { Command } from 'commander';
import { programFolder } from '../../process/program.ts';
import { runSuite } from './chaos.ts';

export function addGalleryCommand(program: Command): void {
  program
    .command('gallery', { hidden: true })
    .description('runs every known way in which self-improvement goes wrong, and shows what stops it')
    .argument('[options...]', 'as docs/safety.md tells: --only, --lanes, --write')
    .allowUnknownOption()
    .action(async (args: string[]) => {
      process.exitCode = await runSuite(join(programFolder, 'tests', 'gallery', 'main.ts'), args);
    });
}
