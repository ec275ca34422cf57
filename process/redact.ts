/**
 * Takes personal data out of a text before it is stored.
 *
 * Covers: e-mail addresses, telephone numbers as they are usually written (international with +, national with
 * separators), payment card numbers (13 to 19 digits, Luhn-valid), bank account numbers (IBAN, by its check digits), names of people in
 * English text (compromise, a part-of-speech tagger). Does not cover: addresses of houses, keys, anything in pictures, names that look
 * like other words. Every pattern is bounded, so that no text makes it slow.
 */
import { createRequire } from 'node:module';
import type Nlp from 'compromise';

/** Read when the first name is looked for: it takes a second, and most processes look for none. */
let tagger: typeof Nlp | undefined;
const nlp = (text: string) => (tagger ??= createRequire(import.meta.url)('compromise') as typeof Nlp)(text);

export const REDACTED_KINDS = ['email', 'phone', 'card', 'iban', 'name'] as const;
export type RedactedKind = (typeof REDACTED_KINDS)[number];

type Pattern = { find: RegExp; sure?(match: string): boolean };

const PATTERNS: Record<Exclude<RedactedKind, 'name'>, Pattern> = {
  email: { find: /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu },
  iban: { find: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, sure: isIban },
  card: { find: /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g, sure: (match) => luhn(match.replaceAll(/\D/g, '')) },
  phone: {
    // A plus after a digit adds; it does not begin a number.
    find: /(?<!\d\s{0,3})\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ ./-]?){1,5}\d{2,4}(?!\d)|(?<![\d+])(?:\(\d{2,5}\) ?|\b0\d{1,4}[ /-]|\b\d{3}[ .-])\d{3,4}[ .-]?\d{3,6}(?!\d)/g,
    sure: (match) => match.replaceAll(/\D/g, '').length >= 7,
  },
};

/** Accounts and cards before telephones: a part of such a number may look like one. */
const ORDER = ['email', 'iban', 'card', 'phone'] as const;

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

/** ISO 13616: the country's letters and the check digits go behind, letters count from 10, and the whole leaves 1 by 97. */
function isIban(match: string): boolean {
  const bare = match.replaceAll(' ', '');
  const digits = (bare.slice(4) + bare.slice(0, 4)).replaceAll(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  return BigInt(digits) % 97n === 1n;
}

/** Longer texts are looked through in pieces: what a tagger takes grows with the sentence. */
const PIECE = 5000;

/** Names of people, as they stand in the text. What is said of nobody (`kept`, in small letters) stays. */
function peopleIn(text: string, kept: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  for (let at = 0; at < text.length; at += PIECE) {
    for (const name of nlp(text.slice(at, at + PIECE))
      .people()
      .out('array') as string[]) {
      const bare = name.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '').replace(/['’]s$/, '');
      const words = bare.toLowerCase().split(/\s+/);
      if (/\p{Lu}/u.test(bare) && !words.every((word) => kept.has(word))) found.add(bare);
    }
  }
  return [...found].toSorted((a, b) => b.length - a.length);
}

export type Redaction = {
  text: string;
  /** How often each kind was taken out. */
  counts: Record<string, number>;
};

/** @param kept words in small letters that name nobody: the company's own */
export function redactText(
  given: string,
  kinds: readonly RedactedKind[],
  kept: ReadonlySet<string> = new Set(),
): Redaction {
  let text = given;
  const counts: Record<string, number> = {};
  const taken = (kind: RedactedKind) => {
    counts[kind] = (counts[kind] ?? 0) + 1;
    return `[${kind}]`;
  };
  for (const kind of ORDER.filter((one) => kinds.includes(one))) {
    const { find, sure } = PATTERNS[kind];
    text = text.replaceAll(find, (match) => (sure && !sure(match) ? match : taken(kind)));
  }
  if (!kinds.includes('name')) return { text, counts };
  for (const name of peopleIn(text, kept)) text = text.replaceAll(name, () => taken('name'));
  return { text, counts };
}
