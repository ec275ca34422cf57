/**
 * Numbers as people write them, exactly: fractions of big integers, so that 0.5, .50, 1/2 and 2/4 are one
 * answer. What could be read in two ways (`1,5`, `007`, `1 000`) is not read.
 */

/** Longer numbers are no answers, and would cost time. */
const MAX_LENGTH = 200;

/** Minus signs as typed and as typeset: hyphens, the minus sign, the en dash. */
export const MINUS = '[-\u2010\u2011\u2012\u2013\u2212\uFE63\uFF0D]';
const CURRENCY = '[$€£¥₹]';

/** The units place, with correct thousands separators or none, and no leading zeros. */
const INTEGER = String.raw`(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*|0)`;
const DECIMAL = new RegExp(String.raw`^(${INTEGER})?(?:\.(\d*))?$`);
const FRACTION = new RegExp(String.raw`^(${INTEGER})/(${INTEGER})$`);
const LATEX_FRACTION = /^\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}$/;
const SIGN = new RegExp(`^(?:(${MINUS})|\\+)\\s?`);
const LEADING_CURRENCY = new RegExp(`^${CURRENCY}\\s?`);
const TRAILING_UNIT = new RegExp(`\\s?(?:%|${CURRENCY})$`);

/**
 * The canonical form of a number: `-3`, `0.5`, or `1/3` where the decimals would not end. Takes thousands
 * separators, a sign, a currency sign in front or behind, a percent sign (dropped: 50% is 50), a final period,
 * LaTeX's `\frac{}{}`, and surrounding `$…$`, `\(…\)`, `**…**`. Undefined for anything but one number.
 */
export function canonicalNumber(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let rest = unwrap(plainNumbers(text).trim());
  const signBefore = SIGN.exec(rest);
  if (signBefore) rest = rest.slice(signBefore[0].length);
  rest = rest.replace(LEADING_CURRENCY, '');
  const signAfter = signBefore ? null : SIGN.exec(rest);
  if (signAfter) rest = rest.slice(signAfter[0].length);
  const magnitude = readMagnitude(rest.replace(TRAILING_UNIT, ''));
  if (!magnitude) return undefined;
  const negative = (signBefore ?? signAfter)?.[1] !== undefined;
  return write(negative ? -magnitude.top : magnitude.top, magnitude.bottom);
}

/** Undoes LaTeX's ways of setting numbers: `1{,}000`, `1\,000`, `\$5`, `50\%`. */
export function plainNumbers(text: string): string {
  return text
    .replaceAll('{,}', ',')
    .replaceAll(/\{([-\u2212])\}/g, '$1')
    .replaceAll(/,\\!\s?/g, ',')
    .replaceAll(/\\[,!]/g, '')
    .replaceAll(/\\(?=[$%])/g, '');
}

/** Removes one pair of marks around a text, and a final period. */
export function unwrap(text: string): string {
  const wrapped =
    /^\*\*(.+?)\.?\*\*$/.exec(text) ??
    /^`(.+?)`$/.exec(text) ??
    /^\\\((.+?)\\\)$/.exec(text) ??
    /^\$([^$]+)\$$/.exec(text);
  const inner = (wrapped?.[1] ?? text).trim();
  return inner.replace(/(?<=[\d%})])\.$/, '');
}

export type Ratio = { top: bigint; bottom: bigint };

/** A number without sign, written as English does; undefined for any other form, and where it could be read in two ways. */
export function readMagnitude(text: string): Ratio | undefined {
  const latex = LATEX_FRACTION.exec(text);
  const fraction = FRACTION.exec(latex ? `${latex[1]}/${latex[2]}` : text);
  if (fraction) {
    const bottom = whole(fraction[2]!);
    return bottom === 0n ? undefined : { top: whole(fraction[1]!), bottom };
  }
  const decimal = DECIMAL.exec(text);
  const places = decimal?.[2] ?? '';
  if (!decimal || (decimal[1] === undefined && places === '')) return undefined;
  const scale = 10n ** BigInt(places.length);
  return { top: whole(decimal[1] ?? '0') * scale + BigInt(places || '0'), bottom: scale };
}

const whole = (digits: string): bigint => BigInt(digits.replaceAll(',', ''));

/** The canonical form of a fraction whose bottom is above 0. */
export function write(top: bigint, bottom: bigint): string {
  const divisor = greatestCommonDivisor(top < 0n ? -top : top, bottom);
  const [numerator, denominator] = [top / divisor, bottom / divisor];
  if (denominator === 1n) return String(numerator);
  let odd = denominator;
  while (odd % 2n === 0n) odd /= 2n;
  while (odd % 5n === 0n) odd /= 5n;
  if (odd !== 1n) return `${numerator}/${denominator}`;
  let places = 0;
  let scale = 1n;
  for (; scale % denominator !== 0n; scale *= 10n) places += 1;
  const scaled = numerator * (scale / denominator);
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, '0');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
