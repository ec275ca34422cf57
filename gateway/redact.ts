/**
 * Takes out of a text what should not be stored.
 *
 * Covers: e-mail addresses, telephone numbers as they are usually written (international with +, national with
 * separators), payment card numbers (13 to 19 digits, Luhn-valid), and whatever the user's own module takes out.
 * Does not cover: names, addresses, keys, anything in pictures; those need a module. A text that the module fails on is
 * not stored. Every pattern is bounded, so that no text makes it slow.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { storableText } from '../db/storable.ts';
import { errorText } from '../models/errors.ts';

type RedactContext = {
  task: string;
  /** What the text is. */
  part: 'prompt' | 'answer' | 'feedback';
};

/** A user's own redaction, the export `redact` of a module. Null: this text must not be stored at all. */
export type RedactHook = (text: string, context: RedactContext) => string | null | Promise<string | null>;

type Redacted =
  /** `counts`: how often each kind was taken out. */
  { text: string; counts: Record<string, number> } | { refused: string };

export type Redact = (text: string, context: RedactContext) => Promise<Redacted>;

type Pattern = { find: RegExp; sure?(match: string): boolean };

const PATTERNS: Record<'email' | 'phone' | 'card', Pattern> = {
  email: { find: /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu },
  card: { find: /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g, sure: (match) => luhn(match.replaceAll(/\D/g, '')) },
  phone: {
    // A plus after a digit adds; it does not begin a number.
    find: /(?<!\d\s{0,3})\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ ./-]?){1,5}\d{2,4}(?!\d)|(?<![\d+])(?:\(\d{2,5}\) ?|\b0\d{1,4}[ /-]|\b\d{3}[ .-])\d{3,4}[ .-]?\d{3,6}(?!\d)/g,
    sure: (match) => match.replaceAll(/\D/g, '').length >= 7,
  },
};

/** Cards before telephones: a part of a card's number may look like one. */
const ORDER = ['email', 'card', 'phone'] as const;

function luhn(digits: string): boolean {
  const sum = digits
    .split('')
    .toReversed()
    .reduce((total, digit, place) => {
      const doubled = place % 2 === 1 ? Number(digit) * 2 : Number(digit);
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
  return sum % 10 === 0;
}

/** @throws Error when the module can't be loaded or has no function `redact` */
export async function loadHook(path: string): Promise<RedactHook> {
  const file = resolve(path);
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`The redaction module ${file} can't be loaded: ${errorText(error)}`);
  }
  if (typeof loaded.redact !== 'function')
    throw new Error(`The redaction module ${file} has no function \`redact\`: export one.`);
  return loaded.redact as RedactHook;
}

export function createRedact(kinds: readonly ('email' | 'phone' | 'card')[], hook?: RedactHook): Redact {
  return async (given, context) => {
    let text = storableText(given);
    const counts: Record<string, number> = {};
    for (const kind of ORDER.filter((one) => kinds.includes(one))) {
      const { find, sure } = PATTERNS[kind];
      text = text.replaceAll(find, (match) => {
        if (sure && !sure(match)) return match;
        counts[kind] = (counts[kind] ?? 0) + 1;
        return `[${kind}]`;
      });
    }
    if (!hook) return { text, counts };
    try {
      const own: unknown = await hook(text, context);
      if (own === null) return { refused: 'the redaction module refused it' };
      if (typeof own !== 'string') return { refused: 'the redaction module gave no text' };
      if (own !== text) counts.module = (counts.module ?? 0) + 1;
      return { text: own, counts };
    } catch {
      return { refused: 'the redaction module failed' };
    }
  };
}
