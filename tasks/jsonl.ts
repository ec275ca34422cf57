/** JSON Lines, read as a stream: a file may be larger than memory. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileProblem, InvalidInputError } from './errors.ts';

/** Counts from 1; blank lines are skipped but counted. `problem` says why a line is not a JSON object. */
export type JsonLine =
  | { line: number; value: Record<string, unknown>; problem?: undefined }
  | { line: number; value?: undefined; problem: string };

/** Lines to read, counted from 1, both included. */
export type LineRange = { from?: number; to?: number };

/**
 * @param what names the file in errors, e.g. `prompts file`
 * @throws InvalidInputError when the file can't be read
 */
export async function* readJsonl(
  what: string,
  path: string,
  range: LineRange = {},
): AsyncGenerator<JsonLine> {
  const input = createReadStream(path, { encoding: 'utf8' });
  // readline does not pass on the stream's errors: without this one a missing file would look empty.
  const failure = new Promise<never>((_, reject) => {
    input.once('error', (error) => reject(new InvalidInputError([fileProblem(what, path, error)])));
  });
  failure.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  let line = 0;
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failure]);
      if (next.done) break;
      line += 1;
      if (line > (range.to ?? Infinity)) return;
      const text = line === 1 ? next.value.replace(/^\uFEFF/, '') : next.value;
      if (line >= (range.from ?? 1) && text.trim() !== '') yield parseLine(line, text);
    }
    if (input.errored) await failure;
  } finally {
    input.destroy();
  }
}

function parseLine(line: number, text: string): JsonLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, problem: `is not JSON: ${excerpt(text)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, problem: `is not a JSON object: ${excerpt(text)}` };
  }
  return { line, value: value as Record<string, unknown> };
}

/** The beginning of a text, quoted and safe to print. */
export function excerpt(text: string, length = 40): string {
  return JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text);
}
