import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../process/errors.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { ratchetHome } from '../../stack/home.ts';
import { programFolder } from '../../process/program.ts';
import { preparePythonEnv } from '../../stack/python-env.ts';
import { step, stepPrinter } from '../../stack/steps.ts';
import { findTemporal } from '../../stack/temporal-binary.ts';
import { runHere } from './test.ts';

export function addChaosCommand(program: Command): void {
  program
    .command('chaos', { hidden: true })
    .description('kills every part of a throw-away stack in every stage and checks what holds')
    .argument('[options...]', 'as docs/reliability.md tells: --seed, --only, --lanes, --write')
    .allowUnknownOption()
    .action(async (args: string[]) => {
      process.exitCode = await runSuite(join(programFolder, 'tests', 'chaos', 'main.ts'), args);
    });
}

/** Runs a suite of tests that is a program of its own, with the Temporal server's program at hand. */
export async function runSuite(
  main: string,
  args: string[],
  needs: { python?: boolean } = {},
): Promise<number> {
  const interrupt = listenForInterrupt(() => process.stderr.write('\n  Stopping …\n'));
  const { signal } = interrupt;
  try {
    let python: string | undefined;
    if (needs.python) {
      await step('Python environment', stepPrinter(), async (info) => {
        ({ python } = await preparePythonEnv({ home: ratchetHome(), info, signal }));
        return undefined;
      });
    }
    let temporal = '';
    await step('Temporal program', stepPrinter(), async (info) => {
      temporal = await findTemporal({ env: process.env, home: ratchetHome(), info, signal });
      return undefined;
    });
    const env = { ...process.env, TEMPORAL_CLI: temporal, ...(python && { RATCHET_PYTHON: python }) };
    const code = await runHere(process.execPath, [main, ...args], env, signal);
    return signal.aborted ? EXIT.interrupted : code;
  } catch (error) {
    if (!signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    interrupt.dispose();
  }
}
