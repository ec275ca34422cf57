/**
 * JSON as it was written: each key once, every number exact, nothing nested without end. JSON.parse takes the last of equal keys in
 * silence, and turns 9007199254740993 into another number.
 */

/** Deeper values would overflow whatever walks through them, and mean nothing in a line of data. */
export const MAX_DEPTH = 100;

export type ExactJson = { value: unknown; problem?: undefined } | { value?: undefined; problem: string };

/**
 * Reads one JSON value. A number that JavaScript can't hold as it is written (`9007199254740993`, `1e999`, more digits than a
 * double has) comes as a text of its digits. A problem names the column (in UTF-16 units, from 1) and quotes no value.
 */
export function parseExactly(text: string): ExactJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `is not JSON${placeOf(error, text)}` };
  }
  const found = scan(text);
  if (typeof found === 'string') return { problem: found };
  return { value: found.inexact ? JSON.parse(text, exactNumbers) : value };
}

function placeOf(error: unknown, text: string): string {
  const at = /at position (\d+)/.exec((error as Error).message)?.[1];
  if (at !== undefined) return ` (column ${Number(at) + 1})`;
  return /end of JSON/.test((error as Error).message)
    ? ` (column ${text.length + 1}: it ends too early)`
    : '';
}

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Walks over text that is known to be JSON. A text says what is wrong. */
function scan(text: string): string | { inexact: boolean } {
  /** Keys of the objects around the place; undefined for a list. */
  const stack: (Set<string> | undefined)[] = [];
  let inexact = false;
  let wantsKey = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (wantsKey) {
        const raw = text.slice(at, end + 1);
        const key = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
        const keys = stack.at(-1)!;
        if (keys.has(key)) return `has a key twice (column ${at + 1}): ${shortKey(key)}`;
        keys.add(key);
      }
      at = end;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (stack.length === MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep (column ${at + 1})`;
      stack.push(code === OPEN_BRACE ? new Set() : undefined);
      wantsKey = code === OPEN_BRACE;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      stack.pop();
      wantsKey = false;
    } else if (code === COMMA) wantsKey = stack.at(-1) !== undefined;
    else if (code === COLON) wantsKey = false;
    else if (code === MINUS || (code >= 0x30 && code <= 0x39)) {
      NUMBER.lastIndex = at;
      const [source] = NUMBER.exec(text)!;
      inexact ||= !isExact(source);
      at += source.length - 1;
    }
  }
  return { inexact };
}

const NUMBER = /-?[\d.eE+-]+/y;

/** The index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
}

/** Names of fields are no secret of a file's; a long one is no name. */
const shortKey = (key: string) => JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);

function exactNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && !isExact(source) ? source : value;
}

/** Does a number, written again, say what it was written as? */
export function isExact(source: string): boolean {
  // Up to 15 digits, as they stand, always do.
  if (source.length <= 15 && /^-?\d+$/.test(source)) return true;
  const [before, after] = [decimal(source), decimal(String(Number(source)))];
  return after !== undefined && before?.digits === after.digits && before.exponent === after.exponent;
}

/** Sign and digits without zeros at either end, and the power of ten of the last one. */
function decimal(text: string): { digits: string; exponent: number } | undefined {
  const [, sign, whole, fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return { digits: '0', exponent: 0 };
  return { digits: sign + digits, exponent: Number(power) - fraction.length + (all.length - digits.length) };
}
