/**
 * What a short answer claims: durations, amounts, shares, times of day, counts, weekdays, names, yes or no. Two answers are the same
 * when they claim the same, in whatever words; an answer is right or wrong by what a policy says of the same kind.
 *
 * Covers: English, digits and numbers in words, `not 30 days`. Does not cover: what only a reader understands (irony, conditions).
 */
import { numeralAt } from '../file/numerals.ts';

const CLAIM_KINDS = ['duration', 'money', 'share', 'time', 'weekday', 'count', 'name'] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

export type Claim = {
  kind: ClaimKind;
  /** As it is compared and shown: `45 days`, `$4`, `25 %`, `9 pm`. */
  value: string;
  /** Said not to be so: `not 30 days`, `instead of 30 days`. */
  negated: boolean;
  /** Where it stands in the text, from and to. */
  at: number;
  end: number;
};

export type Claims = { polarity?: 'yes' | 'no'; claims: Claim[] };

const DAY = 24 * 60;
/** Minutes of each unit; months and years are no number of days. */
const MINUTES: Record<string, number> = { minute: 1, hour: 60, day: DAY, week: 7 * DAY, fortnight: 14 * DAY };
const CURRENCIES: Record<string, string> = {
  dollar: '$',
  buck: '$',
  usd: '$',
  euro: '€',
  eur: '€',
  pound: '£',
  gbp: '£',
};
/** Nothing to pay, in whatever words. */
const FREE = 'free';
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

const counted = (n: number, unit: string) => `${n} ${unit}${n === 1 ? '' : 's'}`;

function durationOf(n: number, unit: string): string | undefined {
  if (unit === 'business day' || unit === 'working day') return counted(n, 'business day');
  if (unit === 'month' || unit === 'year') {
    const months = unit === 'year' ? 12 * n : n;
    return months > 0 && months % 12 === 0 ? counted(months / 12, 'year') : counted(months, 'month');
  }
  const minutes = MINUTES[unit];
  if (minutes === undefined) return undefined;
  const all = n * minutes;
  if (all > 0 && all % DAY === 0) return counted(all / DAY, 'day');
  return all > 0 && all % 60 === 0 ? counted(all / 60, 'hour') : counted(all, 'minute');
}

type Word = { text: string; low: string; at: number; end: number };

/** Words, numbers (with their decimals and thousands) and signs that matter. */
const TOKENS = /\d+(?:[.,]\d+)*|[\p{L}]+(?:['’][\p{L}]+)*|[$€£%:]/gu;
const wordsOf = (text: string): Word[] =>
  [...text.matchAll(TOKENS)].map((match) => ({
    text: match[0],
    low: match[0].toLowerCase().replaceAll('’', "'"),
    at: match.index,
    end: match.index + match[0].length,
  }));

/** A number that begins at a word, in digits or in words, and how many words it takes. */
function numberAt(words: readonly Word[], at: number): { value: number; length: number } | undefined {
  const { text, low } = words[at]!;
  if (/^\d/.test(text)) {
    const value = Number(
      /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text) ? text.replaceAll(',', '') : text.replace(',', '.'),
    );
    return Number.isFinite(value) ? { value, length: 1 } : undefined;
  }
  // `in a week` is one of them, `$4 a week` is a price.
  if ((low === 'a' || low === 'an') && isUnit(words[at + 1]?.low))
    return /^\d/.test(words[at - 1]?.text ?? '') ? undefined : { value: 1, length: 1 };
  const read = numeralAt(words.slice(at, at + 8).map((word) => word.low));
  return read && { value: Number(read.value), length: read.length };
}

const singular = (word: string | undefined): string => (word ?? '').replace(/s$/, '');
const isUnit = (word: string | undefined): boolean => {
  const unit = singular(word);
  return unit in MINUTES || unit === 'month' || unit === 'year';
};

/** `not`, `instead of` and the like, in the same clause before a value. */
const DENIES =
  /(?:\bnot|n['’]t|\bno longer|\bnever|\binstead of|\brather than|\bused to be|\bold|\bwrong[,:]?|\bno more)(?: \S+){0,3} ?$/i;

function isDenied(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 60), at).trimEnd();
  const clause = before.split(/[.;!?,]|\bbut\b|\band\b/i).at(-1)!;
  return DENIES.test(`${clause.trim()} `);
}

/** `above $0`, `$0 or more`: an amount that something begins or ends at, not a price of nothing. */
const isBound = (text: string, from: number, to: number): boolean =>
  /\b(?:above|over|from|below|under|beneath|beyond|than|least|most|up to|until|exceeds?|exceeding|reach(?:es|ing)?|spend(?:ing)?|worth)\s*$/i.test(
    text.slice(Math.max(0, from - 20), from),
  ) || /^\s*(?:or|and) (?:more|up|above|over|less|below|under|higher|lower)\b/i.test(text.slice(to, to + 20));

/** A claim that begins at a word, and how many words it takes. */
function claimAt(
  text: string,
  words: readonly Word[],
  at: number,
): (Omit<Claim, 'negated'> & { length: number }) | undefined {
  const word = words[at]!;
  const from = (kind: ClaimKind, value: string, length: number) => {
    return { kind, value, at: word.at, end: words[at + length - 1]!.end, length };
  };
  const sign = '$€£'.includes(word.text) ? word.text : undefined;
  const first = sign ? at + 1 : at;
  const number = words[first] && numberAt(words, first);
  if (!number) {
    const day = singular(word.low);
    if (WEEKDAYS.includes(day)) return from('weekday', day[0]!.toUpperCase() + day.slice(1), 1);
    const free =
      /^(?:free of charge|for free|free|no (?:charge|fee|cost)|nothing to pay|without charge)\b/i.exec(
        text.slice(word.at),
      );
    return free ? from('money', FREE, wordsOf(free[0]).length) : undefined;
  }
  const { value, length } = number;
  const taken = first - at + length;
  const money = (currency: string, count: number) => {
    const nothing = value === 0 && !isBound(text, word.at, words[at + count - 1]!.end);
    return from('money', nothing ? FREE : `${currency}${value}`, count);
  };
  if (sign) return money(sign, taken);
  const [next, after] = [words[first + length], words[first + length + 1]];
  if (next?.text === '%' || /^per ?cent$/.test(next?.low ?? ''))
    return from('share', `${value} %`, taken + 1);
  const currency = CURRENCIES[singular(next?.low)];
  if (currency) return money(currency, taken + 1);
  if (next?.text === ':' && /^[0-5]\d$/.test(after?.text ?? '') && value < 24) {
    const half = words[first + length + 2]?.low;
    const named = half === 'am' || half === 'pm' ? half : undefined;
    return from('time', clock(value, Number(after!.text), named), taken + 2 + (named ? 1 : 0));
  }
  if (next && /^(?:am|pm|o'clock)$/.test(next.low))
    return from('time', clock(value, 0, next.low === "o'clock" ? undefined : next.low), taken + 1);
  const unit = singular(next?.low);
  if (
    (unit === 'business' || next?.low === 'business' || unit === 'working') &&
    singular(after?.low) === 'day'
  )
    return from('duration', durationOf(value, 'business day')!, taken + 2);
  const duration = durationOf(value, unit);
  if (duration) return from('duration', duration, taken + 1);
  return from('count', String(value), taken);
}

function clock(hour: number, minute: number, half: string | undefined): string {
  const hours = half === 'pm' && hour < 12 ? hour + 12 : half === 'am' && hour === 12 ? 0 : hour;
  return `${hours}:${String(minute).padStart(2, '0')}`;
}

const YES = /^\W*(?:yes|yeah|yep|yup|sure|certainly|of course|absolutely)\b/i;
const NO =
  /^\W*(?:no|nope|sorry,? no|unfortunately,? no|unfortunately not)\b(?! longer)(?!, I (?:meant|mean|said|asked))/i;

const polarityOf = (text: string): 'yes' | 'no' | undefined =>
  YES.test(text) ? 'yes' : NO.test(text) ? 'no' : undefined;

/** Words that are written with a capital and name nothing. */
const NO_NAMES = new Set("i i’m i'm i've i'd i'll ok okay mr mrs ms dr please thanks yes no".split(' '));

/** Names: what is written with a capital within a sentence, and known names wherever they stand. */
function namesIn(text: string, words: readonly Word[], known: ReadonlySet<string>): Claim[] {
  return words.flatMap((word, i) => {
    if (!/^\p{Lu}/u.test(word.text) || NO_NAMES.has(word.low) || WEEKDAYS.includes(singular(word.low)))
      return [];
    const before = text.slice(0, word.at).trimEnd();
    const begins = i === 0 || /[.!?:"“(]$/.test(before);
    if (begins && !known.has(word.low)) return [];
    return [
      {
        kind: 'name' as const,
        value: word.text.replace(/['’]s$/, ''),
        negated: isDenied(text, word.at),
        at: word.at,
        end: word.at + word.text.replace(/['’]s$/, '').length,
      },
    ];
  });
}

/** All that a text claims. `names`: names that are known, in small letters. */
export function claimsOf(text: string, names: ReadonlySet<string> = new Set()): Claims {
  const words = wordsOf(text.slice(0, 4000));
  const claims: Claim[] = namesIn(text, words, names);
  for (let at = 0; at < words.length;) {
    const found = claimAt(text, words, at);
    if (found) {
      const { length, ...claim } = found;
      claims.push({ ...claim, negated: isDenied(text, claim.at) });
      at += length;
    } else at += 1;
  }
  const polarity = polarityOf(text);
  return { ...(polarity ? { polarity } : {}), claims: claims.toSorted((a, b) => a.at - b.at) };
}

/** A text without its values: what is left says what it is about. */
export function withoutClaims(text: string): string {
  const words = wordsOf(text);
  const kept: string[] = [];
  for (let at = 0; at < words.length;) {
    const found = claimAt(text, words, at);
    if (!found) kept.push(words[at]!.text);
    at += found?.length ?? 1;
  }
  return kept.join(' ');
}

const isFirm = ({ kind }: Claim): boolean =>
  kind === 'duration' || kind === 'money' || kind === 'share' || kind === 'time';

/**
 * What counts of an answer. Where it begins with yes or no, that and its firm values; otherwise its values, or, without any, its
 * names. `Yes, exchanges are free` says no more than yes.
 */
export function told({ polarity, claims }: Claims): Claims {
  const affirmed = claims.filter((one) => !(polarity && one.kind === 'money' && one.value === FREE));
  if (polarity) return { polarity, claims: affirmed.filter(isFirm) };
  const values = affirmed.filter(({ kind }) => kind !== 'name');
  return { claims: values.some(({ negated }) => !negated) ? values : affirmed };
}

/** Claims in one line, the same for all ways of saying them; undefined where nothing is claimed. */
export function canonicalOf(given: Claims, common?: ReadonlySet<string>): string | undefined {
  const { polarity, claims } = told(given);
  const said = claims
    .filter(({ kind, value }) => kind !== 'name' || !common?.has(value.toLowerCase()))
    .map(({ value, negated }) => `${negated ? 'not ' : ''}${value}`);
  const parts = [...(polarity ? [polarity] : []), ...new Set(said.toSorted())];
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** What a text claims, in one line. */
export const canonical = (
  text: string,
  names?: ReadonlySet<string>,
  common?: ReadonlySet<string>,
): string | undefined => canonicalOf(claimsOf(text, names), common);
