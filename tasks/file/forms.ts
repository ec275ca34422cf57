/**
 * One number among tokens, in the forms in which an answer is a number: a decimal, a fraction, a mixed number, a power of ten.
 * Each is valued exactly, or is none.
 */
import { FRACTION, isSign, type Token } from './tokens.ts';
import { readMagnitude, type Ratio } from './number.ts';

/**
 * What stands alone may be written as other countries do (`1.234,56`, `1'234`, `4 200`); in running text the same signs may mean
 * something else, so there they are not read.
 */
export type Where = 'alone' | 'in prose';

/** Digits of one number: longer ones are no answers. */
const MAX_DIGITS = 200;
const MAX_EXPONENT = 100n;

const VULGAR: Record<string, [bigint, bigint]> = {
  '½': [1n, 2n],
  '⅓': [1n, 3n],
  '⅔': [2n, 3n],
  '¼': [1n, 4n],
  '¾': [3n, 4n],
  '⅕': [1n, 5n],
  '⅖': [2n, 5n],
  '⅗': [3n, 5n],
  '⅘': [4n, 5n],
  '⅙': [1n, 6n],
  '⅚': [5n, 6n],
  '⅐': [1n, 7n],
  '⅛': [1n, 8n],
  '⅜': [3n, 8n],
  '⅝': [5n, 8n],
  '⅞': [7n, 8n],
  '⅑': [1n, 9n],
  '⅒': [1n, 10n],
};

const isWhole = ({ bottom }: Ratio): boolean => bottom === 1n;

/** A number's digits, by who writes them so. */
export function literal(written: string, where: Where): Ratio | undefined {
  if (written.length > MAX_DIGITS) return undefined;
  const [, raw, power] = /^([^eE]*)(?:[eE](.*))?$/.exec(written)!;
  if (power !== undefined && where === 'in prose' && !/^\d+$/.test(power)) return undefined;
  const value = mantissa(raw!, where);
  if (!value || power === undefined) return value;
  return value && timesTen(value, BigInt(power.replace('−', '-').replace('+', '')));
}

function mantissa(raw: string, where: Where): Ratio | undefined {
  if (/^0{2,9}$/.test(raw)) return { top: 0n, bottom: 1n };
  if (where === 'in prose') return readMagnitude(raw);
  const text = latin(raw)?.replaceAll('’', "'");
  if (text === undefined) return undefined;
  const plain =
    readMagnitude(text) ?? (/^0+[1-9]\d*$/.test(text) ? readMagnitude(text.replace(/^0+/, '')) : undefined);
  if (plain) return plain;
  // A comma before decimals, where it can't part thousands or two numbers: `2,00625`, `1.234,56`.
  const decimals = /^([1-9]\d{0,2}(?:\.\d{3})+),(\d+)$/.exec(text) ?? /^(0|[1-9]\d*),(0\d{3,})$/.exec(text);
  if (decimals) return readMagnitude(`${decimals[1]!.replaceAll('.', '')}.${decimals[2]}`);
  if (/^[1-9]\d{0,2}(?:\.\d{3}){2,}$/.test(text)) return readMagnitude(text.replaceAll('.', ''));
  if (/^[1-9]\d{0,2}(?:'\d{3})+(?:\.\d+)?$/.test(text)) return readMagnitude(text.replaceAll("'", ''));
  return undefined;
}

/** Digits of one script as ASCII ones; undefined where scripts are mixed. */
function latin(raw: string): string | undefined {
  const bases = new Set<number>();
  const text = raw.replaceAll(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0)!;
    // Digits stand in tens, from a code that ends in 0 or 6, by script.
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    bases.add(zero);
    return String(code - zero);
  });
  return bases.size > 1 ? undefined : text.replaceAll('٬', ',').replaceAll('٫', '.');
}

function timesTen({ top, bottom }: Ratio, power: bigint): Ratio | undefined {
  if (power > MAX_EXPONENT || power < -MAX_EXPONENT) return undefined;
  return power < 0n ? { top, bottom: bottom * 10n ** -power } : { top: top * 10n ** power, bottom };
}

export type Form = { value: Ratio; end: number };

/**
 * The number that begins at a token, as far as it goes.
 *
 * @returns its value and the index behind its last token
 */
export function formAt(tokens: readonly Token[], at: number, where: Where, depth = 0): Form | undefined {
  const token = tokens[at];
  if (!token || depth > 3) return undefined;
  if (token.kind === 'command') return fractionAt(tokens, at, where);
  if (token.kind === 'vulgar') return vulgarAt(tokens, at);
  if (token.kind === 'open') {
    const inner =
      token.text === '(' || token.text === '{' ? signedAt(tokens, at + 1, where, depth + 1) : undefined;
    if (!inner) return undefined;
    const last = tokens[inner.end];
    const over = last?.kind === 'command' && last.text === 'over' && token.text === '{';
    if (over) {
      const below = signedAt(tokens, inner.end + 1, where, depth + 1);
      const value = below && quotient(inner.value, below.value);
      return value && tokens[below.end]?.text === '}' ? { value, end: below.end + 1 } : undefined;
    }
    return last?.text === (token.text === '(' ? ')' : '}')
      ? { value: inner.value, end: inner.end + 1 }
      : undefined;
  }
  if (token.kind !== 'number') return undefined;
  return numberAt(tokens, at, where);
}

function numberAt(tokens: readonly Token[], at: number, where: Where): Form | undefined {
  const spaced = where === 'alone' ? groupsAt(tokens, at) : undefined;
  const first = spaced ?? plainAt(tokens, at, where);
  if (!first) return undefined;
  const { value, end } = first;
  const next = tokens[end];
  if (isSign(next, '/') && tokens[end + 1]?.kind === 'number') {
    const below = plainAt(tokens, end + 1, where);
    const ratio = below && isWhole(value) && isWhole(below.value) ? quotient(value, below.value) : undefined;
    return ratio && { value: ratio, end: end + 2 };
  }
  // A mixed number: the fraction is a proper one.
  if (next && isWhole(value) && (where === 'alone' || !next.spaced)) {
    const fraction =
      next.kind === 'vulgar' || next.kind === 'command'
        ? formAt(tokens, end, where)
        : where === 'alone' && next.kind === 'number' && next.spaced && isSign(tokens[end + 1], '/')
          ? numberAt(tokens, end, where)
          : undefined;
    if (fraction) {
      const { top, bottom } = fraction.value;
      if (top <= 0n || top >= bottom) return undefined;
      return { value: { top: value.top * bottom + top, bottom }, end: fraction.end };
    }
  }
  return (where === 'alone' ? powerOfTen(tokens, first) : undefined) ?? first;
}

function plainAt(tokens: readonly Token[], at: number, where: Where): Form | undefined {
  const value = literal(tokens[at]!.text, where);
  return value && { value, end: at + 1 };
}

/** `4 200 000`: thousands parted by spaces, all of them. */
function groupsAt(tokens: readonly Token[], at: number): Form | undefined {
  if (!/^[1-9]\d{0,2}$/.test(tokens[at]!.text)) return undefined;
  let digits = tokens[at]!.text;
  let end = at + 1;
  for (; tokens[end]?.kind === 'number' && tokens[end]!.spaced; end++) {
    const group = tokens[end]!.text;
    if (!/^\d{3}(?:\.\d+)?$/.test(group) || digits.includes('.')) return undefined;
    digits += group;
  }
  if (end === at + 1 || isSign(tokens[end], '/')) return undefined;
  const value = readMagnitude(digits);
  return value && { value, end };
}

/** `1.5 × 10^3`. */
function powerOfTen(tokens: readonly Token[], { value, end }: Form): Form | undefined {
  const times = isSign(tokens[end], '*') || tokens[end]?.text === 'x';
  if (!times || tokens[end + 1]?.text !== '10' || !isSign(tokens[end + 2], '^')) return undefined;
  const braced = tokens[end + 3]?.kind === 'open';
  const from = end + 3 + (braced ? 1 : 0);
  const negative = isSign(tokens[from], '-');
  const digits = tokens[from + (negative ? 1 : 0)];
  const last = from + (negative ? 2 : 1);
  if (
    digits?.kind !== 'number' ||
    !/^\d{1,3}$/.test(digits.text) ||
    (braced && tokens[last]?.kind !== 'close')
  )
    return undefined;
  const power = BigInt(digits.text);
  const scaled = timesTen(value, negative ? -power : power);
  return scaled && { value: scaled, end: last + (braced ? 1 : 0) };
}

function signedAt(tokens: readonly Token[], at: number, where: Where, depth: number): Form | undefined {
  const sign = isSign(tokens[at], '-') ? -1n : 1n;
  const form = formAt(tokens, at + (sign < 0n || isSign(tokens[at], '+') ? 1 : 0), where, depth);
  return form && { value: { top: sign * form.value.top, bottom: form.value.bottom }, end: form.end };
}

function vulgarAt(tokens: readonly Token[], at: number): Form | undefined {
  const known = VULGAR[tokens[at]!.text];
  return known && { value: { top: known[0], bottom: known[1] }, end: at + 1 };
}

function fractionAt(tokens: readonly Token[], at: number, where: Where): Form | undefined {
  if (!FRACTION.test(tokens[at]!.text)) return undefined;
  const above = argumentAt(tokens, at + 1, where);
  const below = above && argumentAt(tokens, above.end, where);
  const value =
    below && isWhole(above.value) && isWhole(below.value) ? quotient(above.value, below.value) : undefined;
  return value && { value, end: below!.end };
}

/** `{12}`, `{-1}` or one digit. */
function argumentAt(tokens: readonly Token[], at: number, where: Where): Form | undefined {
  const token = tokens[at];
  if (token?.kind === 'number' && /^\d$/.test(token.text)) return plainAt(tokens, at, where);
  if (token?.text !== '{') return undefined;
  const negative = isSign(tokens[at + 1], '-');
  const from = at + (negative ? 2 : 1);
  const inner = tokens[from]?.kind === 'number' ? plainAt(tokens, from, where) : undefined;
  if (!inner || tokens[inner.end]?.text !== '}') return undefined;
  const { top, bottom } = inner.value;
  return { value: { top: negative ? -top : top, bottom }, end: inner.end + 1 };
}

function quotient(a: Ratio, b: Ratio): Ratio | undefined {
  if (b.top === 0n) return undefined;
  const [top, bottom] = [a.top * b.bottom, a.bottom * b.top];
  return bottom < 0n ? { top: -top, bottom: -bottom } : { top, bottom };
}
