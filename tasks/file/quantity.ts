/**
 * Numbers with what stands beside them: `5 km`, `$5`, `5 \text{ km}`, `x = 5`, `≈ 5 (to 2 d.p.)`. An answer is read as a whole or
 * not at all: what is not known to be a unit is taken for a part of the number. Which units say nothing is the task's word
 * (`answer.units`); any other one makes another answer, so that 5 miles never pool with 5 km.
 */
import { formAt } from './forms.ts';
import { numeralAt } from './numerals.ts';
import { canonicalNumber, MINUS, plainNumbers, unwrap, write, type Ratio } from './number.ts';
import { bareAnswer, isRounding } from './statement.ts';
import { isSign, tokensOf, type Token } from './tokens.ts';
import { isCurrencyCode, isUnitPhrase, PER } from './units.ts';

const NUMBER = String.raw`(?:(?<!\p{L})\.)?\d(?:[\d.,/]*\d)?\.?|\\[dt]?frac\{[^{}]+\}\{[^{}]+\}`;
const SIGN = String.raw`(?:${MINUS}|\+)\s?`;
const QUANTITY = new RegExp(
  String.raw`^(${SIGN})?((?:(?!${MINUS})[^\d+\\])*?)\s?(${SIGN})?(${NUMBER})(\D.*)?$`,
  'su',
);
const FOREIGN_IN_FRONT = /^\p{L}{0,3}\p{Sc}$/u;
const FOREIGN_BEHIND = /^[\p{L}\p{Sc}%‰°][^\p{N}\\{}]*$/u;

/**
 * The canonical form of a number with the unit that it is stated in.
 *
 * @param units units that are dropped, in front or behind; without the list all known units are, but nothing else
 * @param inMath it stands in mathematics, where a letter is a variable
 * @returns the number, or the number and a unit that is not in the list (`5 miles`); undefined for anything else
 */
export function canonicalQuantity(
  text: string,
  units?: readonly string[],
  inMath = false,
): string | undefined {
  const { text: bare, inMath: set } = bareAnswer(text);
  if (units === undefined) {
    // Where mathematics begins and ends within a text says nothing of its value.
    const tokens = tokensOf(bare).filter(({ text: mark }) => !/^\\[([\])]$/.test(mark));
    const value = quantityOf(tokens, inMath || set);
    return value && write(value.top, value.bottom);
  }
  return withUnits(plainUnits(bare), units);
}

/** Units set as text, as they would be typed: for the list of a task. */
function plainUnits(text: string): string {
  const plain = text.replaceAll(/~?\s*\\(?:text|mathrm)\{([^{}]*)\}/g, ' $1 ');
  return unwrap(plainNumbers(plain).trim()).trim();
}

function withUnits(bare: string, units: readonly string[]): string | undefined {
  const [, sign = '', front = '', signBehind = '', stated, behind = ''] = QUANTITY.exec(bare) ?? [];
  if (stated === undefined || (sign !== '' && signBehind !== '')) return undefined;
  const number = canonicalNumber(sign + signBehind + stated);
  const known = new Set(units.map(folded));
  const found: string[] = [];
  for (const [unit, shape] of [
    [folded(front), FOREIGN_IN_FRONT],
    [folded(behind), FOREIGN_BEHIND],
  ] as const) {
    if (unit === '' || known.has(unit)) continue;
    if (!shape.test(unit)) return undefined;
    found.push(unit);
  }
  const unit = found.join(' ');
  return number === undefined || unit === '' || known.has(unit) ? number : `${number} ${unit}`;
}

/** As units are compared: case counts (mW is not MW), spacing, width and a final period don't. */
function folded(unit: string): string {
  return unit
    .normalize('NFKC')
    .replaceAll(/\s+/g, ' ')
    .replace(/[.!*`\s]+$/, '')
    .trim();
}

/** The value of tokens that are one number with its unit, and nothing else. */
export function quantityOf(tokens: readonly Token[], inMath: boolean): Ratio | undefined {
  let at = behindName(tokens);
  let sign: bigint | undefined;
  const signs = () => {
    const negative = isSign(tokens[at], '-') || /^(?:minus|negative)$/i.test(tokens[at]?.text ?? '');
    if (sign !== undefined || !(negative || isSign(tokens[at], '+'))) return;
    sign = negative ? -1n : 1n;
    at += 1;
  };
  signs();
  const currency = currencyAt(tokens, at);
  at += currency;
  if (currency > 0) signs();
  const form = isCircled(tokens, at) ?? formAt(tokens, at, 'alone') ?? spoken(tokens, at);
  if (!form) return undefined;
  const value = { top: (sign ?? 1n) * form.value.top, bottom: form.value.bottom };
  const remark = remarkAt(tokens, form.end, value, inMath);
  return endsHere(tokens.slice(0, remark), form.end, { inMath, currency: currency > 0 }) ? value : undefined;
}

/** Where a bracket begins that says the same once more, or how it was rounded; else the end of the tokens. */
function remarkAt(tokens: readonly Token[], from: number, value: Ratio, inMath: boolean): number {
  const at = tokens.findIndex((token, i) => i >= from && token.text === '(');
  if (at < 0) return tokens.length;
  const remark = tokens.slice(at);
  if (isRounding(remark)) return at;
  let inner = remark.slice(1, -1);
  if (remark.at(-1)?.text !== ')') return tokens.length;
  const said = inner.slice(0, 4).map(({ text }) => text.toLowerCase());
  if (said.join('') === 'i.e.') inner = inner.slice(4);
  else if (said[0] === 'ie') inner = inner.slice(1);
  else if (said.slice(0, 2).join(' ') === 'that is') inner = inner.slice(2);
  else if (said[0] !== '=' && inner[0]?.kind !== 'word') return tokens.length;
  if (isSign(inner[0], ',')) inner = inner.slice(1);
  if (inner.some(({ text }) => text === '(')) return tokens.length;
  const again = quantityOf(inner, inMath);
  return again && again.top * value.bottom === value.top * again.bottom ? at : tokens.length;
}

/** Behind `x =`, `V ≈`, `=` and `about`. */
function behindName(tokens: readonly Token[]): number {
  let at = 0;
  if (tokens[0]?.kind === 'word' && !tokens[0].quoted) {
    const indexed = isSign(tokens[1], '_') && /^(?:word|number)$/.test(tokens[2]?.kind ?? '') ? 3 : 1;
    if (isSign(tokens[indexed], '=', '≈')) at = indexed;
  }
  if (isSign(tokens[at], '=', '≈')) at += 1;
  if (/^(?:about|approximately|approx|around|roughly|circa|ca)$/i.test(tokens[at]?.text ?? '')) at += 1;
  else if (at > 0 && isSign(tokens[at], '≈')) at += 1;
  return at;
}

/** How many tokens a currency in front of a number takes: `$`, `US$`, `USD`. */
function currencyAt(tokens: readonly Token[], at: number): number {
  const [first, second] = [tokens[at], tokens[at + 1]];
  if (first?.kind === 'currency') return 1;
  if (first?.kind !== 'word' || !(isCurrencyCode(first.text) || /^[A-Z]{1,3}$/.test(first.text))) return 0;
  if (second?.kind === 'currency' && !second.spaced) return 2;
  return isCurrencyCode(first.text) && first.text.length > 1 && second?.kind === 'number' ? 1 : 0;
}

/** `③`, alone. */
function isCircled(tokens: readonly Token[], at: number): { value: Ratio; end: number } | undefined {
  const code = tokens[at]?.kind === 'other' ? tokens[at].text.codePointAt(0)! - 0x24_5f : 0;
  return code >= 1 && code <= 20 && tokens.length === at + 1
    ? { value: { top: BigInt(code), bottom: 1n }, end: at + 1 }
    : undefined;
}

/** A number in words, its hyphens among the tokens. */
function spoken(tokens: readonly Token[], at: number): { value: Ratio; end: number } | undefined {
  const words: string[] = [];
  const ends: number[] = [];
  for (let i = at; i < tokens.length && words.length < 40; i++) {
    const token = tokens[i]!;
    if (token.kind === 'word') {
      words.push(token.text.toLowerCase());
      ends.push(i + 1);
    } else if (!isSign(token, '-') || token.spaced || words.length === 0) break;
  }
  const found = numeralAt(words);
  return found && { value: { top: found.value, bottom: 1n }, end: ends[found.length - 1]! };
}

/** Does nothing stand from here on but a unit and a remark? */
function endsHere(
  tokens: readonly Token[],
  from: number,
  { inMath, currency }: { inMath: boolean; currency: boolean },
): boolean {
  const behind = tokens.slice(from);
  while (
    isSign(behind.at(-1), ',', ';', '!') &&
    behind.length > 0 &&
    !(behind.length === 1 && isSign(behind[0], '!'))
  )
    behind.pop();
  if (behind.length === 0) return true;
  const first = behind[0]!;
  const isDegree = isSign(first, '°') && /^[CFK]$/.test(behind[1]?.text ?? '');
  const isMark = isSign(first, '%', '‰', '°') || first.kind === 'currency';
  const rest = behind.slice(isDegree ? 2 : isMark ? 1 : 0);
  if (isMark && rest.length === 0) return true;
  const words = unitWords(isSign(rest[0], '/') ? rest.slice(1) : rest);
  if (words === undefined) return false;
  // `$5 per hour`, `5% of the pens`: what is counted is said already.
  if ((isMark || currency) && PER.test(words[0] ?? '')) return isUnitPhrase(['units', ...words], false);
  // A letter right behind a number is a variable or a unit; set as text it is a unit.
  return isUnitPhrase(words, inMath && !first.quoted && !isMark);
}

/** The words of what may be a unit, powers of two and three left out; undefined where anything else stands between. */
function unitWords(tokens: readonly Token[]): string[] | undefined {
  const words: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (/^cent$/i.test(token.text) && /^per$/i.test(words.at(-1) ?? '')) words.splice(-1, 1, 'percent');
    else if (token.kind === 'word') words.push(token.text);
    else if (isSign(token, '/', '*') && words.length > 0) words.push(token.text);
    else if (isSign(token, '^') && words.length > 0) {
      const braced = tokens[i + 1]?.text === '{';
      const power = tokens[i + (braced ? 2 : 1)];
      if (!/^[23]$/.test(power?.text ?? '') || (braced && tokens[i + 3]?.text !== '}')) return undefined;
      i += braced ? 3 : 1;
    } else if (token.text === '°' && words.length === 0) continue;
    else return undefined;
  }
  return words;
}
