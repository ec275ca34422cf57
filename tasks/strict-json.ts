/** Reads a model's structured reply and nothing else: the whole reply is one JSON object, each key stands once. */
import type { z } from 'zod';

const MAX_REPLY_LENGTH = 10_000;
const MAX_REASON_LENGTH = 300;

export type Reading<T> = { value: T } | { problem: string };

/**
 * The reply as an object of the schema, or what is wrong with it. Nothing is searched for in prose: text around the
 * object, a second object, a repeated key or a reply copied out of the work is no verdict.
 *
 * @param work the text that was judged
 */
export function readStrictly<T>(schema: z.ZodType<T>, text: string, work?: string): Reading<T> {
  if (text.trim() === '') return { problem: 'the reply is empty' };
  if (text.length > MAX_REPLY_LENGTH) {
    return { problem: `the reply has ${text.length} characters > ${MAX_REPLY_LENGTH}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: `the reply is not JSON: ${shorten(text)}` };
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return {
      problem: `the reply does not follow the schema: ${issue.path.join('.') || 'reply'}: ${issue.message}`,
    };
  }
  const keys = keysOf(text);
  const repeated = keys.find((key, i) => keys.indexOf(key) < i);
  if (repeated !== undefined) return { problem: `the reply has "${shorten(repeated)}" twice` };
  if (work !== undefined && squeeze(work).includes(squeeze(text))) {
    return { problem: 'the reply stands in the work word for word' };
  }
  return { value: parsed.data };
}

/** One line of at most 300 characters. */
export function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH)}…` : line;
}

/** Keys of a flat object as they stand in valid JSON. JSON.parse takes the last of equal ones in silence. */
function keysOf(json: string): string[] {
  return Array.from(json.matchAll(/("(?:[^"\\]|\\.)*")\s*(:?)/g)).flatMap(([, string, colon]) =>
    colon === ':' ? [JSON.parse(string!) as string] : [],
  );
}

const squeeze = (text: string): string => text.replaceAll(/\s+/g, '');
