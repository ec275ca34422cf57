/** pause, resume, stop, retry, skip, reset, budget: one command per message to a run. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Client } from '@temporalio/client';
import type { Db } from '../../db/connect.ts';
import { newestRun } from '../../db/queries/runs.ts';
import type { MessageArgs } from '../../loop/control.ts';
import { STEERING, type Asked, type MessageName } from '../../loop/messages.ts';
import { findAddresses, withDatabase } from '../../app/addresses.ts';
import { UsageError } from '../../process/errors.ts';
import { sendMessage, startAgain, whatIsDone } from '../../app/runs/steer.ts';
import { connectTemporal, workflowState } from '../../app/temporal.ts';
import { plainLines } from './follow.ts';

/** Opens what a message needs; the newest run is meant where none is named. */
async function withRun(
  run: string | undefined,
  work: (context: { db: Db; client: Client; runId: string }) => Promise<void>,
): Promise<void> {
  const addresses = findAddresses();
  await withDatabase(addresses.database, async (db) => {
    const runId = run ?? (await newestRun(db))?.id;
    if (!runId) throw new UsageError('There are no runs yet. Start one with: ratchet run arithmetic');
    const client = await connectTemporal(addresses);
    try {
      await work({ db, client, runId });
    } finally {
      await client.connection.close();
    }
  });
}

async function tell(run: string | undefined, name: MessageName, args: MessageArgs): Promise<void> {
  await withRun(run, async ({ client, runId }) => {
    const answer = await sendMessage(client, runId, name, args);
    console.log(`${runId}: ${plainLines(answer)}`);
  });
}

async function goOn(run: string | undefined, name: MessageName): Promise<void> {
  await withRun(run, async ({ db, client, runId }) => {
    if ((await workflowState(client, runId)).state === 'open') {
      const answer = await sendMessage(client, runId, name, {});
      console.log(`${runId}: ${plainLines(answer)}`);
      return;
    }
    const done = await whatIsDone(db, runId);
    await startAgain(db, client, runId);
    console.log(`${runId} goes on where it stopped:`);
    for (const line of done) console.log(`  ${line}`);
    console.log(`Watch it with: ratchet watch ${runId}`);
  });
}

function checkpoint(text: string): 'base' | 'best' | number {
  if (text === 'base' || text === 'best') return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give base, best, or the id of a checkpoint (ratchet report names them).');
}

function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Give a number above 0.');
}

type Flags = Record<string, unknown>;

/** The flags of what a message asks for, and what they come to. */
const ASKED: Record<Asked, { flags(command: Command): Command; args(flags: Flags): MessageArgs }> = {
  when: {
    flags: (command) => command.option('--after-iteration', 'finish the iteration first'),
    args: ({ afterIteration }) => ({ when: afterIteration ? 'iteration' : 'now' }),
  },
  checkpoint: {
    flags: (command) =>
      command.requiredOption(
        '--to <checkpoint>',
        'base, best (highest on target), or the id of a checkpoint',
        checkpoint,
      ),
    args: ({ to }) => ({ to: to as MessageArgs['to'] }),
  },
  limits: {
    flags: (command) =>
      command
        .option('--tokens <n>', 'prompt and completion tokens', amount)
        .option('--cost <n>', 'money, in the currency of the prices', amount)
        .option('--minutes <n>', 'wall time', amount)
        .option('--training-seconds <n>', 'time in fine-tuning jobs', amount)
        .option('--iteration', 'limits of each iteration instead of the whole run'),
    args({ iteration, ...limits }) {
      if (Object.keys(limits).length === 0)
        throw new UsageError('Give at least one limit, for example --tokens 5000000.');
      return { [iteration ? 'iteration' : 'run']: limits };
    },
  },
};

export function addSteerCommands(program: Command): void {
  for (const { name, help, example, message, asks, startsAgain } of STEERING) {
    const asked = asks && ASKED[asks];
    const command = program
      .command(name)
      .description(help)
      .argument('[run]', 'id of the run (default: the newest)')
      .addHelpText('after', `\nExample:\n  ratchet ${example}`);
    asked?.flags(command);
    if (!startsAgain) command.option('--reason <text>', 'kept with the message');
    command.action((run: string | undefined, { reason, ...flags }: Flags & { reason?: string }) =>
      startsAgain ? goOn(run, message) : tell(run, message, { ...asked?.args(flags), reason }),
    );
  }
}
