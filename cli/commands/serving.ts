/** `serving`, `promote`, `rollback`, `unpin`: which checkpoint a task serves, and changing it by hand. */
import type { Command } from 'commander';
import {
  followPromotions,
  promoteCheckpoint,
  rollBack,
  ServingRefused,
  servingOfTask,
} from '../../engine/serving.ts';
import type { Db } from '../../db/connect.ts';
import { standingOf, taskNames } from '../../db/queries/serving.ts';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { UsageError } from '../../process/errors.ts';
import { renderServing, servingReport } from '../../app/serving/serving.ts';
import { whoami } from '../../app/runs/steer.ts';
import { plain } from '../../process/text.ts';
import { findTarget } from '../../app/lineage/target.ts';
import { wantsColor } from './follow.ts';

type Flags = { reason: string; pin?: boolean; force?: boolean };

const promoteHelp = `
What a person chooses is served at once, by the gateway and as the start of runs with start: promoted. A promotion of a run
replaces it when it is proven better than it; with --pin nothing does until you choose again or unpin. A checkpoint that
never passed its benchmark is refused unless forced. Each choice is kept with who made it, when and why.

Examples:
  ratchet promote best:demo --reason "checked by hand on last week's questions"
  ratchet promote checkpoint:12 --reason "the newest one is too slow" --pin`;

const rollbackHelp = `
Serves the checkpoint before the present one, pinned: what was taken back was measured better, and so would be what is
trained from it. Again, and it goes back one further. With --no-pin the next promotion that is proven better replaces it.

Example:
  ratchet rollback arithmetic --reason "customers report wrong carries"`;

export function addServingCommands(program: Command): void {
  program
    .command('serving')
    .description('which checkpoint each task serves, and how that came about')
    .argument('[task]', 'name of one task: with its whole history')
    .option('--json', 'as data')
    .addHelpText('after', '\nExamples:\n  ratchet serving\n  ratchet serving arithmetic --json')
    .action(async (task: string | undefined, { json }: { json?: boolean }) => {
      await withDatabase(findDatabase(), async (db) => {
        const known = await taskNames(db);
        if (task !== undefined) refuseUnknown(task, known);
        const reports = [];
        for (const name of task === undefined ? known : [task])
          reports.push(servingReport(name, await servingOfTask(db, name)));
        const color = wantsColor(process.stdout);
        console.log(
          json
            ? JSON.stringify(reports, null, 2)
            : renderServing(reports, { color, all: task !== undefined }),
        );
      });
    });
  program
    .command('promote')
    .description('serve a checkpoint from now on, whatever was measured last')
    .argument('<checkpoint>', 'checkpoint:12, best:RUN, a model, a fingerprint: as for `ratchet why`')
    .requiredOption('--reason <text>', 'why; kept')
    .option('--pin', 'no promotion replaces it until you choose again')
    .option('--force', 'although it never passed its benchmark')
    .addHelpText('after', promoteHelp)
    .action(async (given: string, flags: Flags) => {
      await changing(async (db) => {
        const target = await findTarget(db, given, { checkpoint: true });
        if (target.kind !== 'checkpoint')
          throw new UsageError(`${plain(given)} is no checkpoint. Give one, as in checkpoint:12.`);
        const task = (await standingOf(db, target.id))?.task;
        if (task === undefined) throw new UsageError(`There is no checkpoint ${target.id}.`);
        const choice = await promoteCheckpoint(db, task, target.id, { ...flags, by: whoami() });
        if (choice.forced) console.log('It never passed its benchmark: forced, and kept so.');
        return task;
      });
    });
  program
    .command('rollback')
    .description('serve the checkpoint before the present one again')
    .argument('<task>', 'name of the task')
    .requiredOption('--reason <text>', 'why; kept')
    .option('--no-pin', 'the next promotion that is proven better may replace it')
    .addHelpText('after', rollbackHelp)
    .action(async (task: string, { reason, pin }: Flags) => {
      await changing(async (db) => {
        refuseUnknown(task, await taskNames(db));
        await rollBack(db, task, { reason, pin, by: whoami() });
        return task;
      });
    });
  program
    .command('unpin')
    .description('serve what the proven promotions give, now and from now on')
    .argument('<task>', 'name of the task')
    .requiredOption('--reason <text>', 'why; kept')
    .addHelpText('after', '\nExample:\n  ratchet unpin arithmetic --reason "the new adapter mends it"')
    .action(async (task: string, { reason }: Flags) => {
      await changing(async (db) => {
        refuseUnknown(task, await taskNames(db));
        await followPromotions(db, task, { reason, by: whoami() });
        return task;
      });
    });
}

function refuseUnknown(task: string, known: string[]): void {
  if (known.includes(task)) return;
  const which = known.length > 0 ? `Tasks with runs: ${known.map(plain).join(', ')}` : 'No task has runs yet';
  throw new UsageError(`There is no task "${plain(task)}". ${which}.`);
}

/** Makes a choice and prints what is served after it. */
async function changing(choose: (db: Db) => Promise<string>): Promise<void> {
  await withDatabase(findDatabase(), async (db) => {
    try {
      const task = await choose(db);
      const report = servingReport(task, await servingOfTask(db, task));
      console.log(renderServing([report], { color: wantsColor(process.stdout), all: false }));
    } catch (error) {
      if (error instanceof ServingRefused) throw new UsageError(error.message);
      throw error;
    }
  });
}
