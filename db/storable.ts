/**
 * Text at the database's door. PostgreSQL refuses the character NUL in text and JSON, and half surrogate pairs in JSON (in text
 * they become U+FFFD on the way); models, trainers, files and messages send both. Each is stored as U+FFFD, the character for what
 * can't be shown, so that no byte of a stranger's fails a run.
 */

const UNKNOWN = '\uFFFD';

export const storableText = (text: string): string => text.replaceAll('\0', UNKNOWN).toWellFormed();

/** An escape in JSON text: of a backslash, of NUL, or of half a pair (JSON.stringify escapes no whole one). */
const ESCAPES = /\\(?:\\|u(?:0000|d[89a-f][0-9a-f]{2}))/g;

/** A value as JSON text that PostgreSQL takes. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(ESCAPES, (escape) => (escape === '\\\\' ? escape : UNKNOWN));
}
