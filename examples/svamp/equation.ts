/** One equation of whole or decimal numbers, `(36 + 20) / 4 = 14`: read, worked out, and put back into a problem's own numbers. */

export type Equation = { left: string; value: number; stated: number; used: number[] };

const NUMBER = /\d+(?:\.\d+)?/g;
const EQUATION = /^\s*([-\d\s.+*/()]{1,80}?)\s*=\s*(-?\d{1,12}(?:\.\d{1,6})?)\s*$/;

export const numbersOf = (text: string): number[] => (text.match(NUMBER) ?? []).map(Number);
export const written = (value: number): string => String(Math.round(value * 1e6) / 1e6);
export const equal = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6;

/** The value of sums, products and brackets; undefined when it is no such expression. */
export function valueOf(expression: string): number | undefined {
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/()]|[^\s]/g) ?? [];
  let at = 0;
  const factor = (): number => {
    const token = tokens[at++];
    if (token === '-') return -factor();
    if (token === '(') {
      const inner = sum();
      return tokens[at++] === ')' ? inner : NaN;
    }
    return token !== undefined && /^\d/.test(token) ? Number(token) : NaN;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === '*' || tokens[at] === '/')
      value = tokens[at++] === '*' ? value * factor() : value / factor();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : undefined;
}

/** The text as an equation; undefined when it is anything else. `value` is what its left side comes to. */
export function readEquation(text: string): Equation | undefined {
  const [, left, stated] = EQUATION.exec(text) ?? [];
  if (left === undefined || stated === undefined) return undefined;
  const value = valueOf(left);
  if (value === undefined) return undefined;
  return { left: left.trim(), value, stated: Number(stated), used: numbersOf(left) };
}

const NUMBER_ALONE = /^[\d.]+$/;
const LINE = /^([a-z_]\w{0,60}) = ([-\w\s.+*/()]{1,80})$/i;

/**
 * A program of assignments, one a line, as the equation that its last one comes to, whatever it is called; undefined when it is
 * anything else.
 */
export function readProgram(text: string): Equation | undefined {
  const names = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.trim().split('\n')) {
    const [, name, right] = LINE.exec(line.trim()) ?? [];
    if (name === undefined || right === undefined || names.has('answer')) return undefined;
    let known = true;
    const flat = right.replace(/[a-z_]\w*/gi, (one) => {
      const value = names.get(one);
      if (value === undefined) known = false;
      return value ?? '';
    });
    if (!known || flat.length > 80) return undefined;
    // A program that ends in a bare number works nothing out.
    last = NUMBER_ALONE.test(flat) ? undefined : flat;
    names.set(name, last === undefined ? flat : `(${flat})`);
  }
  const value = last === undefined ? undefined : valueOf(last);
  return value === undefined ? undefined : readEquation(`${last} = ${written(value)}`);
}

/** The same equation with each number changed; its right side is worked out anew. */
export function withNumbers({ left }: Equation, change: (value: number) => number): string | undefined {
  const expression = left.replace(NUMBER, (number) => written(change(Number(number))));
  const value = valueOf(expression);
  return value === undefined ? undefined : `${expression} = ${written(value)}`;
}
