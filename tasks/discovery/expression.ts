/**
 * Expressions: texts such as `k1 * m * r^k2` become functions of numbers. jsep parses them, a list of what may stand in them is kept
 * to, and closures compute them: nothing that anybody wrote is ever run as code.
 */
import jsep from 'jsep';
import { InvalidInputError } from '../errors.ts';

/**
 * Writes the value of each row into `out`: quantities come as columns, one number a row; parameters are the same for all rows. Columns
 * at a time, since closures cost more than what they compute.
 */
export type Compute = (
  columns: readonly Float64Array[],
  parameters: readonly number[],
  out: Float64Array,
) => void;

/** As people write powers: above * and /, from the right. */
jsep.addBinaryOp('^', 11, true);

const CHARACTERS = 300;
const NODES = 100;

const FUNCTIONS: Record<string, (...values: number[]) => number> = {
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  abs: Math.abs,
  max: Math.max,
  min: Math.min,
};
const TWO_VALUES = new Set(['max', 'min']);

type Sign = '+' | '-' | '*' | '/' | '^';
export type Node =
  | { kind: 'number'; value: number }
  | { kind: 'name'; name: string }
  | { kind: 'sign'; sign: Sign; left: Node; right: Node }
  | { kind: 'minus'; of: Node }
  | { kind: 'call'; name: string; of: Node[] };

/** @throws InvalidInputError saying what can't stand in an expression */
export function parseExpression(text: string): Node {
  const refuse = (why: string) =>
    new InvalidInputError([`the expression ${JSON.stringify(text.slice(0, 80))} ${why}`]);
  if (text.length > CHARACTERS) throw refuse(`is longer than ${CHARACTERS} characters`);
  let nodes = 0;
  const read = (node: jsep.Expression): Node => {
    if (++nodes > NODES) throw refuse(`has more than ${NODES} parts`);
    const one = node as jsep.CoreExpression;
    switch (one.type) {
      case 'Literal':
        if (typeof one.value !== 'number') break;
        return { kind: 'number', value: one.value };
      case 'Identifier':
        if (Object.hasOwn(FUNCTIONS, one.name)) throw refuse(`has the function ${one.name} without brackets`);
        return { kind: 'name', name: one.name };
      case 'UnaryExpression':
        if (one.operator !== '-') break;
        return { kind: 'minus', of: read(one.argument) };
      case 'BinaryExpression': {
        if (!'+-*/^'.includes(one.operator)) throw refuse(`has ${one.operator}; known are + - * / ^`);
        const left = read(one.left);
        // Read as (-x)^2 by some and as -(x^2) by others.
        if (one.operator === '^' && left.kind === 'minus')
          throw refuse('has a minus before a power: write -(x^2), or (0-x)^2');
        return { kind: 'sign', sign: one.operator as Sign, left, right: read(one.right) };
      }
      case 'CallExpression': {
        const { callee } = one as unknown as { callee: jsep.CoreExpression };
        const name = callee.type === 'Identifier' ? callee.name : '';
        if (!Object.hasOwn(FUNCTIONS, name))
          throw refuse(
            `calls ${name || 'what is no function'}; known are ${Object.keys(FUNCTIONS).join(', ')}`,
          );
        const wanted = TWO_VALUES.has(name) ? 2 : 1;
        if (one.arguments.length !== wanted) throw refuse(`gives ${name} other than ${wanted} values`);
        return { kind: 'call', name, of: one.arguments.map(read) };
      }
    }
    throw refuse(`has what is no number, name, sign or function (${node.type})`);
  };
  let tree: jsep.Expression;
  try {
    tree = jsep(text);
  } catch (error) {
    throw refuse(`can't be read: ${(error as Error).message}`);
  }
  return read(tree);
}

/** Every name in it, in the order in which they are met. */
export function namesIn(node: Node): string[] {
  const found = new Set<string>();
  const look = (one: Node): void => {
    if (one.kind === 'name') found.add(one.name);
    else if (one.kind === 'sign') [one.left, one.right].forEach(look);
    else if (one.kind === 'minus') look(one.of);
    else if (one.kind === 'call') one.of.forEach(look);
  };
  look(node);
  return [...found];
}

/**
 * @param quantities names of the columns; every other name is a parameter
 * @param parameters their names, in the order of their values
 */
export function compile(node: Node, quantities: readonly string[], parameters: readonly string[]): Compute {
  switch (node.kind) {
    case 'number':
      return (_columns, _values, out) => void out.fill(node.value);
    case 'name': {
      const column = quantities.indexOf(node.name);
      if (column >= 0) return (columns, _values, out) => out.set(columns[column]!);
      const at = parameters.indexOf(node.name);
      return (_columns, values, out) => void out.fill(values[at]!);
    }
    case 'minus':
      return each(compile(node.of, quantities, parameters), (value) => -value);
    case 'call': {
      const [first, second] = node.of.map((one) => compile(one, quantities, parameters)) as [
        Compute,
        Compute?,
      ];
      return second ? both(first, second, FUNCTIONS[node.name]!) : each(first, FUNCTIONS[node.name]!);
    }
    case 'sign': {
      const left = compile(node.left, quantities, parameters);
      if (node.sign === '^' && node.right.kind === 'number' && node.right.value === 2)
        return each(left, (value) => value * value);
      return signed(node.sign, left, compile(node.right, quantities, parameters));
    }
  }
}

function each(of: Compute, run: (value: number) => number): Compute {
  return (columns, values, out) => {
    of(columns, values, out);
    for (let i = 0; i < out.length; i++) out[i] = run(out[i]!);
  };
}

/** Room for the right side, kept from one call to the next: a fit asks thousands of times for as many rows. */
function rightSide(right: Compute): (...given: Parameters<Compute>) => Float64Array {
  let room = new Float64Array(0);
  return (columns, values, out) => {
    if (room.length !== out.length) room = new Float64Array(out.length);
    right(columns, values, room);
    return room;
  };
}

function both(left: Compute, right: Compute, run: (a: number, b: number) => number): Compute {
  const rights = rightSide(right);
  return (columns, values, out) => {
    left(columns, values, out);
    const other = rights(columns, values, out);
    for (let i = 0; i < out.length; i++) out[i] = run(out[i]!, other[i]!);
  };
}

/** A loop for each sign: one loop that calls what to do takes three times as long. */
function signed(sign: Sign, left: Compute, right: Compute): Compute {
  const rights = rightSide(right);
  return (columns, values, out) => {
    left(columns, values, out);
    const other = rights(columns, values, out);
    switch (sign) {
      case '+':
        for (let i = 0; i < out.length; i++) out[i]! += other[i]!;
        break;
      case '-':
        for (let i = 0; i < out.length; i++) out[i]! -= other[i]!;
        break;
      case '*':
        for (let i = 0; i < out.length; i++) out[i]! *= other[i]!;
        break;
      case '/':
        for (let i = 0; i < out.length; i++) out[i]! /= other[i]!;
        break;
      case '^':
        for (let i = 0; i < out.length; i++) out[i]! **= other[i]!;
    }
  };
}

const STRENGTH: Record<Sign, number> = { '+': 1, '-': 1, '*': 2, '/': 2, '^': 4 };
const MINUS = 3;

/** The expression with names in place of others, brackets only where they are needed. */
export function written(node: Node, rename: (name: string) => string = (name) => name): string {
  const at = (one: Node, least: number): string => {
    const [text, strength] = worded(one);
    return strength < least ? `(${text})` : text;
  };
  const worded = (one: Node): [string, number] => {
    switch (one.kind) {
      case 'number':
        return [String(one.value), one.value < 0 ? MINUS : 9];
      case 'name':
        return [rename(one.name), 9];
      case 'minus':
        // With brackets around a power: `-x^2` is refused.
        return [`-${at(one.of, STRENGTH['^'] + 1)}`, MINUS];
      case 'call':
        return [`${one.name}(${one.of.map((value) => at(value, 0)).join(', ')})`, 9];
      case 'sign': {
        const own = STRENGTH[one.sign];
        const spaced = one.sign === '^' ? '^' : ` ${one.sign} `;
        const [left, right] = one.sign === '^' ? [own + 1, MINUS] : [own, own + 1];
        // A sum stands first in its bracket, a minus may: `a - b + c` reads from the left.
        return [`${at(one.left, left)}${spaced}${at(one.right, right)}`, own];
      }
    }
  };
  return at(node, 0);
}
