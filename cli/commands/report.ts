import { renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { Db } from '../../db/connect.ts';
import { newestRun } from '../../db/queries/runs.ts';
import { UsageError } from '../../process/errors.ts';
import { makeFolder } from '../../process/folder.ts';
import { findAddresses, findDatabase, withDatabase } from '../../app/addresses.ts';
import { buildReport } from '../../app/report/report.ts';
import type { Report } from '../../app/report/types.ts';
import { renderReport } from '../render/report.ts';
import { listRuns, renderList, withWorkflows, type ListedRun } from '../list.ts';
import { connectTemporal } from '../../app/temporal.ts';
import { wantsColor } from './follow.ts';

export function addReportCommands(program: Command): void {
  addList(program);
  addReport(program);
}

function addReport(program: Command): void {
  program
    .command('report')
    .description('what a run measured and decided: base against best, per iteration, per gate')
    .argument('[run]', 'id of the run (default: the newest)')
    .option('--json', 'as data')
    .option('--html <file>', 'as one page that needs nothing else, to attach to a change request')
    .addHelpText(
      'after',
      '\nExamples:\n  ratchet report\n  ratchet report demo --json > demo.json\n  ratchet report demo --html demo.html',
    )
    .action(async (run: string | undefined, flags: { json?: boolean; html?: string }) => {
      if (flags.json && flags.html !== undefined)
        throw new UsageError('--json and --html are two forms of the report: ask for one of them at a time.');
      await withDatabase(findDatabase(), async (db) => {
        const runId = run ?? (await newestRun(db))?.id;
        if (!runId) throw new Error('There are no runs yet. Start one with: ratchet run arithmetic');
        if (flags.html !== undefined) {
          // Templates are not needed by any other command.
          const { writePage } = await import('../../app/report/html/write.ts');
          console.log(`The report of ${runId} is at ${await writePage(db, runId, flags.html)}`);
        } else if (flags.json) console.log(JSON.stringify(await buildReport(db, runId), null, 2));
        else await printReport(db, runId);
      });
    });
}

function addList(program: Command): void {
  program
    .command('list')
    .description('the runs there are, newest first')
    .option('--json', 'as data')
    .addHelpText('after', '\nExamples:\n  ratchet list\n  ratchet list --json')
    .action(async (flags: { json?: boolean }) => {
      await withDatabase(findDatabase(), async (db) => {
        const runs = await listAsTheyAre(db);
        console.log(
          flags.json ? JSON.stringify(runs, null, 2) : renderList(runs, wantsColor(process.stdout)),
        );
      });
    });
}

/** Also by what Temporal says, where it answers. */
async function listAsTheyAre(db: Db): Promise<ListedRun[]> {
  const runs = await listRuns(db);
  let client: Client;
  try {
    client = await connectTemporal(findAddresses());
  } catch {
    return runs;
  }
  try {
    return await withWorkflows(client, runs);
  } finally {
    await client.connection.close();
  }
}

export async function printReport(db: Db, runId: string): Promise<Report> {
  const report = await buildReport(db, runId);
  console.log(renderReport(report, { color: wantsColor(process.stdout) }));
  return report;
}

/** Writes it whole or not at all. */
export function writeReport(file: string, report: Report & Record<string, unknown>): void {
  makeFolder(dirname(file));
  writeFileSync(`${file}.part`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${file}.part`, file);
}
