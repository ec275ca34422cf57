/** pause, resume, stop, retry, skip, reset, budget: one command per message to a run. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Client } from '@temporalio/client';
import type { Db } from '../../db/connect.ts';
import { newestRun } from '../../db/report.ts';
import type { MessageArgs, MessageName } from '../../loop/control.ts';
import { findAddresses, withDatabase } from '../addresses.ts';
import { UsageError } from '../errors.ts';
import { sendMessage, startAgain, whatIsDone } from '../steer.ts';
import { connectTemporal, workflowState } from '../temporal.ts';
import { plainLines } from './follow.ts';

type Reason = { reason?: string };

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

async function goOn(run: string | undefined): Promise<void> {
  await withRun(run, async ({ db, client, runId }) => {
    if ((await workflowState(client, runId)).state === 'open') {
      const answer = await sendMessage(client, runId, 'resume', {});
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

export function addSteerCommands(program: Command): void {
  const command = (name: string, description: string, example: string) =>
    program
      .command(name)
      .description(description)
      .argument('[run]', 'id of the run (default: the newest)')
      .addHelpText('after', `\nExample:\n  ratchet ${example}`);
  const why = '--reason <text>';

  command('pause', 'let the pages under way finish and begin no new one', 'pause demo')
    .option(why, 'kept with the message')
    .action((run: string | undefined, flags: Reason) => tell(run, 'pause', flags));
  command('resume', 'go on with a paused run, or with one that failed or was stopped', 'resume demo').action(
    (run: string | undefined) => goOn(run),
  );
  command(
    'stop',
    'stop a run once the pages under way are done; `resume` goes on there',
    'stop demo --after-iteration',
  )
    .option('--after-iteration', 'finish the iteration first')
    .option(why, 'kept with the message')
    .action((run: string | undefined, flags: Reason & { afterIteration?: boolean }) =>
      tell(run, 'stop', { when: flags.afterIteration ? 'iteration' : 'now', reason: flags.reason }),
    );
  command('retry', 'let a parked run try again what failed', 'retry demo').action(
    async (run: string | undefined) => {
      await withRun(run, async ({ client, runId }) => {
        if ((await workflowState(client, runId)).state === 'open') {
          console.log(`${runId}: ${plainLines(await sendMessage(client, runId, 'retryIteration', {}))}`);
        } else await goOn(runId);
      });
    },
  );
  command('skip', 'give the running iteration up and begin the next', 'skip demo')
    .option(why, 'kept with the message')
    .action((run: string | undefined, flags: Reason) => tell(run, 'skipIteration', flags));
  command('reset', 'give the running iteration up and go on from a checkpoint', 'reset demo --to best')
    .requiredOption(
      '--to <checkpoint>',
      'base, best (highest on target), or the id of a checkpoint',
      checkpoint,
    )
    .option(why, 'kept with the message')
    .action((run: string | undefined, { to, reason }: Reason & { to: 'base' | 'best' | number }) =>
      tell(run, 'resetCheckpoint', { to, reason }),
    );
  command('budget', 'replace limits of a run', 'budget demo --tokens 5000000 --minutes 600')
    .option('--tokens <n>', 'prompt and completion tokens', amount)
    .option('--cost <n>', 'money, in the currency of the prices', amount)
    .option('--minutes <n>', 'wall time', amount)
    .option('--training-seconds <n>', 'time in fine-tuning jobs', amount)
    .option('--iteration', 'limits of each iteration instead of the whole run')
    .action(async (run: string | undefined, flags: Record<string, number> & { iteration?: boolean }) => {
      const { iteration, ...limits } = flags;
      if (Object.keys(limits).length === 0)
        throw new UsageError('Give at least one limit, for example --tokens 5000000.');
      await tell(run, 'setBudget', { [iteration ? 'iteration' : 'run']: limits });
    });
}
