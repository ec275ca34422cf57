/** `ratchet answer`: one prompt, answered by the task's served checkpoint, with test-time training where it is unsure. */
import { InvalidArgumentError, type Command } from 'commander';
import { findAddresses } from '../../app/addresses.ts';
import { AnswerRefused, askForAnswer, readDemonstrations } from '../../app/answers/answers.ts';
import { connectTemporal } from '../../app/temporal.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { duration, percent, plain } from '../../process/text.ts';
import { listenForInterrupt } from '../interrupt.ts';

type Flags = {
  ttt?: boolean;
  always?: boolean;
  demonstrations?: string;
  seconds?: number;
  steps?: number;
  samples?: number;
  json?: boolean;
};

const help = `
Without --ttt the checkpoint that the task serves gives its samples' majority. With --ttt it is asked first, and where its
samples disagree, or it misses the demonstrations, a LoRA adapter is trained for this one prompt, on the demonstrations or on
accepted examples of the task, and is gone when the answer is there. The checkpoint itself never changes.

Examples:
  ratchet answer arithmetic 4821+977
  ratchet answer arithmetic 4821+977 --ttt --seconds 30
  ratchet answer my-task "How many …?" --ttt --demonstrations shown.jsonl`;

export function addAnswerCommand(program: Command): void {
  program
    .command('answer')
    .description('one prompt, answered by the checkpoint that a task serves')
    .argument('<task>', 'name of a task that has runs')
    .argument('<prompt>', 'what is asked, as the task reads it')
    .option('--ttt', 'train on related examples first where the samples disagree (test-time training)')
    .option('--always', 'with --ttt: train in any case')
    .option('--demonstrations <file>', 'with --ttt: worked problems, JSONL with "prompt" and "answer" a line')
    .option('--seconds <n>', 'with --ttt: training is cancelled after so many', number)
    .option('--steps <n>', 'with --ttt: training steps, about', whole)
    .option('--samples <n>', 'samples that vote', whole)
    .option('--json', 'as data')
    .addHelpText('after', help)
    .action(async (task: string, prompt: string, flags: Flags) => {
      process.exitCode = await answer(task, prompt, flags);
    });
}

function number(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Must be a number above 0.');
  return value;
}

function whole(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('Must be a whole number.');
  return value;
}

async function answer(task: string, prompt: string, flags: Flags): Promise<number> {
  const { ttt, always, demonstrations, seconds, steps, samples, json } = flags;
  for (const [name, given] of Object.entries({ always, demonstrations, seconds, steps }))
    if (given !== undefined && !ttt) throw new UsageError(`--${name} says how to adapt: give --ttt too.`);
  const shown = demonstrations === undefined ? [] : await readDemonstrations(demonstrations);
  const client = await connectTemporal(findAddresses());
  const interrupt = listenForInterrupt();
  try {
    const began = performance.now();
    const answered = await askForAnswer(
      client,
      {
        task,
        prompt,
        samples,
        adapt: { mode: ttt ? (always ? 'always' : 'auto') : 'off', seconds, steps, demonstrations: shown },
      },
      interrupt.signal,
    );
    const took = (performance.now() - began) / 1000;
    if (json) console.log(JSON.stringify({ ...answered, seconds: took }, null, 2));
    else {
      console.log(
        answered.answer === null ? 'No answer: the samples give none, or are tied.' : plain(answered.answer),
      );
      const trained =
        answered.trainingSeconds === null ? '' : `, ${duration(answered.trainingSeconds)} of it training`;
      process.stderr.write(
        `${percent(answered.agreement)} of the samples agree; ${plain(answered.reason)}. ${duration(took)}${trained}.\n`,
      );
    }
    return answered.answer === null ? EXIT.failed : EXIT.ok;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    throw error instanceof AnswerRefused ? new UsageError(error.message) : error;
  } finally {
    interrupt.dispose();
    await client.connection.close();
  }
}
