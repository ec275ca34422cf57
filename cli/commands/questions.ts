/** `questions`: prompts from documents. A model writes questions about their passages, each tied to the words that answer it. */
import { InvalidArgumentError, type Command } from 'commander';
import { useStackModels } from '../../app/addresses.ts';
import { droppedLines, makeQuestions, type QuestionsMade } from '../../app/questions/make.ts';
import { EndpointError } from '../../models/endpoint.ts';
import { endpointSchema } from '../../process/endpoint-input.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { compact, plain } from '../../process/text.ts';
import { withServedModel } from '../../stack/models/served.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { wholeNumber } from '../numbers.ts';
import { readable } from '../readable.ts';

type Flags = {
  out: string;
  model?: string;
  baseUrl?: string;
  apiKeyEnv?: string;
  extra?: Record<string, unknown>;
  perPassage: number;
  limit?: number;
  seed: number;
  unknown?: boolean;
  skipUnreadable?: boolean;
  json?: boolean;
};

const help = `
Documents are Markdown, plain text and PDF; of a folder, all that are in it. A question is kept where its answer stands in the passage, word
for word, and where the model gives the same answer again from the passage alone. What is dropped is counted, with the reason. Replies are kept in
a file beside the prompts (….replies): the same command again asks nothing anew, and goes on where it was killed. docs/tasks.md has more.

Examples:
  ratchet questions handbook/ --out prompts.jsonl
  ratchet questions manual.pdf --out prompts.jsonl --base-url http://localhost:8000/v1 --model my-model --limit 200`;

export function addQuestionsCommand(program: Command): void {
  program
    .command('questions')
    .description('prompts from documents: a model writes questions that their passages answer')
    .argument('<documents...>', 'files (.md, .txt, .pdf), or folders of them')
    .requiredOption('--out <file>', 'where the prompts go, as JSON Lines')
    .option('--base-url <url>', 'OpenAI-compatible endpoint, ending in /v1 (default: the local stack)')
    .option('--model <name>', 'which model writes (default: the only one that is served)')
    .option('--api-key-env <name>', 'environment variable that holds the API key')
    .option('--extra <json>', 'further fields of each request, e.g. {"max_tokens": 4000}', extraFields)
    .option('--per-passage <n>', 'questions about a passage, at most', wholeNumber(1, 10), 3)
    .option('--limit <n>', 'questions in all, at most', wholeNumber(1))
    .option('--seed <number>', 'other questions', wholeNumber(0, 999_999_999), 1)
    .option('--unknown', 'only questions that the model can’t answer without the passage')
    .option('--skip-unreadable', 'leave out documents that can’t be read, and name them')
    .option('--json', 'what was made and dropped, as data')
    .addHelpText('after', help)
    .action(async (documents: string[], flags: Flags) => {
      process.exitCode = await questions(documents, flags);
    });
}

function extraFields(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('Must be a JSON object.');
  }
  const read = endpointSchema.shape.extra.safeParse(value);
  if (read.success && read.data) return read.data;
  throw new InvalidArgumentError(read.error?.issues[0]?.message ?? 'Must be a JSON object.');
}

/** How often a long command says where it is. */
const TOLD_MS = 10_000;

async function questions(documents: string[], given: Flags): Promise<number> {
  useStackModels();
  const { model, baseUrl: baseURL, apiKeyEnv, extra, json, ...flags } = await withServedModel(given);
  const interrupt = listenForInterrupt();
  let last = performance.now();
  try {
    const asked = {
      ...flags,
      documents,
      limit: flags.limit ?? Infinity,
      unknown: flags.unknown ?? false,
      skipUnreadable: flags.skipUnreadable ?? false,
      endpoint: {
        ...(baseURL === undefined ? {} : { baseURL }),
        ...(model === undefined ? {} : { model }),
        ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
        ...(extra === undefined ? {} : { extra }),
      },
    };
    const made = await readable(
      makeQuestions(asked, interrupt.signal, ({ done, passages, kept }) => {
        if (performance.now() - last < TOLD_MS) return;
        last = performance.now();
        process.stderr.write(`  ${done} of ${passages} passages, ${kept} questions kept …\n`);
      }),
    );
    console.log(json ? JSON.stringify(made, undefined, 2) : summary(made));
    return EXIT.ok;
  } catch (error) {
    if (interrupt.signal.aborted) {
      process.stderr.write('  The replies so far are kept: the same command goes on from there.\n');
      return EXIT.interrupted;
    }
    throw error instanceof EndpointError ? new UsageError(error.message) : error;
  } finally {
    interrupt.dispose();
  }
}

function summary({ out, model, rows, documents, asked, dropped, spent }: QuestionsMade): string {
  const { files, passages, short, repeated, notes } = documents;
  const questions = dropped.filter(({ reason }) => reason !== 'unread' && reason !== 'refused');
  const wrote = questions.reduce((sum, { count }) => sum + count, rows.length);
  return [
    `${rows.length} questions in ${plain(out)}, of ${wrote} that ${plain(model)} wrote about ${asked} of ${passages} passages in ${files} documents`,
    ...droppedLines(dropped).map((line) => `  ${plain(line)}`),
    ...(short + repeated > 0
      ? [`not asked about: ${short} passages too short, ${repeated} that stand elsewhere too`]
      : []),
    ...notes.map((note) => `left out: ${plain(note)}`),
    `${spent.requests} requests, ${compact(spent.tokens)} tokens; ${spent.kept} replies were there already`,
  ].join('\n');
}
