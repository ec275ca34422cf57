/** The `ratchet` command. Exit codes: 0 done, 1 failed, 2 wrong usage (nothing was started), 130 interrupted. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addChaosCommand } from './commands/chaos.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addExportCommand } from './commands/export.ts';
import { addImportCommand } from './commands/import.ts';
import { addGalleryCommand } from './commands/gallery.ts';
import { addListCommand, addReportCommand } from './commands/report.ts';
import { addReviewCommand } from './commands/review.ts';
import { addRunCommand } from './commands/run.ts';
import { addRevokeCommand } from './commands/revoke.ts';
import { addSteerCommands } from './commands/steer.ts';
import { addServeCommands } from './commands/serve.ts';
import { addServingCommands } from './commands/serving.ts';
import { addSettingsCommand } from './commands/settings.ts';
import { addSetupCommand } from './commands/setup.ts';
import { addScheduleCommand } from './commands/schedule.ts';
import { addTestCommand } from './commands/test.ts';
import { addWatchCommand } from './commands/watch.ts';
import { addWhyCommand } from './commands/why.ts';
import { EXIT, reportError } from './errors.ts';
import { addStackCommands } from './stack/commands.ts';
import { wasReported } from './stack/steps.ts';

const help = `
First steps:
  ratchet demo                     all set-up, then a model that improves itself
  ratchet up                       start the local stack: PostgreSQL, Temporal, model server, worker
  ratchet run arithmetic           start a run and watch it
  ratchet report                   what the newest run measured and decided
  ratchet why best                 where its best checkpoint comes from; also revoke
  ratchet serving                  which checkpoint each task serves; also promote, rollback
  ratchet pause, resume, stop      steer it; also retry, skip, reset, budget
  ratchet review                   decide on what waits for a person

Exit codes: 0 done, 1 failed, 2 wrong usage (nothing was started), 130 interrupted.
RATCHET_DEBUG=1 adds stack traces to errors, NO_COLOR=1 takes the colours away.`;

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Commander copies these settings to subcommands made after they are set. */
export function createProgram(): Command {
  const program = new Command('ratchet')
    .description(
      'Self-improvement loops for language models as durable Temporal workflows: better or unchanged, never worse.',
    )
    .version(version())
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', help);
  addDemoCommand(program);
  addStackCommands(program);
  addRunCommand(program);
  addWatchCommand(program);
  addListCommand(program);
  addReportCommand(program);
  addExportCommand(program);
  addImportCommand(program);
  addWhyCommand(program);
  addRevokeCommand(program);
  addSteerCommands(program);
  addReviewCommand(program);
  addServingCommands(program);
  addServeCommands(program);
  addSettingsCommand(program);
  addSetupCommand(program);
  addScheduleCommand(program);
  addTestCommand(program);
  addChaosCommand(program);
  addGalleryCommand(program);
  return program;
}

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else process.exitCode = wasReported(error) ? EXIT.failed : reportError(error);
  }
}

// A reader that has gone (`ratchet report | head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

if (import.meta.main) await main();
