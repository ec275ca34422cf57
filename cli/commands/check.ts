import type { Command } from 'commander';
import pc from 'picocolors';
import { useStackModels } from '../../app/addresses.ts';
import { checkRun } from '../../engine/check/check.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { withServedModel } from '../../stack/models/served.ts';
import { renderCheck } from '../render/check.ts';
import { inputFromFlags, schemaProblems, type RunFlags } from '../../app/runs/input.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { wantsColor } from './follow.ts';
import { addInputOptions } from './input-options.ts';

const help = `
Asks each role once, in exactly the form that a run will use, and shows what was sent, what came and what was read of it. A
handful of requests; nothing is stored or trained. ✓ is right, ! works but could be better, ✗ has to be mended before a run
can do anything, ? could not be reached from here. Exit code 0: ready, 1: faults.

Examples:
  ratchet check my-task.yaml
  ratchet check my-task.yaml --base-url http://localhost:8000/v1 --model my-model`;

export function addCheckCommand(program: Command): void {
  const command = program
    .command('check')
    .description('ask every model once as a run will, and say what is wrong and what it will cost')
    .argument('<task>', 'a built-in task (arithmetic) or a task file (.yaml)');
  addInputOptions(command)
    .option('--json', 'print everything as JSON')
    .addHelpText('after', help)
    .action(async (task: string, flags: RunFlags & { json?: boolean }) => {
      process.exitCode = await check(task, flags);
    });
}

async function check(task: string, { json, ...flags }: RunFlags & { json?: boolean }): Promise<number> {
  useStackModels();
  const input = inputFromFlags(task, await withServedModel(flags));
  const problems = schemaProblems(input);
  if (problems.length > 0)
    throw new UsageError(`The input is not valid:\n${problems.map((one) => `  ${one}`).join('\n')}`);
  const interrupt = listenForInterrupt();
  try {
    const report = await checkRun(input as ImproveInput, { signal: interrupt.signal });
    const colors = pc.createColors(wantsColor(process.stdout));
    console.log(json ? JSON.stringify(report, null, 2) : renderCheck(report, colors));
    return report.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    interrupt.dispose();
  }
}
