/**
 * Rules of a user's catalogue: expressions over an item's numbers, such as `floor(a / 10) * 10 + mod(b, 10)`. mathjs reads them, once; what
 * it read becomes a tree of the few kinds below, which is all that is ever evaluated, in exact fractions.
 *
 * Covers: no names but those given, no functions but those listed, no assignments, texts, properties, matrices; trees and numbers of
 * bounded size. Does not cover: whether a rule makes sense.
 */
import { Fraction } from 'fraction.js';
import type { MathNode } from 'mathjs';

export type Tree = { number: string } | { name: string } | { call: string; of: Tree[] };

/** An expression that can't be taken; the message goes on from `the expression "…"`. */
export class RuleError extends Error {}

const MAX_TEXT = 500;
const MAX_NODES = 120;
/** Numbers of more digits, above or below the line, are no answers that a learner writes. */
const MAX_SIZE = 10n ** 40n;
const MAX_POWER = 12;

const truth = (holds: boolean): Fraction => new Fraction(holds ? 1 : 0);
const is = (value: Fraction): boolean => !value.equals(0);
const whole = (value: Fraction): bigint | undefined => (value.d === 1n ? value.s * value.n : undefined);
const gcd = (x: bigint, y: bigint): bigint => (y === 0n ? (x < 0n ? -x : x) : gcd(y, x % y));

type Operation = { arguments: [number, number]; apply(...values: Fraction[]): Fraction | undefined };
const of = (least: number, most: number, apply: Operation['apply']): Operation => ({
  arguments: [least, most],
  apply,
});
const onWhole = (apply: (x: bigint, y: bigint) => bigint | undefined) =>
  of(2, 2, (x, y) => {
    const [a, b] = [whole(x!), whole(y!)];
    const made = a === undefined || b === undefined ? undefined : apply(a, b);
    return made === undefined ? undefined : new Fraction(made);
  });

/** By mathjs's names of operators and functions. */
const OPERATIONS: Record<string, Operation> = {
  add: of(2, 2, (x, y) => x!.add(y!)),
  subtract: of(2, 2, (x, y) => x!.sub(y!)),
  multiply: of(2, 2, (x, y) => x!.mul(y!)),
  divide: of(2, 2, (x, y) => (is(y!) ? x!.div(y!) : undefined)),
  pow: of(2, 2, (x, y) => {
    const power = whole(y!);
    return power === undefined || power < 0n || power > BigInt(MAX_POWER)
      ? undefined
      : (x!.pow(y!) ?? undefined);
  }),
  unaryMinus: of(1, 1, (x) => x!.neg()),
  equal: of(2, 2, (x, y) => truth(x!.equals(y!))),
  unequal: of(2, 2, (x, y) => truth(!x!.equals(y!))),
  smaller: of(2, 2, (x, y) => truth(x!.compare(y!) < 0)),
  smallerEq: of(2, 2, (x, y) => truth(x!.compare(y!) <= 0)),
  larger: of(2, 2, (x, y) => truth(x!.compare(y!) > 0)),
  largerEq: of(2, 2, (x, y) => truth(x!.compare(y!) >= 0)),
  and: of(2, 2, (x, y) => truth(is(x!) && is(y!))),
  or: of(2, 2, (x, y) => truth(is(x!) || is(y!))),
  not: of(1, 1, (x) => truth(!is(x!))),
  mod: of(2, 2, (x, y) => (is(y!) ? x!.sub(y!.mul(x!.div(y!).floor())) : undefined)),
  abs: of(1, 1, (x) => x!.abs()),
  floor: of(1, 1, (x) => x!.floor()),
  ceil: of(1, 1, (x) => x!.ceil()),
  round: of(1, 1, (x) => x!.round()),
  min: of(1, 9, (...all) => all.reduce((x, y) => (x.compare(y) <= 0 ? x : y))),
  max: of(1, 9, (...all) => all.reduce((x, y) => (x.compare(y) >= 0 ? x : y))),
  gcd: onWhole(gcd),
  lcm: onWhole((x, y) => (x === 0n || y === 0n ? undefined : (x / gcd(x, y)) * y)),
  /** How many digits a whole number has. */
  digits: of(1, 1, (x) => {
    const number = whole(x!.abs());
    return number === undefined ? undefined : new Fraction(String(number).length);
  }),
};
const FUNCTIONS = ['mod', 'abs', 'floor', 'ceil', 'round', 'min', 'max', 'gcd', 'lcm', 'digits'];

/**
 * @param names of the numbers that it may use
 * @throws RuleError that says what in it can't be taken
 */
export async function parseRule(text: string, names: readonly string[]): Promise<Tree> {
  if (text.length > MAX_TEXT) throw new RuleError(`has ${text.length} characters, more than ${MAX_TEXT}`);
  // A large library, of use to nobody without a catalogue of their own.
  const { parse } = await import('mathjs/number');
  let node: MathNode;
  try {
    node = parse(text);
  } catch (error) {
    throw new RuleError(`can't be read: ${(error as Error).message}`);
  }
  let left = MAX_NODES;
  const convert = (one: MathNode): Tree => {
    left -= 1;
    if (left < 0) throw new RuleError(`has more than ${MAX_NODES} parts`);
    return treeOf(one as Shape, names, convert);
  };
  return convert(node);
}

/** What is looked at of mathjs's nodes. */
type Shape = MathNode & {
  value: unknown;
  name: string;
  fn: string | { name?: string };
  args: MathNode[];
  implicit?: boolean;
  content: MathNode;
  condition: MathNode;
  trueExpr: MathNode;
  falseExpr: MathNode;
};

function treeOf(node: Shape, names: readonly string[], convert: (node: MathNode) => Tree): Tree {
  switch (node.type) {
    case 'ParenthesisNode':
      return convert(node.content);
    case 'ConstantNode':
      return { number: numberIn(node.value) };
    case 'SymbolNode':
      if (names.includes(node.name)) return { name: node.name };
      throw new RuleError(`has the name ${JSON.stringify(node.name)}; there are ${names.join(', ')}`);
    case 'ConditionalNode':
      return { call: 'if', of: [node.condition, node.trueExpr, node.falseExpr].map(convert) };
    case 'OperatorNode':
      if (node.implicit) throw new RuleError('has a product without its sign: write *');
      return callOf(nameOf(node), node.args, convert);
    case 'FunctionNode': {
      const name = nameOf(node);
      if (FUNCTIONS.includes(name)) return callOf(name, node.args, convert);
      throw new RuleError(`has the function ${JSON.stringify(name)}; there are ${FUNCTIONS.join(', ')}`);
    }
    default:
      throw new RuleError(`has something that is no arithmetic (${node.type})`);
  }
}

/** Of an operator or a function; what is called by something else than a name has none. */
const nameOf = ({ fn }: Shape): string => (typeof fn === 'string' ? fn : (fn.name ?? ''));

function numberIn(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new RuleError('has something in place of a number, or too large a one');
  return new Fraction(value).toFraction();
}

function callOf(name: string, given: readonly MathNode[], convert: (node: MathNode) => Tree): Tree {
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name]! : undefined;
  if (!operation) throw new RuleError(`has the operation ${JSON.stringify(name)}, which rules do not have`);
  const [least, most] = operation.arguments;
  if (given.length < least || given.length > most)
    throw new RuleError(
      `gives ${name} ${given.length} numbers, it takes ${least === most ? least : `${least} to ${most}`}`,
    );
  return { call: name, of: given.map(convert) };
}

/** Undefined where there is no such number: divided by zero, too large, no whole number where one is needed. */
export function evaluate(tree: Tree, values: Readonly<Record<string, Fraction>>): Fraction | undefined {
  if ('number' in tree) return new Fraction(tree.number);
  if ('name' in tree) return values[tree.name];
  if (tree.call === 'if') {
    const holds = evaluate(tree.of[0]!, values);
    return holds && evaluate(tree.of[is(holds) ? 1 : 2]!, values);
  }
  const given: Fraction[] = [];
  for (const one of tree.of) {
    const value = evaluate(one, values);
    if (!value) return undefined;
    given.push(value);
  }
  const made = OPERATIONS[tree.call]!.apply(...given);
  return made && made.n < MAX_SIZE && made.d < MAX_SIZE ? made : undefined;
}
