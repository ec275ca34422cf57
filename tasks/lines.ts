/**
 * The lines of a file as bytes: split at line feeds (and carriage returns) alone, so that no character of a text can end a line, and
 * each of bounded length, so that no file can fill the memory.
 *
 * Covers: files of any size, lines of any length, other encodings and packed files, by their first bytes; gzip by its ending (data/unpack.ts).
 * Does not cover: what the bytes of a line mean; see decode.ts and exact-json.ts.
 */
import { bytesOf } from './data/unpack.ts';
import { InvalidInputError } from './errors.ts';
import { foreignFile } from './decode.ts';

/** Longest line that is read, in bytes. Texts of prompts and answers are held to 100,000 characters. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** A line that has not ended by then is taken for a file without lines. */
const MAX_SKIPPED_BYTES = 64 * MAX_LINE_BYTES;

const LF = 0x0a;
const CR = 0x0d;

/** `line` counts from 1, as editors count; empty ones are counted and left out. `bytes`: without line end; undefined where there are too many. */
export type ByteLine = { line: number; bytes?: Buffer };

/**
 * @param what names the file in errors, e.g. `prompts file`
 * @param maxBytes longest line; longer ones come without their bytes
 * @throws InvalidInputError when the file can't be read, or holds no lines of text
 */
export async function* readLines(
  what: string,
  path: string,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<ByteLine> {
  const refuse = (why: string) => new InvalidInputError([`${what} ${path}: ${why}`]);
  let line = 0;
  let pieces: Buffer[] = [];
  let length = 0;
  let first = true;

  function* ended(): Generator<ByteLine> {
    if (length > maxBytes) yield { line: ++line };
    else for (const bytes of atReturns(Buffer.concat(pieces))) yield { line: ++line, bytes };
    pieces = [];
    length = 0;
  }
  for await (const chunk of bytesOf(what, path)) {
    if (first) {
      const foreign = foreignFile(chunk);
      if (foreign) throw refuse(foreign);
      first = false;
    }
    for (let from = 0; from < chunk.length;) {
      const at = chunk.indexOf(LF, from);
      const to = at === -1 ? chunk.length : at;
      length += to - from;
      if (length > MAX_SKIPPED_BYTES)
        throw refuse(`line ${line + 1} has more than ${MAX_SKIPPED_BYTES} bytes: this is no file of lines`);
      if (length > maxBytes) pieces = [];
      else if (to > from) pieces.push(chunk.subarray(from, to));
      from = to + 1;
      if (at === -1) continue;
      if (length > 0) yield* ended();
      else line += 1;
    }
  }
  if (length > 0) yield* ended();
}

/** Splits at carriage returns that no line feed follows, as old files have them; one at the end belongs to the line feed. */
function atReturns(bytes: Buffer): Buffer[] {
  const whole = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
  if (!whole.includes(CR)) return [whole];
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = whole.indexOf(CR); at !== -1; at = whole.indexOf(CR, from)) {
    lines.push(whole.subarray(from, at));
    from = at + 1;
  }
  return [...lines, whole.subarray(from)];
}
