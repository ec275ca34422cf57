/** `revoke`: keeps examples that were found wrong out of everything that is trained from now on. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Db } from '../../db/connect.ts';
import { addRevocations } from '../../db/queries/revocations.ts';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { UsageError } from '../../process/errors.ts';
import { renderPlan, renderRemedies } from '../render/revoke.ts';
import { exampleIds, planRevocation } from '../../app/lineage/revoke.ts';
import { whoami } from '../../app/runs/steer.ts';
import { wantsColor } from './follow.ts';

type Flags = { reason: string; yes?: boolean };

const help = `
Lists the checkpoints that the examples touched, asks, and keeps the examples, and any equal to them, out of every
training set that is built from now on. What was trained with them stays as it is: the commands that go back to a
checkpoint without them are printed. A prompt all of whose examples are revoked may be learnt again.

Examples:
  ratchet revoke example:34 --reason "the carry is wrong"
  ratchet revoke 34 35 36 --reason "mislabelled by the vote" --yes`;

export function addRevokeCommand(program: Command): void {
  program
    .command('revoke')
    .description('keep examples that were found wrong out of all future training')
    .argument('<examples...>', 'ids of examples; `ratchet why` names them')
    .requiredOption('--reason <text>', 'what is wrong with them; kept')
    .option('--yes', 'do not ask')
    .addHelpText('after', help)
    .action(async (given: string[], flags: Flags) => {
      await withDatabase(findDatabase(), (db) => revoke(db, exampleIds(given), flags));
    });
}

async function revoke(db: Db, ids: number[], { reason, yes }: Flags): Promise<void> {
  if (reason.trim() === '') throw new UsageError('Say in --reason what is wrong with the examples.');
  const plan = await planRevocation(db, ids);
  console.log(`${renderPlan(plan, wantsColor(process.stdout))}\n`);
  if (!yes && !(await confirmed())) {
    console.log('Nothing was revoked.');
    return;
  }
  const added = await addRevocations(db, ids, { reason: reason.trim(), by: whoami() });
  console.log(
    added.length === 0
      ? 'All of them were revoked before; nothing changed.'
      : `Revoked ${added.length}: no training set that is built from now on holds ${added.length === 1 ? 'it' : 'them'}.`,
  );
  // A training set may have been stored while we asked.
  const remedies = renderRemedies(await planRevocation(db, ids));
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
