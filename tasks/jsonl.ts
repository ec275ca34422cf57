/** JSON Lines, read as a stream of bytes: a file may be larger than memory, and a line is what it says or a named problem. */
import { decodeUtf8 } from './decode.ts';
import { parseExactly } from './exact-json.ts';
import { MAX_LINE_BYTES, readLines, type ByteLine } from './lines.ts';

/**
 * Counts from 1; blank lines are skipped but counted. `problem` says why a line is not a JSON object, and quotes nothing of it but names
 * of fields: the file may be any. Numbers that JavaScript can't hold come as texts of their digits (exact-json.ts).
 */
export type JsonLine =
  | { line: number; value: Record<string, unknown>; problem?: undefined }
  | { line: number; value?: undefined; problem: string };

/**
 * @param what names the file in errors, e.g. `prompts file`
 * @throws InvalidInputError when the file can't be read, or is packed or in another encoding as a whole
 */
export async function* readJsonl(what: string, path: string): AsyncGenerator<JsonLine> {
  for await (const one of readLines(what, path)) {
    const read = readLine(one);
    if (read) yield read;
  }
}

const MEBIBYTE = 1024 * 1024;

function readLine({ line, bytes }: ByteLine): JsonLine | undefined {
  if (!bytes) return { line, problem: `has more than ${MAX_LINE_BYTES / MEBIBYTE} MiB` };
  const decoded = decodeUtf8(bytes);
  if ('problem' in decoded) return { line, problem: decoded.problem };
  const text = line === 1 ? decoded.text.replace(/^\uFEFF/, '') : decoded.text;
  if (text.trim() === '') return undefined;
  const { value, problem } = parseExactly(text);
  if (problem !== undefined) return { line, problem };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { line, problem: 'is not a JSON object' };
  return { line, value: value as Record<string, unknown> };
}

/** What many readers take for the end of a line (Python's `splitlines` among them), though JSON lets it stand in a string. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** A value as one line of JSON, however its readers split lines. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    LINE_ENDS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What no text has: the character NUL, which no database stores, and half of a pair, which no encoding writes. */
const NO_CHARACTER = /\0|\p{Surrogate}/u;

/** Why the text of a field can't be taken as it is: changed in silence it would be another problem, or another answer. */
export function textProblem(field: string, text: string): string | undefined {
  const at = text.search(NO_CHARACTER);
  if (at === -1) return undefined;
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  const what = code === '0000' ? 'U+0000' : `half of a surrogate pair (U+${code})`;
  return `has a "${field}" with ${what} at place ${at + 1}, which is no character`;
}

/** The beginning of a text, quoted and safe to print. */
export function excerpt(text: string, length = 40): string {
  return JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text);
}
