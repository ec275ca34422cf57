/**
 * The data files of a task, row by row. A row that can't be used says why, with file and place, and quotes nothing of it: what a
 * run's input names may be any file, and problems are stored and shown.
 */
import { readData } from '../data/read.ts';
import { sourceIn } from '../documents/source.ts';
import { placeOf } from '../data/source.ts';
import { textProblem } from '../jsonl.ts';
import type { BenchmarkItem, Prompt } from '../task.ts';
import { finderOf, stated, timedOut } from './read.ts';
import type { AnsweredFile, FileBenchmark, FileTask } from './schema.ts';

export type BadRow = { problem: string };

const MAX_PROMPT_LENGTH = 100_000;

/** Two prompts are the same problem when they differ in case, spacing or the width of characters only. */
export function keyOf(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

export async function* readPrompts({
  prompts,
}: Pick<FileTask, 'prompts'>): AsyncGenerator<(Prompt & { at: string }) | BadRow> {
  const { field, rows } = prompts;
  const { file, called } = await placeOf('prompts', prompts);
  for await (const { at, value, problem } of readData('prompts file', file, { ...rows, columns: [field] })) {
    const text = problem ?? promptOf(value, field);
    if (typeof text === 'string') yield { problem: `${called}, ${at} ${text}` };
    else yield { key: keyOf(text.prompt), text: text.prompt, at, ...sourced(value!) };
  }
}

/** `benchmark NAME`, or `calibration`. */
export function calledAs(source: FileBenchmark | AnsweredFile): string {
  return 'name' in source ? `benchmark ${String(source.name)}` : 'calibration';
}

/** @throws InvalidInputError when the file can't be read */
export async function* readItems(
  task: FileTask,
  benchmark: FileBenchmark | AnsweredFile,
): AsyncGenerator<(BenchmarkItem & { at: string }) | BadRow> {
  const what = `${calledAs(benchmark)}:`;
  const { file, called } = await placeOf(what, benchmark);
  const find = finderOf(benchmark.answer);
  const { rows, answerField, promptField = task.prompts.field } = benchmark;
  for await (const { at, value, problem } of readData(`${what} file`, file, {
    ...rows,
    columns: [promptField, answerField],
  })) {
    const bad = (why: string): BadRow => ({ problem: `${called}, ${at} ${why}` });
    const text = problem ?? promptOf(value, promptField);
    if (typeof text === 'string') {
      yield bad(text);
      continue;
    }
    const gold = value![answerField];
    if (typeof gold !== 'string' && typeof gold !== 'number') {
      yield bad(
        gold === undefined ? `has no field "${answerField}"` : `has an answer that is no text or number`,
      );
      continue;
    }
    const odd = textProblem(answerField, String(gold));
    if (odd) {
      yield bad(odd);
      continue;
    }
    // Whoever scores reads it, too.
    if ('harness' in benchmark && benchmark.harness) {
      yield { key: keyOf(text.prompt), text: text.prompt, answer: String(gold), at };
      continue;
    }
    const { compare, units = [] } = task.answer;
    const answer = stated(find, task.answer, String(gold))?.answer;
    if (answer === undefined) {
      const read = timedOut(find, String(gold)) ?? `${benchmark.answer.read}, ${compare}`;
      yield bad(`has an answer that can't be read (${read})`);
    } else if (compare === 'numeric' && units.length > 0 && answer.includes(' ')) {
      yield bad('has an answer in a unit that is not in answer.units');
    } else {
      yield { key: keyOf(text.prompt), text: text.prompt, answer, at };
    }
  }
}

const sourced = (row: Record<string, unknown>): Pick<Prompt, 'source'> => {
  const source = sourceIn(row);
  return source ? { source } : {};
};

/** A string says what is wrong. */
function promptOf(row: Record<string, unknown>, field: string): { prompt: string } | string {
  const prompt = row[field];
  if (prompt === undefined) return `has no field "${field}"`;
  if (typeof prompt !== 'string') return `has a "${field}" that is no text`;
  return promptProblem(field, prompt) ?? { prompt };
}

/** Why a text can be no prompt. */
export function promptProblem(field: string, prompt: string): string | undefined {
  if (prompt.trim() === '') return `has an empty "${field}"`;
  if (prompt.length > MAX_PROMPT_LENGTH)
    return `has a "${field}" of ${prompt.length} characters, more than ${MAX_PROMPT_LENGTH}`;
  return textProblem(field, prompt);
}
