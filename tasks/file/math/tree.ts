/** An answer in mathematics, as it is written: an expression, or several in a set, a tuple, an interval, an equation. */
import type { Ratio } from '../number.ts';

export type Expr =
  | { kind: 'number'; value: Ratio }
  | { kind: 'constant'; name: 'pi' | 'e' | 'i' | 'infinity' }
  | { kind: 'variable'; name: string }
  | { kind: 'sum' | 'product'; terms: Expr[] }
  | { kind: 'negative' | 'inverse' | 'absolute' | 'factorial'; of: Expr }
  | { kind: 'power'; base: Expr; exponent: Expr }
  /** Root of a degree, logarithm to a base, and all that has a name. */
  | { kind: 'call'; name: string; of: Expr[] }
  /** Two values at once: `1 ± 2`. */
  | { kind: 'either'; of: [Expr, Expr] };

export type Answer =
  | { kind: 'value'; of: Expr }
  /** In words, compared as they are. */
  | { kind: 'text'; of: string }
  /** `open` and `close`: the brackets, as `(` and `]`; none of a bare list. */
  | { kind: 'tuple'; open: string; close: string; of: Answer[] }
  | { kind: 'set'; of: Answer[] }
  | { kind: 'union'; of: Answer[] }
  /** A chain of comparisons, with `<` and `≤` from left to right, or one of `=` and `≠`. */
  | { kind: 'relation'; signs: string[]; of: Expr[] };

/** Parts of one answer: more is no answer, and would cost time. */
export const MAX_PARTS = 500;
export const MAX_DEPTH = 40;

export const number = (top: bigint, bottom = 1n): Expr => ({ kind: 'number', value: { top, bottom } });
export const sum = (...terms: Expr[]): Expr => (terms.length === 1 ? terms[0]! : { kind: 'sum', terms });
export const product = (...terms: Expr[]): Expr =>
  terms.length === 1 ? terms[0]! : { kind: 'product', terms };
export const negative = (of: Expr): Expr => ({ kind: 'negative', of });
export const quotient = (a: Expr, b: Expr): Expr => product(a, { kind: 'inverse', of: b });
export const call = (name: string, ...of: Expr[]): Expr => ({ kind: 'call', name, of });

/** Does an expression stand for two, by a `±` in it? */
export const isDouble = (expr: Expr): boolean => expr.kind === 'either' || childrenOf(expr).some(isDouble);

function childrenOf(expr: Expr): Expr[] {
  if ('terms' in expr) return expr.terms;
  if (expr.kind === 'power') return [expr.base, expr.exponent];
  if (expr.kind === 'call' || expr.kind === 'either') return expr.of;
  return 'of' in expr ? [expr.of] : [];
}

/** An expression with the upper signs (0) or the lower ones (1) of every `±`. */
export function chosen(expr: Expr, which: number): Expr {
  const inner = (one: Expr): Expr => chosen(one, which);
  if (expr.kind === 'either') return inner(expr.of[which]!);
  if ('terms' in expr) return { ...expr, terms: expr.terms.map(inner) };
  if (expr.kind === 'power') return { ...expr, base: inner(expr.base), exponent: inner(expr.exponent) };
  if (expr.kind === 'call') return { ...expr, of: expr.of.map(inner) };
  return 'of' in expr ? { ...expr, of: inner(expr.of) } : expr;
}
