/**
 * Expressions of written-out numbers: read from text in one pass, valued exactly as fractions of big integers. Time is linear in
 * the length of the text, whatever it holds: nothing is searched for by backtracking.
 */

export type Ratio = { top: bigint; bottom: bigint };
/** A number as stated, with the decimals it was written with. */
export type Term = Ratio & { decimals: number; percent: boolean; unit: string };

/** A piece of text, by offsets. A number that is none (too long, `3 million`) and any other text are `other`. */
type Token = { start: number; end: number } & (
  | { kind: 'term'; term: Term }
  | { kind: 'sign'; text: string }
  | { kind: 'other' }
);

/** One side of an equation: its value, and where in the text it stands. */
export type Expression = { value: Ratio; terms: Term[]; adds: boolean; start: number; end: number };

/** Digits of one number: longer ones are no reasoning. */
const MAX_DIGITS = 40;
/** Brackets and signs within each other. */
const MAX_DEPTH = 50;
/** Values with more digits are not worked out: only nonsense has them. */
const MAX_VALUE = 10n ** 1000n;

const NUMBER = String.raw`(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+`;
// A single letter may be a variable, so a unit has two letters at least.
const WORD = String.raw`(?!of\b|x\b)\p{L}{2,}(?:\/\p{L}{2,})?`;
const UNIT = String.raw`(?:[ \t]?${WORD}(?:[ \t]${WORD})?)?`;
const SIGNS = String.raw`[-+*/×·÷−–()]|\bx\b|\bof\b`;
const TOKEN = new RegExp(
  String.raw`([$€£¥₹]?)(${NUMBER})[ \t]?([%€£¥₹]?)(${UNIT})|(${SIGNS})|[ \t]+|\p{L}+|[^]`,
  'uy',
);
/** Words that stand for a number themselves. */
const MAGNITUDE = /\b(?:dozens?|hundreds?|thousands?|millions?|billions?|half|halves|pairs?|score)\b/i;

const PRODUCT: Record<string, '*' | '/'> = {
  '*': '*',
  '×': '*',
  '·': '*',
  x: '*',
  of: '*',
  '/': '/',
  '÷': '/',
};
const SUM: Record<string, 1n | -1n> = { '+': 1n, '-': -1n, '−': -1n, '–': -1n };

const isTerm = (token: Token | undefined): boolean => token?.kind === 'term';
const signOf = (token: Token | undefined): string | undefined =>
  token?.kind === 'sign' ? token.text : undefined;
const isBinary = (token: Token | undefined): boolean => {
  const sign = signOf(token);
  return sign !== undefined && (sign in PRODUCT || sign in SUM);
};
const adds = (token: Token | undefined): boolean => (signOf(token) ?? '(') in SUM;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let start = 0; start < text.length; start = TOKEN.lastIndex) {
    const [whole, currency = '', number, mark = '', unit = '', sign] = TOKEN.exec(text)!;
    const place = { start, end: TOKEN.lastIndex };
    if (/^[ \t]/.test(whole)) continue;
    const term = number === undefined ? undefined : termOf(number, currency || mark, unit);
    if (term) tokens.push({ kind: 'term', term, ...place });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, ...place });
    else tokens.push({ kind: 'other', ...place });
  }
  return tokens;
}

function termOf(number: string, mark: string, unit: string): Term | undefined {
  const digits = number.replaceAll(',', '');
  if (digits.length > MAX_DIGITS || MAGNITUDE.test(unit)) return undefined;
  const [whole = '', places = ''] = digits.split('.');
  const bottom = 10n ** BigInt(places.length);
  const top = BigInt(whole || '0') * bottom + BigInt(places || '0');
  const percent = mark === '%';
  const name = percent ? '' : mark === '$' ? 'dollar' : mark || unit.trim().toLowerCase().replace(/s$/, '');
  return { top, bottom: percent ? bottom * 100n : bottom, decimals: places.length, percent, unit: name };
}

/** The longest expression that a text ends in; undefined where it ends in none that can be valued. */
export function expressionAtEnd(text: string): Expression | undefined {
  const tokens = tokensOf(text);
  let first = tokens.length;
  for (let i = tokens.length - 1; i >= 0; i--) {
    while (signOf(tokens[i]) === ')') i--;
    if (!isTerm(tokens[i])) break;
    i--;
    while (signOf(tokens[i]) === '(' || isOwnSign(tokens, i)) i--;
    first = i + 1;
    if (!isBinary(tokens[i])) break;
  }
  // An open bracket that is not closed is the prose's: `he has (5 + 3 = 8) left`.
  let open = 0;
  for (let i = tokens.length - 1; i >= first; i--) {
    if (signOf(tokens[i]) === ')') open++;
    else if (signOf(tokens[i]) === '(' && --open < 0) first = i + 1;
    if (open < 0) break;
  }
  return expression(tokens.slice(first));
}

/** A sign that belongs to the number or bracket behind it: `5 * -3`, `(-5`. One that begins a text may be a bullet. */
function isOwnSign(tokens: Token[], i: number): boolean {
  const before = tokens[i - 1];
  return (
    adds(tokens[i]) &&
    tokens[i]!.end === tokens[i + 1]?.start &&
    (signOf(before) === '(' || (isBinary(before) && before!.end < tokens[i]!.start))
  );
}

/** The longest expression that a text begins with. Behind a result "of" is mostly prose: `40 / 10 = 4 packs of 10`. */
export function expressionAtStart(text: string): Expression | undefined {
  const tokens = tokensOf(text);
  let end = 0;
  for (let i = adds(tokens[0]) ? 1 : 0; i < tokens.length; i++) {
    while (signOf(tokens[i]) === '(' || isOwnSign(tokens, i)) i++;
    if (!isTerm(tokens[i])) break;
    i++;
    while (signOf(tokens[i]) === ')') i++;
    end = i;
    if (!isBinary(tokens[i]) || signOf(tokens[i]) === 'of') break;
  }
  let open = 0;
  for (let i = 0; i < end; i++) {
    if (signOf(tokens[i]) === '(') open++;
    else if (signOf(tokens[i]) === ')' && --open < 0) end = i;
  }
  return expression(tokens.slice(0, end));
}

function expression(tokens: Token[]): Expression | undefined {
  const value = tokens.length > 0 ? valueOf(tokens) : undefined;
  if (!value) return undefined;
  return {
    value,
    terms: tokens.flatMap((token) => (token.kind === 'term' ? [token.term] : [])),
    adds: tokens.some(adds),
    start: tokens[0]!.start,
    end: tokens.at(-1)!.end,
  };
}

/** Recursive descent with the usual precedence; undefined where the tokens are no expression, or one beyond all measure. */
function valueOf(tokens: readonly Token[]): Ratio | undefined {
  let at = 0;
  let depth = 0;
  function factor(): Ratio | undefined {
    const token = tokens[at++];
    if (token === undefined || ++depth > MAX_DEPTH) return undefined;
    let value: Ratio | undefined;
    if (token.kind === 'term') value = token.term;
    else if (adds(token)) {
      const inner = factor();
      value = inner && { top: SUM[signOf(token)!]! * inner.top, bottom: inner.bottom };
    } else if (signOf(token) === '(') {
      const inner = sum();
      value = signOf(tokens[at++]) === ')' ? inner : undefined;
    }
    depth--;
    return value;
  }
  function product(): Ratio | undefined {
    let value = factor();
    for (
      let sign = PRODUCT[signOf(tokens[at]) ?? ''];
      value && sign;
      sign = PRODUCT[signOf(tokens[at]) ?? '']
    ) {
      at++;
      const other = factor();
      if (!other || (sign === '/' && other.top === 0n)) return undefined;
      const [top, bottom] = sign === '/' ? [other.bottom, other.top] : [other.top, other.bottom];
      value = bounded({ top: value.top * top, bottom: value.bottom * bottom });
    }
    return value;
  }
  function sum(): Ratio | undefined {
    let value = product();
    for (let sign = SUM[signOf(tokens[at]) ?? '']; value && sign; sign = SUM[signOf(tokens[at]) ?? '']) {
      at++;
      const other = product();
      value = other && bounded(plus(value, { top: sign * other.top, bottom: other.bottom }));
    }
    return value;
  }
  const value = sum();
  if (!value || at !== tokens.length) return undefined;
  return value.bottom < 0n ? { top: -value.top, bottom: -value.bottom } : value;
}

/** Of decimals one bottom divides the other, so that a sum of any length keeps a short one. */
function plus(a: Ratio, b: Ratio): Ratio {
  if (a.bottom % b.bottom === 0n) return { top: a.top + b.top * (a.bottom / b.bottom), bottom: a.bottom };
  if (b.bottom % a.bottom === 0n) return { top: a.top * (b.bottom / a.bottom) + b.top, bottom: b.bottom };
  return { top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom };
}

const bounded = (value: Ratio): Ratio | undefined =>
  [value.top, value.bottom].some((part) => part > MAX_VALUE || part < -MAX_VALUE) ? undefined : value;
