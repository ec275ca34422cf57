/** `revoke`: keeps examples and memory entries that were found wrong out of everything that is trained and shown from now on. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Db } from '../../db/connect.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { UsageError } from '../../process/errors.ts';
import { renderMemoryPlan, renderPlan, renderRemedies } from '../render/revoke.ts';
import { exampleIds, planRevocation } from '../../app/lineage/revoke.ts';
import {
  memoryIds,
  planMemoryRevocation,
  revokeWithDescent,
  withDescent,
  type MemoryRevocation,
} from '../../app/lineage/revoke-memory.ts';
import { whoami } from '../../app/runs/steer.ts';
import { wantsColor } from './follow.ts';

type Flags = { reason: string; yes?: boolean };

const help = `
Lists the checkpoints that the examples touched, asks, and keeps the examples, and any equal to them, out of every
training set that is built from now on. What was trained with them stays as it is: the commands that go back to a
checkpoint without them are printed. A prompt all of whose examples are revoked may be learnt again.

A memory entry is shown no more, and the examples whose samples saw it are revoked with it.

Examples:
  ratchet revoke example:34 --reason "the carry is wrong"
  ratchet revoke 34 35 36 --reason "mislabelled by the vote" --yes
  ratchet revoke memory:3 --reason "its second step is wrong"`;

export function addRevokeCommand(program: Command): void {
  program
    .command('revoke')
    .description('keep examples, or memory entries, that were found wrong out of all that comes')
    .argument('<what...>', 'ids of examples; `ratchet why` names them; or memory:3')
    .requiredOption('--reason <text>', 'what is wrong with them; kept')
    .option('--yes', 'do not ask')
    .addHelpText('after', help)
    .action(async (given: string[], flags: Flags) => {
      const { entries, others } = memoryIds(given);
      if (entries.length > 0 && others.length > 0)
        throw new UsageError('Revoke examples and memory entries one after the other.');
      await withDatabase(findDatabase(), (db) =>
        entries.length > 0 ? revokeEntries(db, entries, flags) : revoke(db, exampleIds(given), flags),
      );
    });
}

/** @throws UsageError for a reason that says nothing */
function reasonIn({ reason }: Flags, what: string): string {
  const said = reason.trim();
  if (said === '') throw new UsageError(`Say in --reason what is wrong with ${what}.`);
  return said;
}

async function revokeEntries(db: Db, ids: number[], flags: Flags): Promise<void> {
  const reason = reasonIn(flags, 'the entries');
  const plan: MemoryRevocation = await planMemoryRevocation(db, ids);
  console.log(`${renderMemoryPlan(plan)}\n`);
  if (plan.examples.length > 0)
    console.log(`${renderPlan(await planRevocation(db, plan.examples), wantsColor(process.stdout))}\n`);
  if (!flags.yes && !(await confirmed())) {
    console.log('Nothing was revoked.');
    return;
  }
  // A sample that saw it may have been accepted while we asked.
  const now = await planMemoryRevocation(db, ids);
  const { entries, examples } = await revokeWithDescent(db, now, { reason, by: whoami() });
  console.log(
    entries + examples === 0
      ? 'All of them were revoked before; nothing changed.'
      : `Revoked ${entries} of memory, shown no more, and ${examples} examples.`,
  );
  const remedies = now.examples.length > 0 ? renderRemedies(await planRevocation(db, now.examples)) : '';
  if (remedies) console.log(`\n${remedies}`);
}

async function revoke(db: Db, ids: number[], flags: Flags): Promise<void> {
  const { yes } = flags;
  const reason = reasonIn(flags, 'the examples');
  const plan = await planRevocation(db, await withDescent(db, ids));
  console.log(`${renderPlan(plan, wantsColor(process.stdout))}\n`);
  if (!yes && !(await confirmed())) {
    console.log('Nothing was revoked.');
    return;
  }
  const added = await addRevocations(db, ids, { reason, by: whoami() });
  console.log(
    added.length === 0
      ? 'All of them were revoked before; nothing changed.'
      : `Revoked ${added.length}: no training set that is built from now on holds ${added.length === 1 ? 'it' : 'them'}.`,
  );
  // A training set may have been stored while we asked.
  const remedies = renderRemedies(await planRevocation(db, await withDescent(db, ids)));
  if (remedies) console.log(`\n${remedies}`);
}

/** @throws UsageError where there is nobody to ask */
async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError('Nothing was revoked: there is no terminal to ask at. Add --yes.');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // The end of the input is a no.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    return /^y(es)?$/i.test((await Promise.race([terminal.question('Revoke? [y/N] '), closed])).trim());
  } finally {
    terminal.close();
  }
}
