/**
 * Verifies the equations of numbers in a rationale, exactly: `3 * 4 = 12`, `$1,200 / 4 = $300`, `20% of 50 = 10`.
 *
 * Covers sums, products and fractions of written-out numbers, with units in words where they can't change the
 * value. Does not cover algebra, powers, mixed units (`1 hour + 30 minutes`) and magnitudes in words (`3 million`):
 * such equations are counted as not checked, never as wrong. That the right equations are used is not checked.
 */
import type { Verification } from '../task.ts';
import { excerpt } from '../jsonl.ts';
import { plainNumbers } from './number.ts';

type Ratio = { top: bigint; bottom: bigint };
/** A number as stated, with the decimals it was written with. */
type Term = Ratio & { decimals: number; percent: boolean; unit: string };

const MAX_LENGTH = 100_000;
const MAX_EQUATIONS = 1000;
/** Digits of one number: longer ones are no reasoning, and would cost time. */
const MAX_DIGITS = 40;
const MAX_TERMS = 20;

const NUMBER = String.raw`(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+`;
// A single letter may be a variable, so a unit has two letters at least.
const WORD = String.raw`(?!of\b|x\b)\p{L}{2,}(?:\/\p{L}{2,})?`;
const UNIT = String.raw`(?:[ \t]?${WORD}(?:[ \t]${WORD})?)?`;
const TERM = String.raw`\(*[$€£¥₹]?(?:${NUMBER})[ \t]?(?:[%€£¥₹])?${UNIT}\)*`;
const SIGN = String.raw`[-+*/×·÷−–]|\bx\b`;
const OPERATOR = String.raw`[ \t]*(?:${SIGN}|\bof\b)[ \t]*`;
// Behind a result "of" is mostly prose: `40 / 10 = 4 packs of 10`.
const RESULT_OPERATOR = String.raw`[ \t]*(?:${SIGN})[ \t]*`;
const LEFT = new RegExp(`${TERM}(?:${OPERATOR}${TERM}){0,${MAX_TERMS}}[ \\t]*$`, 'u');
const RIGHT = new RegExp(
  `^[ \\t]*(?:[-−–][ \\t]?)?${TERM}(?:${RESULT_OPERATOR}${TERM}){0,${MAX_TERMS}}`,
  'u',
);
const TOKEN = new RegExp(
  String.raw`([$€£¥₹]?)(${NUMBER})[ \t]?([%€£¥₹]?)(${UNIT})|([-+*/×·÷−–()]|\bx\b|\bof\b)|([ \t]+)`,
  'uy',
);
/** Words that stand for a number themselves. */
const MAGNITUDE = /\b(?:dozens?|hundreds?|thousands?|millions?|billions?|half|halves|pairs?|score)\b/i;

/** How far an equation can reach on either side of its sign. */
const REACH = 300;

/**
 * Every equation that can be read must hold. A value may be stated rounded to two or more decimals. Without an
 * equation that can be read there is nothing to verify.
 */
export function verifyEquations(rationale: string): Verification {
  if (rationale.length > MAX_LENGTH) {
    return { ok: undefined, reason: `${rationale.length} characters > ${MAX_LENGTH}: not verified` };
  }
  const text = plainNumbers(rationale)
    // GSM8K's calculator marks repeat the equation that they stand in.
    .replaceAll(/<<[^<>\n]*>>/g, '')
    .replaceAll(/\\(?:times|cdot)\b/g, '×')
    .replaceAll(/\\div\b/g, '÷')
    .replaceAll(/\*\*|[`$](?=[^\d])/g, ' ');
  const signs = [...text.matchAll(/(?<![<>=!:≠])=(?!=)/g)];
  if (signs.length > MAX_EQUATIONS) {
    return { ok: undefined, reason: `${signs.length} equations > ${MAX_EQUATIONS}: not verified` };
  }
  let checked = 0;
  let unchecked = 0;
  const wrong: string[] = [];
  for (const { index } of signs) {
    const found = check(text, index);
    if (found === undefined) unchecked += 1;
    else {
      checked += 1;
      if (found !== true) wrong.push(found);
    }
  }
  const beside = unchecked > 0 ? `, ${unchecked} not checked` : '';
  if (checked === 0) return { ok: undefined, reason: `no equation of numbers to verify${beside}` };
  const held = checked - wrong.length;
  const score = held / checked;
  const reason = `${held} of ${checked} equations hold${beside}`;
  return wrong.length === 0
    ? { ok: true, score, reason }
    : { ok: false, score, reason: `${reason}: ${wrong.slice(0, 3).join('; ')}` };
}

/** True: it holds; a text: it does not, and why; undefined: it is none that can be read. */
function check(text: string, at: number): true | string | undefined {
  const before = text
    .slice(Math.max(0, at - REACH), at)
    .split(/[\n=;]/)
    .at(-1)!;
  const after = text.slice(at + 1, at + 1 + REACH).split(/[\n=;]/)[0]!;
  const left = LEFT.exec(before);
  const right = RIGHT.exec(after);
  if (!left || !right) return undefined;
  if (!beginsHere(before.slice(0, left.index)) || !endsHere(after.slice(right[0].length))) return undefined;
  const [lhs, rhs] = [read(left[0]), read(right[0])];
  if (!lhs || !rhs) return undefined;
  // `2 kg = 2 * 1000` and `20 minutes = 2 * 60 + 20` are notes, not equations.
  if (lhs.terms.length < 2) return undefined;
  if (!comparable([...lhs.terms, ...rhs.terms], lhs.adds || rhs.adds)) return undefined;
  if (equal(lhs.value, rhs.value) || statedRounded(lhs, rhs) || statedInPercent(lhs, rhs)) return true;
  return `${excerpt(`${left[0].trim()} = ${right[0].trim()}`, 80)}, but it is ${write(lhs.value)}`;
}

/** Words that continue an expression. */
const SPOKEN = /(?:^|[^\p{L}])(?:\p{L}|times|plus|minus|by|of|per|percent)$/iu;

/** Is what stands before an expression prose, so that nothing of the expression is cut off? */
function beginsHere(before: string): boolean {
  const rest = before.replace(/^[ \t]*[-*•+][ \t]+/, '').replace(/^[ \t]*\d+[.)][ \t]+/, '');
  const words = rest.trimEnd();
  if (words === '') return true;
  if (words === rest) return false;
  return /[\p{L}.,:!?)"'’]$/u.test(words) && !SPOKEN.test(words) && !/[\d)\]][)"'’]*$/.test(words);
}

/** Is what stands after it prose or the end? */
function endsHere(after: string): boolean {
  return !/^(?:[\p{L}\p{N}_^(%:]|[.,]\d|[ \t]*[-+*/×·÷−–^(]|[ \t]+(?:x\b|of\b|\d))/u.test(after);
}

type Side = { value: Ratio; terms: Term[]; adds: boolean };

function read(text: string): Side | undefined {
  const tokens: (Term | string)[] = [];
  TOKEN.lastIndex = 0;
  for (let end = 0; end < text.length; end = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    if (!match) return undefined;
    const [, currency, number, mark, unit, operator] = match;
    if (number !== undefined) {
      const term = termOf(number, currency || mark!, unit!);
      if (!term) return undefined;
      tokens.push(term);
    } else if (operator !== undefined) tokens.push(operator);
  }
  const terms = tokens.filter((token) => typeof token !== 'string');
  const value = evaluate(tokens);
  if (!value) return undefined;
  const has = (pattern: RegExp) => tokens.some((token) => typeof token === 'string' && pattern.test(token));
  return { value, terms, adds: has(/[-+−–]/) };
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

/** Units of one kind: where an equation has two of them, its numbers alone can't be compared. */
const KINDS = [
  'second minute hour day week month year',
  'cent dollar euro pound $ € £ penny pennie dime nickel quarter',
  'inch inche foot feet yard mile meter metre kilometer kilometre centimeter centimetre cm mm km',
  'ounce pound gram kilogram kg mg ton tonne',
  'milliliter millilitre liter litre ml cup pint quart gallon',
].map((kind) => new Set(kind.split(' ')));

/** Numbers that are added must be of one unit, or without any; percentages are added to percentages. */
function comparable(terms: Term[], adds: boolean): boolean {
  const units = new Set(terms.flatMap(({ unit }) => (unit === '' ? [] : [unit])));
  if (KINDS.some((kind) => [...units].filter((unit) => kind.has(unit)).length > 1)) return false;
  return !adds || (units.size <= 1 && new Set(terms.map(({ percent }) => percent)).size === 1);
}

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

/** Recursive descent with the usual precedence; undefined where the tokens are no expression. */
function evaluate(tokens: readonly (Term | string)[]): Ratio | undefined {
  let at = 0;
  const peek = () => tokens[at];
  function factor(): Ratio | undefined {
    const token = tokens[at++];
    if (token === undefined) return undefined;
    if (typeof token !== 'string') return token;
    if (SUM[token] !== undefined) {
      const value = factor();
      return value && { top: SUM[token] * value.top, bottom: value.bottom };
    }
    if (token !== '(') return undefined;
    const value = sum();
    return tokens[at++] === ')' ? value : undefined;
  }
  function product(): Ratio | undefined {
    let value = factor();
    for (let next = peek(); value && typeof next === 'string' && PRODUCT[next]; next = peek()) {
      at++;
      const other = factor();
      if (!other) return undefined;
      const divides = PRODUCT[next] === '/';
      if (divides && other.top === 0n) return undefined;
      const [top, bottom] = divides ? [other.bottom, other.top] : [other.top, other.bottom];
      value = { top: value.top * top, bottom: value.bottom * bottom };
    }
    return value;
  }
  function sum(): Ratio | undefined {
    let value = product();
    for (let next = peek(); value && typeof next === 'string' && SUM[next] !== undefined; next = peek()) {
      at++;
      const other = product();
      if (!other) return undefined;
      value = {
        top: value.top * other.bottom + SUM[next]! * other.top * value.bottom,
        bottom: value.bottom * other.bottom,
      };
    }
    return value;
  }
  const value = sum();
  if (!value || at !== tokens.length) return undefined;
  return value.bottom < 0n ? { top: -value.top, bottom: -value.bottom } : value;
}

const equal = (a: Ratio, b: Ratio): boolean => a.top * b.bottom === b.top * a.bottom;

/** `10 / 3 = 3.33`: a value stated to two or more decimals, right to half of the last one. */
function statedRounded(lhs: Side, rhs: Side): boolean {
  const [stated] = rhs.terms;
  if (!stated || rhs.terms.length > 1 || stated.decimals < 2) return false;
  const gap = lhs.value.top * rhs.value.bottom - rhs.value.top * lhs.value.bottom;
  const scale = 2n * 10n ** BigInt(stated.decimals) * (stated.percent ? 100n : 1n);
  return (gap < 0n ? -gap : gap) * scale <= lhs.value.bottom * rhs.value.bottom;
}

/** `3 / 12 * 100 = 25%`: what was counted in percent is stated with the sign. */
function statedInPercent(lhs: Side, rhs: Side): boolean {
  const [stated] = rhs.terms;
  if (!stated?.percent || rhs.terms.length > 1 || lhs.terms.some(({ percent }) => percent)) return false;
  return equal(lhs.value, { top: rhs.value.top * 100n, bottom: rhs.value.bottom });
}

/** A value for a reason: exact where it is short, else to four decimals. */
function write({ top, bottom }: Ratio): string {
  if (top % bottom === 0n) return excerpt(String(top / bottom), 40);
  const scaled = (top * 10_000n) / bottom;
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(5, '0');
  const places = digits.slice(-4).replace(/0+$/, '') || '0';
  return excerpt(`${scaled < 0n ? '-' : ''}${digits.slice(0, -4)}.${places}`, 60);
}
