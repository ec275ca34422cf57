/** Values of expressions as complex numbers in double precision, for what has no exact one: functions, fractional powers. */
import { ratioOf, NoValue } from './exact.ts';
import type { Expr } from './tree.ts';

export type Complex = { re: number; im: number };

const real = (re: number): Complex => ({ re, im: 0 });
const add = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
const times = (a: Complex, b: Complex): Complex => ({
  re: a.re * b.re - a.im * b.im,
  im: a.re * b.im + a.im * b.re,
});
const size = (a: Complex): number => Math.hypot(a.re, a.im);
const minus = (a: Complex): Complex => ({ re: -a.re, im: -a.im });

function inverse(a: Complex): Complex {
  const square = a.re * a.re + a.im * a.im;
  return { re: a.re / square, im: -a.im / square };
}

const ln = (a: Complex): Complex => ({ re: Math.log(size(a)), im: Math.atan2(a.im === 0 ? 0 : a.im, a.re) });
const exp = (a: Complex): Complex => ({
  re: Math.exp(a.re) * Math.cos(a.im),
  im: Math.exp(a.re) * Math.sin(a.im),
});

function power(base: Complex, exponent: Complex): Complex {
  if (base.re === 0 && base.im === 0) return real(exponent.re > 0 && exponent.im === 0 ? 0 : NaN);
  if (exponent.im === 0 && Number.isInteger(exponent.re) && Math.abs(exponent.re) <= 1000) {
    let result = real(1);
    let square = exponent.re < 0 ? inverse(base) : base;
    for (let left = Math.abs(exponent.re); left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) result = times(result, square);
      square = times(square, square);
    }
    return result;
  }
  if (base.im === 0 && base.re > 0 && exponent.im === 0) return real(base.re ** exponent.re);
  return exp(times(exponent, ln(base)));
}

const onReals =
  (of: (x: number) => number) =>
  (a: Complex): Complex =>
    a.im === 0 ? real(of(a.re)) : real(NaN);
const sin = (a: Complex): Complex => ({
  re: Math.sin(a.re) * Math.cosh(a.im),
  im: Math.cos(a.re) * Math.sinh(a.im),
});
const cos = (a: Complex): Complex => ({
  re: Math.cos(a.re) * Math.cosh(a.im),
  im: -Math.sin(a.re) * Math.sinh(a.im),
});
const FUNCTIONS: Record<string, (a: Complex) => Complex> = {
  sin,
  cos,
  tan: (a) => times(sin(a), inverse(cos(a))),
  cot: (a) => times(cos(a), inverse(sin(a))),
  sec: (a) => inverse(cos(a)),
  csc: (a) => inverse(sin(a)),
  sinh: onReals(Math.sinh),
  cosh: onReals(Math.cosh),
  tanh: onReals(Math.tanh),
  arcsin: onReals(Math.asin),
  arccos: onReals(Math.acos),
  arctan: onReals(Math.atan),
  floor: onReals(Math.floor),
  ceiling: onReals(Math.ceil),
  exp,
  ln,
};
/** To which base a logarithm without one is meant, nobody knows: to one of its own. */
const UNSTATED_BASE = 17.313_7;

/** @param letter what a letter stands for */
export function complexValue(expr: Expr, letter: (name: string) => Complex): Complex {
  const value = (one: Expr): Complex => complexValue(one, letter);
  switch (expr.kind) {
    case 'number':
      return real(Number(expr.value.top) / Number(expr.value.bottom));
    case 'variable':
      return letter(expr.name);
    case 'constant':
      if (expr.name === 'infinity') throw new NoValue();
      return expr.name === 'i' ? { re: 0, im: 1 } : real(expr.name === 'pi' ? Math.PI : Math.E);
    case 'sum':
      return expr.terms.map(value).reduce(add);
    case 'product':
      return expr.terms.map(value).reduce(times);
    case 'negative':
      return minus(value(expr.of));
    case 'inverse':
      return inverse(value(expr.of));
    case 'absolute':
      return real(size(value(expr.of)));
    case 'power':
      return power(value(expr.base), value(expr.exponent));
    case 'factorial': {
      const { top, bottom } = ratioOf(expr);
      return real(Number(top) / Number(bottom));
    }
    case 'call':
      return called(expr, value);
    default:
      throw new NoValue();
  }
}

function called(expr: Expr & { kind: 'call' }, value: (one: Expr) => Complex): Complex {
  const [a, b] = expr.of;
  if (!a) throw new NoValue();
  if (expr.name === 'root' && b) {
    const degree = ratioOf(b);
    const of = value(a);
    // An odd root of a negative number is the real one.
    if (of.im === 0 && of.re < 0 && degree.bottom === 1n && degree.top % 2n === 1n)
      return real(-((-of.re) ** (1 / Number(degree.top))));
    return power(of, real(Number(degree.bottom) / Number(degree.top)));
  }
  if (expr.name === 'log') return times(ln(value(a)), inverse(ln(b ? value(b) : real(UNSTATED_BASE))));
  const known = FUNCTIONS[expr.name];
  if (known && expr.of.length === 1) return known(value(a));
  const { top, bottom } = ratioOf(expr);
  return real(Number(top) / Number(bottom));
}
