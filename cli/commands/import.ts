import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { improveInputSchema } from '../../loop/input.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import type { Task } from '../../tasks/task.ts';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { readable } from '../readable.ts';
import { IMPORTED_AS, importFile, importSummary, type ImportedAs } from '../../app/imports/import.ts';
import { whoami } from '../../app/runs/steer.ts';

type Flags = {
  task: string;
  as: ImportedAs;
  by?: string;
  note?: string;
  similarity: number;
  skipHeldOut?: boolean;
  json?: boolean;
};

const help = `
Takes JSON Lines, CSV or Parquet of OpenAI's chat format, of TRL's (messages, prompt and completion, prompt and chosen), of
ratchet export, and plain {"prompt": "…"}. As prompts, answers in the file are left aside. As examples, each answer must be
in the task's format and state what the task reads out of it: it trains, in your name, and ratchet why names you and the line.

All of the file is taken or nothing. Held-out problems of the task are refused.

Examples:
  ratchet import questions.jsonl --task my-task.yaml --as prompts
  ratchet import worked.jsonl --task arithmetic --as examples --note "checked by hand"`;

function likeness(text: string): number {
  const value = Number(text);
  if (value >= 0.5 && value <= 1) return value;
  throw new InvalidArgumentError('Give a number from 0.5 to 1.');
}

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('take prompts or worked examples for a task from a file')
    .argument('<file>', 'JSON Lines, .csv or .tsv (also .gz), or .parquet')
    .requiredOption('--task <task>', 'a built-in task (arithmetic) or a task file (.yaml)')
    .addOption(
      new Option('--as <what>', 'what later runs use them as').choices(IMPORTED_AS).makeOptionMandatory(),
    )
    .option('--by <name>', 'who vouches for the examples (default: you)')
    .option('--note <text>', 'kept with every example')
    .option(
      '--similarity <share>',
      'least likeness at which a problem counts as a held-out one',
      likeness,
      improveInputSchema.parse({}).leaks.similarity,
    )
    .option('--skip-held-out', 'leave out held-out problems instead of refusing the file')
    .option('--json', 'what was done as data')
    .addHelpText('after', help)
    .action(async (given: string, { task: name, json, ...flags }: Flags) => {
      const file = resolve(given);
      const task = await taskNamed(name);
      await withDatabase(findDatabase(), async (db) => {
        const done = await readable(importFile(db, task, file, { ...flags, by: flags.by ?? whoami() }));
        console.log(
          json
            ? JSON.stringify({ task: task.name, as: flags.as, ...done })
            : importSummary(given, task, done, flags.as),
        );
      });
    });
}

const taskNamed = async (name: string): Promise<Task> => loadTask(await readable(resolveTask(name)));
