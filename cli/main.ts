/** The `ratchet` command. Exit codes: 0 done, 1 failed, 2 wrong usage (nothing was started), 3 parked (--exit-when-parked), 130 interrupted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { sendKeysOfUser } from '../models/keys.ts';
import { actAsUser } from '../tasks/access.ts';
import { EXIT, reportError } from '../process/errors.ts';
import { isPackage, programFolder } from '../process/program.ts';
import { wasReported } from '../stack/steps.ts';

const help = `
First steps:
  ratchet doctor                   what is missing on this machine
  ratchet demo                     all set-up, then a model that improves itself
  ratchet up                       start the local stack; also status, down
  ratchet model add NAME           a real language model; also list, remove
  ratchet new words my-words       a task folder to start from; also code, support, tutor, discovery
  ratchet check my-task.yaml       ask every model once: what is wrong, what a run will cost
  ratchet bugs my-code.yaml        make bugs of your repositories, for a task that repairs code
  ratchet diagnose answers.jsonl   which misconceptions explain what learners answered
  ratchet corrections my.yaml      find what users corrected in conversations, for a support task
  ratchet questions manual.pdf     prompts from documents, each tied to the words that answer it
  ratchet run arithmetic           start a run and watch it; "ratchet settings" lists what can be set
  ratchet distil TASK --student M  a smaller model learns what the one that is served can do
  ratchet schedule create …        runs that start by themselves
  ratchet watch, list              where a run stands; the runs there are
  ratchet pause, resume, stop      steer it; also retry, skip, reset, budget
  ratchet review                   decide on what waits for a person
  ratchet report                   what the newest run measured and decided
  ratchet why best                 where its best checkpoint comes from; also revoke
  ratchet export, import           accepted samples for other trainers; prompts and worked answers from elsewhere
  ratchet serving                  which checkpoint each task serves; also promote, rollback, unpin
  ratchet memory list              what is shown before questions; also show, add
  ratchet answer TASK PROMPT       one answer; with --ttt the model adapts to the prompt first
  ratchet discover LAW             find a law by experiments that are chosen for what they tell; also study
  ratchet serve                    answer with it, as an OpenAI-compatible endpoint; also feedback

Exit codes: 0 done, 1 failed, 2 wrong usage (nothing was started), 3 parked (--exit-when-parked), 130 interrupted.
RATCHET_DEBUG=1 adds stack traces to errors, NO_COLOR=1 takes the colours away.`;

function version(): string {
  const text = readFileSync(join(programFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

type Group = { names: string[]; add: (program: Command) => Promise<void> };

/** Tests of Ratchet itself, which no package holds. */
const OF_THE_CLONE: Group[] = [
  { names: ['test'], add: async (to) => (await import('./commands/test.ts')).addTestCommand(to) },
  { names: ['chaos'], add: async (to) => (await import('./commands/chaos.ts')).addChaosCommand(to) },
  { names: ['hostile'], add: async (to) => (await import('./commands/hostile.ts')).addHostileCommand(to) },
  { names: ['gallery'], add: async (to) => (await import('./commands/gallery.ts')).addGalleryCommand(to) },
];

/** Commands by the file that makes them, in the order of the help. */
export const GROUPS: Group[] = [
  { names: ['demo'], add: async (to) => (await import('./commands/demo.ts')).addDemoCommand(to) },
  {
    names: ['up', 'down', 'status', 'doctor'],
    add: async (to) => (await import('./commands/stack.ts')).addStackCommands(to),
  },
  { names: ['model'], add: async (to) => (await import('./commands/model.ts')).addModelCommands(to) },
  { names: ['new'], add: async (to) => (await import('./commands/new.ts')).addNewCommand(to) },
  { names: ['bugs'], add: async (to) => (await import('./commands/bugs.ts')).addBugsCommand(to) },
  {
    names: ['diagnose'],
    add: async (to) => (await import('./commands/diagnose.ts')).addDiagnoseCommand(to),
  },
  {
    names: ['corrections'],
    add: async (to) => (await import('./commands/corrections.ts')).addCorrectionsCommand(to),
  },
  {
    names: ['questions'],
    add: async (to) => (await import('./commands/questions.ts')).addQuestionsCommand(to),
  },
  { names: ['critics'], add: async (to) => (await import('./commands/critics.ts')).addCriticsCommand(to) },
  { names: ['check'], add: async (to) => (await import('./commands/check.ts')).addCheckCommand(to) },
  { names: ['run'], add: async (to) => (await import('./commands/run.ts')).addRunCommand(to) },
  { names: ['distil'], add: async (to) => (await import('./commands/distil.ts')).addDistilCommand(to) },
  { names: ['watch'], add: async (to) => (await import('./commands/watch.ts')).addWatchCommand(to) },
  {
    names: ['list', 'report'],
    add: async (to) => (await import('./commands/report.ts')).addReportCommands(to),
  },
  { names: ['export'], add: async (to) => (await import('./commands/export.ts')).addExportCommand(to) },
  { names: ['import'], add: async (to) => (await import('./commands/import.ts')).addImportCommand(to) },
  { names: ['why'], add: async (to) => (await import('./commands/why.ts')).addWhyCommand(to) },
  { names: ['revoke'], add: async (to) => (await import('./commands/revoke.ts')).addRevokeCommand(to) },
  {
    names: ['pause', 'resume', 'stop', 'retry', 'skip', 'reset', 'budget'],
    add: async (to) => (await import('./commands/steer.ts')).addSteerCommands(to),
  },
  { names: ['answer'], add: async (to) => (await import('./commands/answer.ts')).addAnswerCommand(to) },
  {
    names: ['discover', 'study'],
    add: async (to) => (await import('./commands/discover.ts')).addDiscoverCommands(to),
  },
  { names: ['review'], add: async (to) => (await import('./commands/review.ts')).addReviewCommand(to) },
  { names: ['memory'], add: async (to) => (await import('./commands/memory.ts')).addMemoryCommand(to) },
  {
    names: ['serving', 'promote', 'rollback', 'unpin'],
    add: async (to) => (await import('./commands/serving.ts')).addServingCommands(to),
  },
  {
    names: ['serve', 'feedback'],
    add: async (to) => (await import('./commands/serve.ts')).addServeCommands(to),
  },
  { names: ['settings'], add: async (to) => (await import('./commands/settings.ts')).addSettingsCommand(to) },
  { names: ['setup'], add: async (to) => (await import('./commands/setup.ts')).addSetupCommand(to) },
  { names: ['schedule'], add: async (to) => (await import('./commands/schedule.ts')).addScheduleCommand(to) },
  ...(isPackage ? [] : OF_THE_CLONE),
];

/**
 * With the command `only` alone where there is one of that name, else with all: to read every command's code takes longer
 * than most commands. Commander copies these settings to subcommands made after they are set.
 */
export async function createProgram(only?: string): Promise<Command> {
  const program = new Command('ratchet')
    .description(
      'Self-improvement loops for language models as durable Temporal workflows: better or unchanged, never worse.',
    )
    .version(version())
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', help);
  const asked = GROUPS.filter((group) => group.names.some((name) => name === only));
  for (const group of asked.length ? asked : GROUPS) await group.add(program);
  return program;
}

async function main(): Promise<void> {
  actAsUser();
  sendKeysOfUser();
  try {
    await (await createProgram(process.argv[2])).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else process.exitCode = wasReported(error) ? EXIT.failed : reportError(error);
  }
}

// A reader that has gone (`ratchet report | head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  // What could not be written is lost: an exit code of 0 would say that all is there.
  process.stderr.write(
    `✗ Standard output can't be written: ${error.message}. Free some space, or write elsewhere.\n`,
  );
  process.exit(EXIT.failed);
});
// Nobody is left to be told.
process.stderr.on('error', () => undefined);

if (import.meta.main) await main();
