/** The flags that make up a run's input, the same wherever a run is described: `run`, `schedule create`. */
import { Option, type Command } from 'commander';

/** Adds the flags of `RunFlags` to a command. */
export const addInputOptions = (command: Command): Command =>
  addFieldOptions(command)
    .option('--base-url <url>', 'OpenAI-compatible endpoint of generator, critic and trainer, ending in /v1')
    .option(
      '--model <name>',
      'model name at that endpoint; on the local stack, as `ratchet up --model` takes it',
    )
    .option('--api-key-env <name>', 'environment variable that holds the API key');

/** Those that name no model. */
export function addFieldOptions(command: Command): Command {
  return command
    .option('--prompts <file>', 'unlabeled prompts: JSONL, one {"prompt": "…"} a line')
    .option('--iterations <n>', 'iterations to run at most')
    .option('--seed <n>', 'seed of everything random')
    .option(
      '--set <path=value>',
      'set any field of the input; JSON or text; repeatable',
      (entry, all?: string[]) => [...(all ?? []), entry],
    )
    .option('--input <file>', 'the whole input as a JSON file')
    .addOption(new Option('--ungated', 'contrast arm: gates off, every majority trains').conflicts('control'))
    .addOption(
      new Option('--control', 'contrast arm: trains on rehearsal prompts only').conflicts('ungated'),
    );
}
