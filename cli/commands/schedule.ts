/** `schedule`: runs that start by themselves, as Temporal Schedules. */
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { findAddresses, withDatabase, type Addresses } from '../../app/addresses.ts';
import { UsageError } from '../../process/errors.ts';
import { renderSchedule, renderSchedules } from '../render/schedules.ts';
import { withServedModel } from '../../stack/models/served.ts';
import { grantToStack } from '../../app/grants.ts';
import { checkInput, checkRunId, inputFromFlags, taskSlug, type RunFlags } from '../../app/runs/input.ts';
import {
  durationMs,
  timingFromFlags,
  zonedText,
  zonedTime,
  type TimingFlags,
} from '../../app/schedules/spec.ts';
import {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  showSchedule,
  triggerSchedule,
  unpauseSchedule,
} from '../../app/schedules/schedules.ts';
import { connectTemporal, scheduleLink } from '../../app/temporal.ts';
import { wantsColor } from './follow.ts';
import { addInputOptions } from './input-options.ts';

type CreateFlags = RunFlags & TimingFlags & { id?: string; catchUp: string; paused?: boolean };

/** Below this the server takes its own minimum, and the number shown would not be the one in force. */
const MIN_CATCH_UP_MS = 10_000;

const help = `
A scheduled run begins at the checkpoint that the task serves (ratchet serving), and draws only
prompts that no run of the task has used. One that is due while the last is still going is skipped; one that an
outage delayed is made up for within the catch-up window; a run that fails pauses the schedule.

Examples:
  ratchet schedule create arithmetic --weekly "Sun 03:00" --timezone Europe/Berlin
  ratchet schedule list
  ratchet schedule trigger arithmetic-weekly`;

const createHelp = `
Give one of --weekly, --daily, --every and --cron. A clock time that a change to summer time leaves out does not
fire that day. Any field of the run's input can be set, as for: ratchet run

Examples:
  ratchet schedule create arithmetic --weekly "Sun 03:00"
  ratchet schedule create arithmetic --weekly "Mon,Thu 22:30" --timezone America/New_York --catch-up 6h
  ratchet schedule create my-task.yaml --id nightly --daily 03:00 --prompts prompts.jsonl --iterations 2
  ratchet schedule create arithmetic --every 12h --set start=base --set pool.unused=false`;

const backfillHelp = `
The runs go one after the other, each in the week for which it was due. A time that has been run is left out;
a run that failed goes on.
Times without an offset are on the clock of the schedule's time zone.

Examples:
  ratchet schedule backfill arithmetic-weekly --from 2026-11-01 --to 2026-11-22
  ratchet schedule backfill nightly --from "2026-11-20 03:00" --to "2026-11-22 03:00"`;

async function withTemporal<T>(work: (client: Client, addresses: Addresses) => Promise<T>): Promise<T> {
  const addresses = findAddresses();
  const client = await connectTemporal(addresses);
  try {
    return await work(client, addresses);
  } finally {
    await client.connection.close();
  }
}

export function addScheduleCommand(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('runs that start by themselves: weekly, daily, at intervals')
    .addHelpText('after', help);
  addCreate(schedule);
  addReaders(schedule);
  addControls(schedule);
}

function addCreate(schedule: Command): void {
  const command = schedule
    .command('create')
    .description('make a schedule of runs of a task')
    .argument('<task>', 'a built-in task (arithmetic) or a task file (.yaml)')
    .option('--id <id>', 'id of the schedule (default: <task>-weekly, -daily, …); its runs are <id>-<time>')
    .option('--weekly <days time>', 'on days of the week: "Sun 03:00", "Mon,Thu 22:30"')
    .option('--daily <time>', 'every day: 03:00')
    .option('--every <length>', 'at intervals, counted from 1970: 30m, 6h, 2d')
    .option('--cron <expression>', 'minute, hour, day of the month, month, day of the week: "0 3 * * 1"')
    .option('--timezone <name>', "IANA name (default: this machine's)")
    .option(
      '--catch-up <length>',
      'how late a run may begin after an outage, before it counts as missed',
      '1d',
    )
    .option('--paused', 'make it paused');
  addInputOptions(command)
    .addHelpText('after', createHelp)
    .action(async (task: string, flags: CreateFlags) => {
      const timing = timingFromFlags(flags);
      const catchUpMs = durationMs('--catch-up', flags.catchUp);
      if (catchUpMs < MIN_CATCH_UP_MS) throw new UsageError('--catch-up: at least 10s.');
      const {
        input,
        task: name,
        spec,
      } = await checkInput(inputFromFlags(task, await withServedModel(flags)));
      const id = checkRunId(flags.id ?? `${taskSlug(name)}-${timing.rhythm}`);
      await withTemporal(async (client, addresses) => {
        await grantToStack(input, spec);
        await createSchedule(client, { id, input, spec, timing, catchUpMs, paused: flags.paused });
        await withDatabase(addresses.database, async (db) => {
          console.log(renderSchedule(await showSchedule(client, db, id), wantsColor(process.stdout)));
        });
        if (!flags.timezone)
          console.log(`\nThe time zone is this machine's (${timing.timeZone}); --timezone names another.`);
        const link = scheduleLink(addresses, id);
        if (link) console.log(`Temporal UI  ${link}`);
      });
    });
}

function addReaders(schedule: Command): void {
  schedule
    .command('list')
    .description('the schedules there are: when they fire, what they ran, skipped and missed')
    .option('--json', 'as data')
    .addHelpText('after', '\nExamples:\n  ratchet schedule list\n  ratchet schedule list --json')
    .action(async (flags: { json?: boolean }) => {
      await withTemporal((client, addresses) =>
        withDatabase(addresses.database, async (db) => {
          const schedules = await listSchedules(client, db);
          console.log(
            flags.json
              ? JSON.stringify(schedules, null, 2)
              : renderSchedules(schedules, wantsColor(process.stdout)),
          );
        }),
      );
    });
  schedule
    .command('show')
    .description('one schedule with its newest runs')
    .argument('<id>', 'id of the schedule')
    .option('--json', 'as data')
    .addHelpText('after', '\nExamples:\n  ratchet schedule show arithmetic-weekly')
    .action(async (id: string, flags: { json?: boolean }) => {
      await withTemporal((client, addresses) =>
        withDatabase(addresses.database, async (db) => {
          const one = await showSchedule(client, db, id);
          const link = scheduleLink(addresses, id);
          if (flags.json) return console.log(JSON.stringify({ ...one, temporalUi: link ?? null }, null, 2));
          console.log(renderSchedule(one, wantsColor(process.stdout)));
          if (link) console.log(`\nTemporal UI  ${link}`);
        }),
      );
    });
}

function addControls(schedule: Command): void {
  schedule
    .command('pause')
    .description('stop it from firing; a run under way goes on')
    .argument('<id>', 'id of the schedule')
    .option('--note <text>', 'why; shown in the list', 'paused by hand')
    .addHelpText(
      'after',
      '\nExamples:\n  ratchet schedule pause arithmetic-weekly --note "new prompts on Friday"',
    )
    .action(async (id: string, { note }: { note: string }) => {
      await withTemporal((client) => pauseSchedule(client, id, note));
      console.log(`Paused ${id}. Let it fire again with: ratchet schedule unpause ${id}`);
    });
  schedule
    .command('unpause')
    .alias('resume')
    .description('let it fire again')
    .argument('<id>', 'id of the schedule')
    .option('--note <text>', 'kept with the schedule', 'unpaused by hand')
    .addHelpText('after', '\nExamples:\n  ratchet schedule unpause arithmetic-weekly')
    .action(async (id: string, { note }: { note: string }) => {
      await withTemporal((client) => unpauseSchedule(client, id, note));
      console.log(`${id} fires again.`);
    });
  schedule
    .command('trigger')
    .description('start its run now, also while it is paused')
    .argument('<id>', 'id of the schedule')
    .addHelpText('after', '\nExamples:\n  ratchet schedule trigger arithmetic-weekly')
    .action(async (id: string) => {
      const { run } = await withTemporal((client) => triggerSchedule(client, id));
      console.log(`Run ${run}\nWatch it with: ratchet watch ${run}`);
    });
  schedule
    .command('backfill')
    .description('run what was due in a past range')
    .argument('<id>', 'id of the schedule')
    .requiredOption('--from <time>', 'first time: 2026-11-01, "2026-11-01 03:00" or with its offset')
    .option('--to <time>', 'last time (default: now)')
    .addHelpText('after', backfillHelp)
    .action(async (id: string, flags: { from: string; to?: string }) => {
      await withTemporal((client, addresses) =>
        withDatabase(addresses.database, async (db) => {
          const { timeZone } = await showSchedule(client, db, id);
          const from = zonedTime('--from', flags.from, timeZone);
          const asked = flags.to === undefined ? new Date() : zonedTime('--to', flags.to, timeZone, true);
          const to = new Date(Math.min(asked.getTime(), Date.now()));
          if (from > to)
            throw new UsageError('--from: the range must begin before it ends, and in the past.');
          const { times, leftOut } = await backfillSchedule(client, db, id, from, to);
          const count = `${times.length} time${times.length === 1 ? '' : 's'}, one after the other`;
          console.log(`${count}: ${times.map((time) => zonedText(time, timeZone)).join(', ')}`);
          if (leftOut > 0) console.log(`${leftOut} left out, since they have been run.`);
          console.log(`See how they go with: ratchet schedule show ${id}`);
        }),
      );
    });
  schedule
    .command('delete')
    .description('remove it; its runs and what they promoted stay')
    .argument('<id>', 'id of the schedule')
    .addHelpText('after', '\nExamples:\n  ratchet schedule delete arithmetic-weekly')
    .action(async (id: string) => {
      const { running } = await withTemporal((client) => deleteSchedule(client, id));
      console.log(`Deleted ${id}.${running.map((run) => ` The run ${run} goes on.`).join('')}`);
    });
}
