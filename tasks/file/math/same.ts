/**
 * When two answers in mathematics are the same. Values are compared exactly where they have an exact form (fractions, polynomials,
 * roots and π in fractions), else in four places as complex numbers. All is bounded by the length of an answer, so that none needs a
 * deadline; what can't be compared is not the same.
 */
import { complexValue, type Complex } from './complex.ts';
import { fieldValue, NoValue, ratioOf } from './exact.ts';
import { answerOf } from './answer.ts';
import type { Ratio } from '../number.ts';
import { negative, quotient, sum, type Answer, type Expr } from './tree.ts';

const KEPT = 500;
const known = new Map<string, Answer | undefined>();

/** An answer as it is read, kept for the next comparison with it. */
export function readMath(text: string): Answer | undefined {
  if (known.has(text)) return known.get(text);
  const answer = answerOf(text);
  if (known.size >= KEPT) known.delete(known.keys().next().value!);
  known.set(text, answer);
  return answer;
}

/** The value of an answer that is one fraction. */
export const fractionOf = (answer: Answer): Ratio | undefined =>
  answer.kind === 'value' ? exactOf(answer.of).ratio : undefined;

export function sameMath(a: string, b: string): boolean {
  const [first, second] = [readMath(a), readMath(b)];
  return first !== undefined && second !== undefined && (a === b || sameAnswers(first, second));
}

function without<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

type Exact = { ratio: Ratio | undefined; field: string | undefined };
const exacts = new WeakMap<Expr, Exact>();

/** The fraction that an expression is, else its values in three places of the field; worked out once. */
function exactOf(expr: Expr): Exact {
  const worked = exacts.get(expr);
  if (worked) return worked;
  const ratio = without(() => ratioOf(expr));
  const field = without(() => [0, 1, 2].map((place) => fieldValue(expr, place)).join());
  exacts.set(expr, { ratio, field });
  return { ratio, field };
}

function sameAnswers(a: Answer, b: Answer): boolean {
  if (a.kind === 'value' && b.kind === 'value') return sameValues(a.of, b.of);
  if (a.kind === 'text' && b.kind === 'text') return a.of === b.of;
  if (a.kind === 'tuple' && b.kind === 'tuple')
    return (
      a.open === b.open &&
      a.close === b.close &&
      a.of.length === b.of.length &&
      a.of.every((one, i) => sameAnswers(one, b.of[i]!))
    );
  if ((a.kind === 'set' && b.kind === 'set') || (a.kind === 'union' && b.kind === 'union')) {
    const includes = (all: Answer[], one: Answer) => all.some((other) => sameAnswers(one, other));
    return a.of.every((one) => includes(b.of, one)) && b.of.every((one) => includes(a.of, one));
  }
  return a.kind === 'relation' && b.kind === 'relation' && sameRelations(a, b);
}

type Relation = Answer & { kind: 'relation' };

function sameRelations(a: Relation, b: Relation): boolean {
  if (a.signs.join() !== b.signs.join()) return false;
  const inOrder = a.of.every((one, i) => sameValues(one, b.of[i]!));
  if (inOrder || a.signs.length > 1 || !/[=≠]/.test(a.signs[0]!)) return inOrder;
  // Equations are the same where one is a multiple of the other.
  const [one, other] = [a, b].map(({ of }) => sum(of[0]!, negative(of[1]!))) as [Expr, Expr];
  if (sameValues(one, other) || sameValues(one, negative(other))) return true;
  const ratio = quotient(one, other);
  const values = [0, 1, 2].map((place) => without(() => fieldValue(ratio, place)));
  return values.every((value) => value !== undefined && value !== 0n && value === values[0]);
}

const isInfinite = (expr: Expr): number | undefined => {
  if (expr.kind === 'constant' && expr.name === 'infinity') return 1;
  const inner = expr.kind === 'negative' ? isInfinite(expr.of) : undefined;
  return inner === undefined ? undefined : -inner;
};

/** Are two expressions equal wherever both have a value? */
function sameValues(a: Expr, b: Expr): boolean {
  const [endA, endB] = [isInfinite(a), isInfinite(b)];
  if (endA !== undefined || endB !== undefined) return endA === endB;
  const [first, second] = [exactOf(a), exactOf(b)];
  if (first.ratio && second.ratio)
    return first.ratio.top === second.ratio.top && first.ratio.bottom === second.ratio.bottom;
  if (first.field !== undefined && second.field !== undefined) return first.field === second.field;
  return PLACES.every((place) => {
    const [x, y] = [a, b].map((one) => without(() => complexValue(one, place)));
    return x !== undefined && y !== undefined && near(x, y);
  });
}

/** What letters stand for: positive, negative, and mixed, so that √x² is not taken for x. */
const PLACES = [0.31, 0.57, 0.83, 0.11].map((start, which) => (name: string): Complex => {
  let hash = start * 1000 + 7;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) % 9973;
  const value = 0.3 + (hash % 1000) / 700 + start;
  const sign = which < 2 ? 1 : which === 2 ? -1 : hash % 2 < 1 ? -1 : 1;
  return { re: sign * value, im: 0 };
});

const TOLERANCE = 1e-11;

function near(a: Complex, b: Complex): boolean {
  const [gap, size] = [
    Math.hypot(a.re - b.re, a.im - b.im),
    Math.max(Math.hypot(a.re, a.im), Math.hypot(b.re, b.im)),
  ];
  return Number.isFinite(size) && gap <= TOLERANCE * Math.max(size, 1e-3);
}
