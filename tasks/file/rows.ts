/**
 * The JSONL files of a task, row by row. A row that can't be used says why, with file and line, and quotes nothing of it: what a
 * run's input names may be any file, and problems are stored and shown.
 */
import { readJsonl, textProblem } from '../jsonl.ts';
import type { BenchmarkItem } from '../task.ts';
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
}: Pick<FileTask, 'prompts'>): AsyncGenerator<{ key: string; text: string; line: number } | BadRow> {
  for await (const { line, value, problem } of readJsonl('prompts file', prompts.file, prompts.rows)) {
    const text = problem ?? promptOf(value, prompts.field);
    yield typeof text === 'string'
      ? { problem: `prompts file ${prompts.file}, line ${line} ${text}` }
      : { key: keyOf(text.prompt), text: text.prompt, line };
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
): AsyncGenerator<(BenchmarkItem & { line: number }) | BadRow> {
  const what = `${calledAs(benchmark)}: file`;
  const find = finderOf(benchmark.answer);
  for await (const { line, value, problem } of readJsonl(what, benchmark.file, benchmark.rows)) {
    const bad = (why: string): BadRow => ({ problem: `${what} ${benchmark.file}, line ${line} ${why}` });
    const text = problem ?? promptOf(value, benchmark.promptField ?? task.prompts.field);
    if (typeof text === 'string') {
      yield bad(text);
      continue;
    }
    const gold = value![benchmark.answerField];
    if (typeof gold !== 'string' && typeof gold !== 'number') {
      yield bad(
        gold === undefined
          ? `has no field "${benchmark.answerField}"`
          : `has an answer that is no text or number`,
      );
      continue;
    }
    const odd = textProblem(benchmark.answerField, String(gold));
    if (odd) {
      yield bad(odd);
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
      yield { key: keyOf(text.prompt), text: text.prompt, answer, line };
    }
  }
}

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
