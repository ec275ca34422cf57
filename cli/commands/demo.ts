import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import pc from 'picocolors';
import { findAddresses, withDatabase, type Addresses } from '../../app/addresses.ts';
import { demoInput, demoName, usualSplit, type DemoChoice } from '../../app/runs/demo-settings.ts';
import { demoRun, endUnfinished, type DemoRun } from '../../app/runs/demo.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { servedName } from '../../stack/models/source.ts';
import { startStack, type Stack } from '../../stack/stack.ts';
import { stepPrinter } from '../../stack/steps.ts';
import { connectTemporal, startRun, workflowLink } from '../../app/temporal.ts';
import { announceEnd, follow, wantsColor } from './follow.ts';
import { printReport, writeReport } from './report.ts';
import { wholeNumber } from '../numbers.ts';

type Flags = {
  iterations?: number;
  seed?: number;
  quick?: boolean;
  whole?: boolean;
  json?: string;
  keep?: boolean;
  fresh?: boolean;
  ungated?: boolean;
  control?: boolean;
  model?: string;
  splitSeed?: number;
};

const examples = `
Examples:
  ratchet demo                 about ten minutes on two cores
  ratchet demo --quick         a minute or two: shows the loop, proves little
  ratchet demo --whole         votes on whole sums, not on their parts: more iterations, the same end
  ratchet demo --ungated       the same with the gates off, for contrast
  ratchet demo --keep          leave the stack running afterwards
  ratchet demo --model qwen2.5-coder-0.5b
                               a language model learns word problems (SVAMP): docs/measurements/word-problems.md

Ctrl-C stops cleanly. Running it again continues the unfinished run; --fresh starts over.`;

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'all set-up, then a model that improves itself before your eyes: arithmetic, no labels, no key, no GPU',
    )
    .option('--iterations <n>', 'iterations to run at most', wholeNumber(1))
    .option('--quick', 'fewer prompts and iterations')
    .option(
      '--model <name>',
      'a language model that learns word problems: a name as `ratchet model add` takes it, or one that your MODEL_BASE_URL serves',
    )
    .option('--split-seed <n>', 'which word problems are held out (with --model)', wholeNumber(0))
    .option('--seed <n>', 'seed of everything random', wholeNumber(0))
    .addOption(new Option('--ungated', 'contrast arm: gates off, every majority trains').conflicts('control'))
    .addOption(new Option('--control', 'contrast arm: trains on rehearsal prompts only').conflicts('ungated'))
    .addOption(
      new Option('--whole', 'votes on whole sums, as the contrast arms do, not on their parts').conflicts([
        'model',
        'ungated',
        'control',
      ]),
    )
    .option('--fresh', 'end the unfinished demo run and start over')
    .option('--keep', 'leave the stack running')
    .option('--json <file>', 'write the report as JSON too')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      process.exitCode = await demo(flags);
    });
}

async function demo(flags: Flags): Promise<number> {
  if (flags.splitSeed !== undefined && flags.model === undefined)
    throw new UsageError('--split-seed needs --model: the sums of the built-in model have no split.');
  if (flags.model !== undefined && flags.control)
    throw new UsageError('--control needs easy problems to rehearse, which the word problems have none of.');
  const say = (text: string) => process.stderr.write(`${text}\n`);
  // While the run is drawn on the terminal, a line of ours would be in the way: it is said after.
  let drawing = false;
  const interrupt = listenForInterrupt(() => {
    if (!drawing) say('\n  Stopping …');
  });
  let stack: Stack | undefined;
  try {
    const { signal } = interrupt;
    // Whoever runs a model server knows what it serves.
    const models = flags.model === undefined || process.env.MODEL_BASE_URL ? undefined : [flags.model];
    stack = await startStack({ onStep: stepPrinter(), signal, detach: flags.keep, models });
    return await runDemo(flags, stack, signal, (on) => (drawing = on));
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    if (stack?.owned) {
      if (drawing) say('  Stopping …');
      await stack.stop();
    }
    if (stack && !stack.owned)
      say('The stack goes on running, and any unfinished run with it. Stop it with: ratchet down');
    else if (interrupt.signal.aborted)
      say('Stopped. Run the same command again to continue where it stopped.');
    interrupt.dispose();
  }
}

async function runDemo(
  flags: Flags,
  stack: Stack,
  signal: AbortSignal,
  onDraw: (on: boolean) => void,
): Promise<number> {
  const arm = flags.ungated ? 'ungated' : flags.control ? 'control' : 'none';
  const choice: DemoChoice = {
    arm,
    quick: flags.quick ?? false,
    whole: flags.whole,
    iterations: flags.iterations,
    seed: flags.seed,
    ...(flags.model === undefined
      ? {}
      : { words: { model: modelId(flags.model, stack), splitSeed: flags.splitSeed ?? usualSplit } }),
  };
  const addresses = findAddresses({ TEMPORAL_UI_URL: process.env.TEMPORAL_UI_URL, ...stack.env });
  const client = await connectTemporal(addresses);
  try {
    return await withDatabase(addresses.database, async (db) => {
      const name = demoName(choice);
      if (flags.fresh) {
        const ended = await endUnfinished(db, client, name);
        if (ended) console.log(`Ended the unfinished run "${ended}": starting over.`);
      }
      const run = await demoRun(db, name);
      signal.throwIfAborted();
      await startRun(client, run.id, demoInput(choice, stack.home));
      introduce(run, choice, flags, addresses, stack.env.RATCHET_WEB_URL);
      const watching = new AbortController();
      onDraw(true);
      const end = await Promise.race([
        follow(db, client, run.id, AbortSignal.any([signal, watching.signal])),
        stack.failed.then((error) => {
          watching.abort();
          throw error;
        }),
      ]);
      if (end.end === 'detached') return EXIT.interrupted;
      onDraw(false);
      const code = announceEnd(run.id, end);
      if (end.end === 'failed') {
        console.log('Running the demo again tries to go on from there; --fresh starts over.');
        return code;
      }
      console.log('');
      const report = await printReport(db, run.id);
      const link = workflowLink(addresses, run.id);
      if (flags.json) writeReport(resolve(flags.json), { ...report, temporalUi: link ?? null });
      console.log('');
      if (link && !stack.owned) console.log(`Temporal UI  ${link}`);
      if (stack.owned)
        console.log(`To look at the run in the Temporal UI: ratchet up${link ? `, then ${link}` : ''}`);
      return code;
    });
  } finally {
    await client.connection.close();
  }
}

/** The id under which a model is served: given as it is where the server is the user's. */
const modelId = (model: string, stack: Stack): string =>
  stack.state.parts.modelserver?.kind === 'local' ? servedName(model, stack.home) : model;

function introduce(
  { id, continues }: DemoRun,
  { words }: DemoChoice,
  flags: Flags,
  addresses: Addresses,
  web: string | undefined,
): void {
  const c = pc.createColors(wantsColor(process.stdout));
  console.log('');
  if (continues) {
    const state = continues.status === 'failed' ? 'failed' : 'unfinished';
    console.log(`Continuing the ${state} run "${id}" where it stopped; --fresh starts over.`);
    if (flags.iterations !== undefined || flags.seed !== undefined) {
      console.log(`It keeps the settings it was started with (${continues.iterations} iterations at most).`);
    }
  } else {
    const what = words
      ? `word problems (SVAMP) with ${words.model}`
      : 'the arithmetic task with the built-in model';
    console.log(`${c.bold('Run')} ${id}: ${what}.`);
  }
  const link = workflowLink(addresses, id);
  if (link) console.log(`Temporal UI  ${link}`);
  if (web) console.log(`Web page     ${web}/runs/${encodeURIComponent(id)}`);
  console.log('');
}
