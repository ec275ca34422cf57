/** Reads a model's structured reply and nothing else: the whole reply is one JSON object, each key stands once. */
import type { z } from 'zod';
import { parseExactly } from './exact-json.ts';
import { partThinking } from './thinking-text.ts';

const MAX_REPLY_LENGTH = 10_000;
/** Of a reply with the thinking before it. */
const MAX_WHOLE_LENGTH = 400_000;
const MAX_REASON_LENGTH = 300;

export type Reading<T> = { value: T } | { problem: string };

/**
 * The reply as an object of the schema, or what is wrong with it. Around the object may stand only what says nothing:
 * thinking before it, one code fence around it, a byte-order mark. Nothing is searched for in prose: text around the
 * object, a second object, a repeated key or a reply that stands in the work, in whatever spelling, is no verdict.
 *
 * @param work the text that was judged
 */
export function readStrictly<T>(schema: z.ZodType<T>, text: string, work?: string): Reading<T> {
  const shell = unwrap(text);
  if ('problem' in shell) return shell;
  const { json } = shell;
  if (json === '') return { problem: 'the reply is empty' };
  const value = parse(json);
  if (value === undefined) return { problem: `the reply is not JSON: ${shorten(json)}` };
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return {
      problem: `the reply does not follow the schema: ${issue.path.join('.') || 'reply'}: ${issue.message}`,
    };
  }
  const { problem } = parseExactly(json);
  if (problem !== undefined) return { problem: `the reply ${problem}` };
  if (work !== undefined && standsIn(work, json, (other) => schema.safeParse(other).data, parsed.data)) {
    return { problem: 'the reply stands in the work word for word' };
  }
  return { value: parsed.data };
}

/** What a reply says, without what may stand around it. */
function unwrap(text: string): { json: string } | { problem: string } {
  if (text.length > MAX_WHOLE_LENGTH) {
    return { problem: `the reply has ${text.length} characters > ${MAX_WHOLE_LENGTH}` };
  }
  const { thinking, visible, unfinished } = partThinking(text);
  const whole = unfence(text);
  // An object that quotes a tag of the work is an object all the same.
  const isObject = thinking === '' || (text.length <= MAX_REPLY_LENGTH && parse(whole) !== undefined);
  if (!isObject && unfinished) return { problem: 'the reply ends in mid-thought' };
  const said = isObject ? text : visible;
  if (said.length > MAX_REPLY_LENGTH)
    return { problem: `the reply has ${said.length} characters > ${MAX_REPLY_LENGTH}` };
  return { json: unfence(said) };
}

/** `trim` takes a byte-order mark for white space. */
const trimmed = (text: string): string => text.trim();

/** The inside of a fence that holds all of the text; a text without one as it is. */
export function unfence(text: string): string {
  const plain = trimmed(text);
  if (!plain.startsWith('```') || !plain.endsWith('```') || plain.length < 6) return plain;
  const inside = plain.slice(3, -3);
  const firstLine = inside.search(/[\n{]/);
  if (firstLine === -1 || !/^[ \t]*(?:json|text|txt|markdown)?[ \t\r]*$/i.test(inside.slice(0, firstLine)))
    return plain;
  return trimmed(inside.slice(firstLine));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** Does the work hold the reply: as it is but for white space, or an object that says the same under the schema? */
function standsIn(work: string, json: string, read: (value: unknown) => unknown, said: unknown): boolean {
  if (squeeze(work).includes(squeeze(json))) return true;
  const wanted = canonical(said);
  // In a string of another document its quotes are escaped.
  return [work, work.replaceAll('\\"', '"')].some((text) =>
    flatObjects(text).some((object) => {
      const value = parse(object);
      const other = value === undefined ? undefined : read(value);
      return other !== undefined && canonical(other) === wanted;
    }),
  );
}

const canonical = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : JSON.stringify(value);

/** From a brace to the next that is in no string. Another opening one before it, or a backslash, makes it no flat object. */
const FLAT = /\{(?:[\s\w:,.+[\]-]|"(?:[^"\\]|\\.)*")*\}/sy;

function flatObjects(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf('{'); at !== -1; at = text.indexOf('{', at + 1)) {
    FLAT.lastIndex = at;
    const object = FLAT.exec(text)?.[0];
    if (object !== undefined) found.push(object);
  }
  return found;
}

/** One line of at most 300 characters. */
export function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH)}…` : line;
}

const squeeze = (text: string): string => text.replaceAll(/\s+/g, '');
