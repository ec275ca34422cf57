/**
 * Numbers with what stands beside them: `5 km`, `$5`, `5 \text{ km}`. Which units say nothing is the task's word
 * (`answer.units`); any other one makes another answer, so that 5 miles never pool with 5 km.
 */
import { canonicalNumber, MINUS, plainNumbers, unwrap } from './number.ts';

/** Behind a number these are a part of it (`3 million`, `5 and a half`): dropping them would misread it. */
const NUMERAL = new RegExp(
  String.raw`\b(?:(?:hundred|thousand|million|billion|trillion|dozen|third)s?|half|halves|k|mn|bn)\b|` +
    String.raw`\band\s+(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty)\b`,
  'i',
);

const NUMBER = String.raw`(?:(?<!\p{L})\.)?\d(?:[\d.,/]*\d)?\.?|\\[dt]?frac\{[^{}]+\}\{[^{}]+\}`;
const SIGN = String.raw`(?:${MINUS}|\+)\s?`;
const QUANTITY = new RegExp(
  String.raw`^(${SIGN})?((?:(?!${MINUS})[^\d+\\])*?)\s?(${SIGN})?(${NUMBER})(\D.*)?$`,
  'su',
);
const FOREIGN_IN_FRONT = /^\p{L}{0,3}\p{Sc}$/u;
const FOREIGN_BEHIND = /^[\p{L}\p{Sc}%‰°][^\p{N}]*$/u;

/**
 * The canonical form of a number with the unit that it is stated in.
 *
 * @param units units that are dropped, in front or behind; without the list all are, but not numerals
 * @returns the number, or the number and a unit that is not in the list (`5 miles`); undefined for anything else
 */
export function canonicalQuantity(text: string, units?: readonly string[]): string | undefined {
  const bare = unwrap(plainNumbers(text).trim())
    .replace(/~?\s*\\(?:text|mathrm)\{([^{}]*)\}/, ' $1 ')
    .trim();
  if (units === undefined) {
    const number = canonicalNumber(bare);
    if (number !== undefined) return number;
    const [, stated, words] = /^(\S+)\s+(\D+)$/.exec(bare) ?? [];
    return stated === undefined || NUMERAL.test(words!) ? undefined : canonicalNumber(stated);
  }
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
