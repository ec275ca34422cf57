import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { findAddresses, findDatabase, withDatabase, type Addresses } from '../../app/addresses.ts';
import { findRun, newestRun } from '../../db/queries/runs.ts';
import type { Db } from '../../db/connect.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { connectTemporal, newestOpenRun, workflowLink, workflowState } from '../../app/temporal.ts';
import { announceEnd, follow } from './follow.ts';
import { plain } from '../../process/text.ts';

export function addWatchCommand(program: Command): void {
  program
    .command('watch')
    .description('follow a run live; Ctrl-C stops watching, the run goes on')
    .argument('[run]', 'id of the run (default: the newest unfinished one)')
    .option('--exit-when-parked', 'end with exit code 3 once the run waits for an operator')
    .addHelpText(
      'after',
      '\nExamples:\n  ratchet watch\n  ratchet watch arithmetic-20261122-140533\n  ratchet watch --exit-when-parked > run.log\n\n' +
        'Exit code: 1 when the run failed, 3 when it is parked (--exit-when-parked), 130 when you stopped watching.',
    )
    .action(async (run: string | undefined, flags: { exitWhenParked?: boolean }) => {
      process.exitCode = await watch(run, flags.exitWhenParked);
    });
}

async function chooseRun(db: Db, client: Client | undefined, id: string | undefined): Promise<string> {
  if (id) return id;
  const newest = await newestRun(db, 'unfinished');
  if (newest) return newest.id;
  const open = client && (await newestOpenRun(client));
  if (open) return open;
  const last = await newestRun(db);
  throw new Error(
    last
      ? `No run is under way. The last one was ${plain(last.id)} (${last.status}): ratchet report ${plain(last.id)}`
      : 'There are no runs yet. Start one with: ratchet run arithmetic',
  );
}

/** Temporal tells more than the database, but the database is enough to watch by. */
function temporalIfKnown(): Addresses | undefined {
  try {
    return findAddresses();
  } catch {
    return undefined;
  }
}

async function watch(id: string | undefined, exitWhenParked?: boolean): Promise<number> {
  const database = findDatabase();
  const addresses = temporalIfKnown();
  const client = addresses && (await connectTemporal(addresses));
  const interrupt = listenForInterrupt();
  try {
    return await withDatabase(database, async (db) => {
      const runId = await chooseRun(db, client, id);
      const known =
        (await findRun(db, runId)) ?? (client && (await workflowState(client, runId)).state !== 'absent');
      if (!known) throw new Error(`There is no run "${runId}". See the runs there are with: ratchet list`);
      console.log(`Run ${plain(runId)}`);
      const link = addresses && workflowLink(addresses, runId);
      if (link) console.log(`Temporal UI  ${link}`);
      return announceEnd(runId, await follow(db, client, runId, interrupt.signal, { exitWhenParked }));
    });
  } finally {
    interrupt.dispose();
    await client?.connection.close();
  }
}
