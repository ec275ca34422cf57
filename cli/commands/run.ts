import { resolve } from 'node:path';
import type { Command } from 'commander';
import { findAddresses, withDatabase } from '../addresses.ts';
import { EXIT, UsageError } from '../errors.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { checkInput, checkRunId, defaultRunId, inputFromFlags, type RunFlags } from '../run-input.ts';
import { withServedModel } from '../models/served.ts';
import { checkedBefore, ready } from './run-check.ts';
import { connectTemporal, startRun, workflowLink } from '../temporal.ts';
import { announceEnd, follow } from './follow.ts';
import { addInputOptions } from './input-options.ts';
import { printReport, writeReport } from './report.ts';

type Flags = RunFlags & { id?: string; detach?: boolean; json?: string; check?: boolean };

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
  addInputOptions(command)
    .option('--detach', 'start it and return at once')
    .option('--json <file>', 'write the report of the finished run as JSON')
    .option('--check', 'ask the models first (ratchet check), and start nothing where one would fail')
    .addHelpText('after', examples)
    .action(async (task: string, flags: Flags) => {
      process.exitCode = await run(task, flags);
    });
}

async function run(task: string, flags: Flags): Promise<number> {
  if (flags.detach && flags.json)
    throw new UsageError('--json needs the run to be watched to its end: leave out --detach.');
  const { input, task: name } = await checkInput(inputFromFlags(task, await withServedModel(flags)));
  const runId = checkRunId(flags.id ?? defaultRunId(name));
  const addresses = findAddresses();
  const client = await connectTemporal(addresses);
  const interrupt = listenForInterrupt();
  try {
    if (flags.check && !(await checkedBefore(client, runId)) && !(await ready(input, interrupt.signal)))
      return interrupt.signal.aborted ? EXIT.interrupted : EXIT.failed;
    const { joined } = await startRun(client, runId, input);
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
