import type { Command } from 'commander';
import { findAddresses, withDatabase } from '../../app/addresses.ts';
import { checkInput, inputFromFlags, type RunFlags } from '../../app/runs/input.ts';
import { servedCheckpoint } from '../../engine/serving.ts';
import { merge } from '../../loop/merge.ts';
import { UsageError } from '../../process/errors.ts';
import { withServedModel } from '../../stack/models/served.ts';
import { addFieldOptions } from './input-options.ts';
import { addStartOptions, startAndWatch, type StartFlags } from './run.ts';

type Flags = RunFlags &
  StartFlags & { teacher?: string; teacherKeyEnv?: string; student: string; studentKeyEnv?: string };

const examples = `
Examples:
  ratchet distil my-task.yaml --student smollm2-135m
  ratchet distil my-task.yaml --teacher qwen2.5-coder-0.5b --student smollm2-135m
  ratchet distil my-task.yaml --teacher big@https://api.example.com/v1 --teacher-key-env BIG_KEY --student small

It is a run as any other, but for who writes the samples: watch, pause, report, why and retry work as usual.
MODEL is a name as the local stack serves it, or with @URL one that an OpenAI-compatible endpoint serves.`;

export function addDistilCommand(program: Command): void {
  const command = program
    .command('distil')
    .description("train a smaller model on a teacher's accepted samples, and promote it by the usual proof")
    .argument('<task>', 'a built-in task (arithmetic) or a task file (.yaml)')
    .requiredOption(
      '--student <model>',
      'the model that learns, is measured and promoted: MODEL or MODEL@URL',
    )
    .option('--teacher <model>', 'the model that writes the samples (default: what the task serves)')
    .option('--teacher-key-env <name>', "environment variable that holds the key of the teacher's endpoint")
    .option('--student-key-env <name>', "environment variable that holds the key of the student's endpoint")
    .option('--id <id>', 'id of the run and of its workflow (default: <task>-<date>-<time>)');
  addStartOptions(addFieldOptions(command))
    .addHelpText('after', examples)
    .action(async (task: string, flags: Flags) => {
      process.exitCode = await distil(task, flags);
    });
}

type Named = { model: string; baseURL?: string; apiKeyEnv?: string };

/** `NAME`, or `NAME@URL` of an endpoint. */
async function named(text: string, apiKeyEnv: string | undefined): Promise<Named> {
  const [, model = text, baseURL] = /^(.+?)@(https?:\/\/.+)$/.exec(text) ?? [];
  const served = await withServedModel({ model, baseUrl: baseURL });
  return {
    model: served.model ?? model,
    ...(baseURL === undefined ? {} : { baseURL }),
    ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
  };
}

/** The checkpoint that the task serves, by the name under which it answers. */
async function servedTeacher(tree: Record<string, unknown>): Promise<string> {
  const { task } = await checkInput(tree);
  const served = await withDatabase(findAddresses().database, (db) => servedCheckpoint(db, task));
  if (served) return served.model;
  throw new UsageError(
    `The task ${task} serves no checkpoint yet, so there is no teacher: name one with --teacher MODEL, or improve one first with: ratchet run ${task}`,
  );
}

async function distil(task: string, flags: Flags): Promise<number> {
  const given = inputFromFlags(task, flags);
  const generator = await named(flags.student, flags.studentKeyEnv);
  const teacher = await named(flags.teacher ?? (await servedTeacher(given)), flags.teacherKeyEnv);
  const models = merge((given.models ?? {}) as object, { generator, teacher });
  return startAndWatch({ ...given, models }, flags);
}
