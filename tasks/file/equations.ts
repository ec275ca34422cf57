/**
 * Verifies the equations of numbers in a rationale, exactly: `3 * 4 = 12`, `$1,200 / 4 = $300`, `20% of 50 = 10`.
 *
 * Covers sums, products and fractions of written-out numbers, with units in words where they can't change the
 * value. Does not cover algebra, powers, mixed units (`1 hour + 30 minutes`) and magnitudes in words (`3 million`):
 * such equations are counted as not checked, never as wrong. That the right equations are used is not checked.
 */
import type { Verification } from '../task.ts';
import { excerpt } from '../jsonl.ts';
import { expressionAtEnd, expressionAtStart, type Expression, type Ratio, type Term } from './expression.ts';
import { plainNumbers } from './number.ts';

const MAX_LENGTH = 100_000;
const MAX_EQUATIONS = 1000;

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
  const equations = equationsIn(text);
  if (equations.length > MAX_EQUATIONS) {
    return { ok: undefined, reason: `${equations.length} equations > ${MAX_EQUATIONS}: not verified` };
  }
  let checked = 0;
  let unchecked = 0;
  const wrong: string[] = [];
  for (const [before, after] of equations) {
    const found = check(before, after);
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

/** What stands before and after each equals sign, up to the next one or the end of the line. */
function equationsIn(text: string): [string, string][] {
  return text.split(/[\n;]/).flatMap((line) => {
    const parts = line.split('=');
    return parts.slice(1).flatMap((after, i): [string, string][] => {
      const before = parts[i]!;
      // Of `<=`, `!=`, `:=` and `==` the sign is none.
      const isOther =
        /[<>!:≠]$/.test(before) || (before === '' && i > 0) || (after === '' && i + 2 < parts.length);
      return isOther ? [] : [[before, after]];
    });
  });
}

/** True: it holds; a text: it does not, and why; undefined: it is none that can be read. */
function check(before: string, after: string): true | string | undefined {
  const lhs = expressionAtEnd(before);
  const rhs = expressionAtStart(after);
  if (!lhs || !rhs) return undefined;
  if (before.slice(lhs.end).trim() !== '' || after.slice(0, rhs.start).trim() !== '') return undefined;
  if (!beginsHere(before.slice(0, lhs.start)) || !endsHere(after.slice(rhs.end))) return undefined;
  // `2 kg = 2 * 1000` and `20 minutes = 2 * 60 + 20` are notes, not equations.
  if (lhs.terms.length < 2) return undefined;
  if (!comparable([...lhs.terms, ...rhs.terms], lhs.adds || rhs.adds)) return undefined;
  if (equal(lhs.value, rhs.value) || statedRounded(lhs, rhs) || statedInPercent(lhs, rhs)) return true;
  const [left, right] = [before.slice(lhs.start, lhs.end), after.slice(rhs.start, rhs.end)];
  return `${excerpt(`${left.trim()} = ${right.trim()}`, 80)}, but it is ${write(lhs.value)}`;
}

/** Words that continue an expression. */
const SPOKEN = /(?:^|[^\p{L}])(?:\p{L}|times|plus|minus|by|of|per|percent)$/iu;

/** As much of the text around an expression as says whether it is the whole of it. */
const NEAR = 60;

/** Is what stands before an expression prose, so that nothing of the expression is cut off? */
function beginsHere(all: string): boolean {
  const before = all.slice(-NEAR);
  const rest =
    all.length > NEAR
      ? before
      : before.replace(/^[ \t]*[-*•+][ \t]+/, '').replace(/^[ \t]*\d+[.)][ \t]+/, '');
  const words = rest.replace(/(^|[ \t])\($/, '$1').trimEnd();
  if (words === '') return true;
  if (words === rest) return false;
  return /[\p{L}.,:!?)"'’]$/u.test(words) && !SPOKEN.test(words) && !/[\d)\]][)"'’]*$/.test(words);
}

/** Is what stands after it prose or the end? */
function endsHere(after: string): boolean {
  return !/^(?:[\p{L}\p{N}_^(%:]|[.,]\d|[ \t]*[-+*/×·÷−–^(]|[ \t]+(?:x\b|of\b|\d))/u.test(
    after.slice(0, NEAR),
  );
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

const equal = (a: Ratio, b: Ratio): boolean => a.top * b.bottom === b.top * a.bottom;

/** What double precision shows, and how exact it is after a few steps. */
const CALCULATOR_DECIMALS = 10;
const CALCULATOR_PRECISION = 10n ** 14n;

/**
 * `10 / 3 = 3.33`: a value stated to two or more decimals, right to half of the last one; or to as many as a calculator
 * gives (`10 / 3 = 3.3333333333333335`), right to its precision.
 */
function statedRounded(lhs: Expression, rhs: Expression): boolean {
  const [stated] = rhs.terms;
  if (!stated || rhs.terms.length > 1 || stated.decimals < 2) return false;
  const gap = lhs.value.top * rhs.value.bottom - rhs.value.top * lhs.value.bottom;
  const scale = 2n * 10n ** BigInt(stated.decimals) * (stated.percent ? 100n : 1n);
  const off = gap < 0n ? -gap : gap;
  if (off * scale <= lhs.value.bottom * rhs.value.bottom) return true;
  const size = lhs.value.top * rhs.value.bottom;
  return stated.decimals >= CALCULATOR_DECIMALS && off * CALCULATOR_PRECISION <= (size < 0n ? -size : size);
}

/** `3 / 12 * 100 = 25%`: what was counted in percent is stated with the sign. */
function statedInPercent(lhs: Expression, rhs: Expression): boolean {
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
