/**
 * Exact values of expressions: fractions of big integers, and, where there are letters, π or roots, values in a finite field. Two
 * expressions in +, -, *, / and whole powers that are equal in three places of a field of 2^89 elements are equal (Schwartz 1980; the
 * chance of an error is below 2^-200). Roots of whole numbers are in the field too: it is one in which all small primes are squares.
 */
import { createHash } from 'node:crypto';
import type { Ratio } from '../number.ts';
import type { Expr } from './tree.ts';

/** A prime, 1 modulo 8, of which every prime up to 47 is a square. */
const P = 618_970_019_642_690_137_450_954_249n;
const SMALL_PRIMES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n];
/** Digits beyond which a value is not worked out, and exponents. */
const MAX_BITS = 2000;
const MAX_EXPONENT = 1000n;
const MAX_FACTORIAL = 170n;

/** No value: divided by nothing, beyond all measure, or of a kind that has none here. */
export class NoValue extends Error {}

function small(value: bigint): bigint {
  if (value.toString(16).length * 4 > MAX_BITS) throw new NoValue();
  return value;
}

function reduced(top: bigint, bottom: bigint): Ratio {
  if (bottom === 0n) throw new NoValue();
  let [a, b] = [top < 0n ? -top : top, bottom < 0n ? -bottom : bottom];
  while (b !== 0n) [a, b] = [b, a % b];
  const divisor = (bottom < 0n ? -1n : 1n) * (a === 0n ? 1n : a);
  return { top: small(top / divisor), bottom: small(bottom / divisor) };
}

/** The value of an expression without letters and roots. @throws NoValue */
export function ratioOf(expr: Expr): Ratio {
  switch (expr.kind) {
    case 'number':
      return reduced(expr.value.top, expr.value.bottom);
    case 'sum':
      return expr.terms
        .map(ratioOf)
        .reduce((a, b) => reduced(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom));
    case 'product':
      return expr.terms.map(ratioOf).reduce((a, b) => reduced(a.top * b.top, a.bottom * b.bottom));
    case 'negative': {
      const { top, bottom } = ratioOf(expr.of);
      return { top: -top, bottom };
    }
    case 'inverse': {
      const { top, bottom } = ratioOf(expr.of);
      return reduced(bottom, top);
    }
    case 'absolute': {
      const { top, bottom } = ratioOf(expr.of);
      return { top: top < 0n ? -top : top, bottom };
    }
    case 'factorial':
      return { top: factorial(wholeOf(expr.of)), bottom: 1n };
    case 'power':
      return raised(ratioOf(expr.base), wholeOf(expr.exponent));
    case 'call':
      return called(expr.name, expr.of.map(ratioOf));
    default:
      throw new NoValue();
  }
}

function wholeOf(expr: Expr): bigint {
  const { top, bottom } = ratioOf(expr);
  if (bottom !== 1n) throw new NoValue();
  return top;
}

function raised({ top, bottom }: Ratio, exponent: bigint): Ratio {
  const size = exponent < 0n ? -exponent : exponent;
  const bits = Math.max(top.toString(16).length, bottom.toString(16).length) * 4;
  if (size > MAX_EXPONENT || (top === 0n && exponent <= 0n) || bits * Number(size) > 2 * MAX_BITS)
    throw new NoValue();
  return exponent < 0n ? reduced(bottom ** size, top ** size) : reduced(top ** size, bottom ** size);
}

function factorial(n: bigint): bigint {
  if (n < 0n || n > MAX_FACTORIAL) throw new NoValue();
  let value = 1n;
  for (let i = 2n; i <= n; i++) value *= i;
  return value;
}

function called(name: string, [a, b]: Ratio[]): Ratio {
  const whole = (value: Ratio | undefined): bigint => {
    if (value?.bottom !== 1n) throw new NoValue();
    return value.top;
  };
  if (name === 'binomial') {
    const [n, k] = [whole(a), whole(b)];
    if (k < 0n || k > n) throw new NoValue();
    return { top: factorial(n) / (factorial(k) * factorial(n - k)), bottom: 1n };
  }
  if (name === 'floor' || name === 'ceiling') {
    const floor = (a!.top - (((a!.top % a!.bottom) + a!.bottom) % a!.bottom)) / a!.bottom;
    return { top: floor + (name === 'ceiling' && a!.bottom !== 1n ? 1n : 0n), bottom: 1n };
  }
  throw new NoValue();
}

const mod = (value: bigint): bigint => ((value % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let [result, square, left] = [1n, mod(base), exponent];
  for (; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

const inverse = (value: bigint): bigint => {
  if (mod(value) === 0n) throw new NoValue();
  return power(value, P - 2n);
};

/** A square root in the field (Tonelli 1891, Shanks 1973). */
function rootInField(value: bigint): bigint {
  let q = P - 1n;
  let s = 0n;
  for (; (q & 1n) === 0n; q >>= 1n) s += 1n;
  let z = 2n;
  while (power(z, (P - 1n) / 2n) === 1n) z += 1n;
  let [m, c, t, r] = [s, power(z, q), power(value, q), power(value, (q + 1n) / 2n)];
  while (t !== 1n) {
    let i = 0n;
    for (let square = t; square !== 1n; square = (square * square) % P) i += 1n;
    const b = power(c, 1n << (m - i - 1n));
    [m, c] = [i, (b * b) % P];
    [t, r] = [(t * c) % P, (r * b) % P];
  }
  return r;
}

const roots = new Map<bigint, bigint>([-1n, ...SMALL_PRIMES].map((n) => [n, rootInField(mod(n))]));

/** √(a/b), consistent for all: that of a product is the product of those of its primes. @throws NoValue for large primes */
function rootOf({ top, bottom }: Ratio): bigint {
  let left = top * bottom;
  let value = inverse(bottom);
  if (left < 0n) {
    value = mod(value * roots.get(-1n)!);
    left = -left;
  }
  if (left === 0n) return 0n;
  for (const prime of SMALL_PRIMES) {
    while (left % prime === 0n) {
      value = mod(value * roots.get(prime)!);
      left /= prime;
    }
  }
  const whole = squareRoot(left);
  if (whole * whole !== left) throw new NoValue();
  return mod(value * whole);
}

function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length / 2 + 1) | 0);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

const places = new Map<string, bigint>();
/** What a letter stands for in one of the places, the same for ever. */
function letter(name: string, place: number): bigint {
  const key = `${place}/${name}`;
  const known = places.get(key);
  if (known !== undefined) return known;
  const value = mod(BigInt(`0x${createHash('sha256').update(key).digest('hex')}`));
  if (places.size < 10_000) places.set(key, value);
  return value;
}

/**
 * The value of an expression in one place of the field; π and e count as letters, of which nothing else is known.
 *
 * @throws NoValue for functions, fractional powers and roots of anything but a fraction
 */
export function fieldValue(expr: Expr, place: number): bigint {
  const value = (one: Expr): bigint => fieldValue(one, place);
  switch (expr.kind) {
    case 'number':
      return mod(mod(expr.value.top) * inverse(expr.value.bottom));
    case 'variable':
      return letter(expr.name, place);
    case 'constant':
      if (expr.name === 'infinity') throw new NoValue();
      return expr.name === 'i' ? roots.get(-1n)! : letter(`constant ${expr.name}`, place);
    case 'sum':
      return expr.terms.map(value).reduce((a, b) => mod(a + b));
    case 'product':
      return expr.terms.map(value).reduce((a, b) => mod(a * b));
    case 'negative':
      return mod(-value(expr.of));
    case 'inverse':
      return inverse(value(expr.of));
    case 'power': {
      const { top, bottom } = ratioOf(expr.exponent);
      if (bottom === 2n) return raisedInField(rootOf(ratioOf(expr.base)), top);
      if (bottom !== 1n) throw new NoValue();
      return raisedInField(value(expr.base), top);
    }
    case 'call': {
      if (expr.name === 'root' && expr.of[1] && ratioOf(expr.of[1]).top === 2n)
        return rootOf(ratioOf(expr.of[0]!));
      const { top, bottom } = ratioOf(expr);
      return mod(mod(top) * inverse(bottom));
    }
    default: {
      const { top, bottom } = ratioOf(expr);
      return mod(mod(top) * inverse(bottom));
    }
  }
}

function raisedInField(base: bigint, exponent: bigint): bigint {
  const size = exponent < 0n ? -exponent : exponent;
  if (size > MAX_EXPONENT * MAX_EXPONENT || (exponent <= 0n && base === 0n)) throw new NoValue();
  return exponent < 0n ? inverse(power(base, size)) : power(base, size);
}
