/**
 * Reads the answer out of a rationale, strictly: what is missing, unfinished or stated twice differently is
 * no answer. Covers text written by a model: it is searched, never run, and only up to MAX_LENGTH. A user's own
 * pattern may be one that takes for ever (`(a+)+$`): it is stopped after a second, and the text is unread.
 */
import { createContext, Script } from 'node:vm';
import { canonicalNumber, CURRENCY, MINUS, plainNumbers } from './number.ts';
import { canonicalQuantity } from './quantity.ts';

export type Reading = { read: 'value' | 'last-number' | 'hash' | 'boxed' | 'pattern'; pattern?: string };
/** When two answers are the same. `units`: those that a number may be stated in, or without; see quantity.ts. */
export type Comparison = {
  compare: 'exact' | 'numeric' | 'normalised';
  units?: readonly string[] | undefined;
};

/** An answer as stated, and where: offsets into `plainNumbers` of the text. */
export type Statement = { answer: string; start: number; end: number };

const MAX_LENGTH = 100_000;
const MAX_ANSWER_LENGTH = 1000;
const PATTERN_TIMEOUT_MS = 1000;

/** Finds all statements of an answer in a text, as they are written. */
export type Finder = (text: string) => Statement[];

/** @throws SyntaxError when the pattern is no regular expression */
export function finderOf({ read, pattern }: Reading): Finder {
  const finders: Record<Reading['read'], () => Finder> = {
    value: () => (text) => [{ answer: text, start: 0, end: text.length }],
    'last-number': () => lastNumber,
    hash: () => hashes,
    boxed: () => boxes,
    pattern: () => byPattern(pattern ?? ''),
  };
  const find = finders[read]();
  return (text) => (text.length > MAX_LENGTH ? [] : find(plainNumbers(text)));
}

/**
 * The answer that a text states, in canonical form, with the place of its last statement. Statements which
 * can't be compared (a heading where a number is asked for) are passed over, unless the last one is such.
 */
export function stated(find: Finder, comparison: Comparison, text: string): Statement | undefined {
  const statements = find(text).map((statement) => {
    return { ...statement, answer: canonical(statement.answer, comparison) };
  });
  const last = statements.at(-1);
  if (!last || last.answer === undefined) return undefined;
  const agree = statements.every(({ answer }) => answer === undefined || answer === last.answer);
  return agree ? { ...last, answer: last.answer } : undefined;
}

/**
 * The form in which answers are compared. `exact`: the text without surrounding space. `numeric`: the number,
 * and its unit unless that says nothing. `normalised`: case, spacing, width, quotes and final period don't count.
 */
export function canonical(answer: string, { compare, units }: Comparison): string | undefined {
  const text = answer.trim();
  if (text === '' || text.length > MAX_ANSWER_LENGTH) return undefined;
  if (compare === 'exact') return text;
  if (compare === 'numeric') return canonicalQuantity(text, units);
  const folded = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replace(/^["'`*_“”‘’ ]+/, '')
    .replace(/["'`*_“”‘’. ]+$/, '');
  return folded === '' ? undefined : folded;
}

/** Anything that could be a number, taken as far as it goes, so that no part of one is read for the whole. */
const RUN = /\\[dt]?frac\{[^{}]{1,50}\}\{[^{}]{1,50}\}|\.?\d[\d.,:/]*/g;
const SIGNS = new RegExp(
  `(?<![\\p{L}\\p{N}_)\\]}]|${MINUS})(?:${MINUS}${CURRENCY}?|${CURRENCY}${MINUS}|${CURRENCY})$`,
  'u',
);
/** Part of a word or an exponent, an operand of sums left undone, or the end of a number spaced in thousands. */
const PART_OF_MORE = new RegExp(
  `[\\p{L}\\p{N}_.]$|\\^\\{?${MINUS}?$|[\\d)\\]}][ \\t]*(?:${MINUS}|[*×·÷+/^])[ \\t]*$|\\p{L}${MINUS}$`,
  'u',
);
const SPACED_THOUSANDS = /\d[ \u00A0\u2009\u202F]$/;

function lastNumber(text: string): Statement[] {
  let last: RegExpExecArray | undefined;
  for (const match of text.matchAll(RUN)) last = match;
  if (!last) return [];
  const written = last[0].replace(/[.,:/]+$/, '');
  const end = last.index + written.length;
  const before = text.slice(Math.max(0, last.index - 40), last.index);
  const glued = /^[\p{L}\p{N}_^]/u.test(text.slice(end, end + 2));
  const spaced = SPACED_THOUSANDS.test(before) && /^\d{3}(?!\d)/.test(written);
  if (glued || spaced || PART_OF_MORE.test(before)) return [];
  const sign = SIGNS.exec(before)?.[0] ?? '';
  const answer = canonicalNumber(sign + written);
  return answer === undefined ? [] : [{ answer, start: last.index - sign.length, end }];
}

/** `#### 72`, the form of GSM8K (Cobbe et al. 2021, arXiv 2110.14168). */
function hashes(text: string): Statement[] {
  return Array.from(text.matchAll(/(?<!#)####(?!#)(.*)$/gm), (match) => {
    return { answer: match[1]!, start: match.index, end: match.index + match[0].length };
  });
}

/** A box's beginning, a brace, or a backslash with what it escapes. */
const BRACES = /\\boxed\s*\{|\\[^]|[{}]/g;

/**
 * `\boxed{72}`, the form of MATH (Hendrycks et al. 2021, arXiv 2103.03874), with braces that balance; in one pass, however
 * deep they lie. An unfinished box makes the whole text unfinished.
 */
function boxes(text: string): Statement[] {
  const statements: Statement[] = [];
  const open: ({ start: number; inner: number } | undefined)[] = [];
  let unfinished = 0;
  for (const { 0: token, index } of text.matchAll(BRACES)) {
    if (token === '}') {
      const box = open.pop();
      if (!box) continue;
      unfinished -= 1;
      statements.push({ answer: text.slice(box.inner, index), start: box.start, end: index + 1 });
    } else if (token.startsWith('\\boxed')) {
      open.push({ start: index, inner: index + token.length });
      unfinished += 1;
    } else if (token === '{' && unfinished > 0) open.push(undefined);
  }
  return unfinished > 0 ? [] : statements.sort((a, b) => a.start - b.start);
}

function byPattern(source: string): Finder {
  // A script that only searches, in a context that has nothing else: unlike a plain call it can be stopped.
  const context = createContext({ source, text: '' });
  const script = new Script(
    `JSON.stringify(Array.from(text.matchAll(new RegExp(source, 'gmu')), (m) => [m[1] ?? null, m.index, m[0].length]))`,
  );
  void new RegExp(source, 'gmu');
  return (text) => {
    context['text'] = text;
    let found: [string | null, number, number][];
    try {
      found = JSON.parse(script.runInContext(context, { timeout: PATTERN_TIMEOUT_MS })) as typeof found;
    } catch {
      return [];
    }
    return found.flatMap(([answer, start, length]) =>
      answer === null ? [] : [{ answer, start, end: start + length }],
    );
  };
}
