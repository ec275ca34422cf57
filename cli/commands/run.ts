import { resolve } from 'node:path';
import type { Command } from 'commander';
import { findAddresses, withDatabase } from '../../app/addresses.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { grantToStack } from '../../app/grants.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { checkInput, checkRunId, defaultRunId, inputFromFlags, type RunFlags } from '../../app/runs/input.ts';
import { withServedModel } from '../../stack/models/served.ts';
import { checkedBefore, ready, withoutCheck } from './run-check.ts';
import { connectTemporal, startRun, workflowLink } from '../../app/temporal.ts';
import { announceEnd, follow } from './follow.ts';
import { addInputOptions } from './input-options.ts';
import { printReport, writeReport } from './report.ts';

/** How a run is started and watched, whatever its input. */
export type StartFlags = {
  id?: string;
  detach?: boolean;
  json?: string;
  check?: boolean;
  exitWhenParked?: boolean;
};

type Flags = RunFlags & StartFlags;

const examples = `
Examples:
  ratchet run arithmetic
  ratchet run arithmetic --prompts prompts.jsonl --iterations 6
  ratchet run my-task.yaml --model smollm2-135m
  ratchet run my-task.yaml --base-url http://localhost:8000/v1 --model my-model --api-key-env MY_KEY
  ratchet run arithmetic --set sampling.samples=16 --set gates.agreement.min=0.7 --detach

"ratchet settings" lists the fields that can be set: flags win over --set, --set wins over --input.
Ctrl-C stops watching; the run goes on. An unfinished run of the same --id is joined, a failed one continued.`;

export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .description('start a run of the improve workflow on a task, and watch it')
    .argument('<task>', 'a built-in task (arithmetic) or a task file (.yaml)')
    .option('--id <id>', 'id of the run and of its workflow (default: <task>-<date>-<time>)');
  addStartOptions(addInputOptions(command))
    .addHelpText('after', examples)
    .action(async (task: string, flags: Flags) => {
      process.exitCode = await run(task, flags);
    });
}

export const addStartOptions = (command: Command): Command =>
  command
    .option('--detach', 'start it and return at once')
    .option('--exit-when-parked', 'stop watching, with exit code 3, once the run waits for an operator')
    .option('--json <file>', 'write the report of the finished run as JSON')
    .option('--no-check', 'start it without asking the models first (ratchet check)');

async function run(task: string, flags: Flags): Promise<number> {
  return startAndWatch(inputFromFlags(task, await withServedModel(flags)), flags);
}

/** Starts a run with this input, or joins the one of its id, and watches it. @returns the exit code */
export async function startAndWatch(tree: Record<string, unknown>, flags: StartFlags): Promise<number> {
  if (flags.detach && flags.json)
    throw new UsageError('--json needs the run to be watched to its end: leave out --detach.');
  if (flags.detach && flags.exitWhenParked)
    throw new UsageError('--exit-when-parked needs the run to be watched: leave out --detach.');
  const { input, task: name, spec } = await checkInput(tree);
  const runId = checkRunId(flags.id ?? defaultRunId(name));
  const addresses = findAddresses();
  const client = await connectTemporal(addresses);
  const interrupt = listenForInterrupt();
  try {
    const asks = flags.check && !(await checkedBefore(client, runId));
    const checked = asks ? await ready(input, interrupt.signal) : withoutCheck(input);
    if (!checked) return interrupt.signal.aborted ? EXIT.interrupted : EXIT.failed;
    await grantToStack(input, spec);
    const { joined } = await startRun(client, runId, checked);
    const link = workflowLink(addresses, runId);
    console.log(
      joined
        ? `The run "${runId}" is under way already: joining it, with the input it was started with.`
        : `Run ${runId}`,
    );
    if (link) console.log(`Temporal UI  ${link}`);
    if (flags.detach) {
      console.log(`Watch it with: ratchet watch ${runId}`);
      return EXIT.ok;
    }
    return await withDatabase(addresses.database, async (db) => {
      const end = await follow(db, client, runId, interrupt.signal, {
        findsModel: !joined && input.models?.generator?.model === undefined,
        exitWhenParked: flags.exitWhenParked,
      });
      const code = announceEnd(runId, end);
      if (end.end === 'completed' || end.end === 'stopped') {
        console.log('');
        const report = await printReport(db, runId);
        if (flags.json) writeReport(resolve(flags.json), { ...report, temporalUi: link ?? null });
      }
      return code;
    });
  } finally {
    interrupt.dispose();
    await client.connection.close();
  }
}
