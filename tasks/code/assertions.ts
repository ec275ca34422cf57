/** Test ideas: assertions of one line that say what a call gives. What says anything else is no idea. */
import { childOf, namedChildren, parse, walk, type Language, type SyntaxNode } from './syntax.ts';

/** Source texts of two expressions that a correct program makes equal. */
export type Idea = { call: string; expected: string };

const EQUAL = new Set([
  'equal',
  'strictEqual',
  'deepEqual',
  'deepStrictEqual',
  'assertEqual',
  'assertEquals',
  'assertIs',
  'assertListEqual',
  'assertDictEqual',
  'assertTupleEqual',
  'assertSetEqual',
  'is',
  'same',
]);
const MATCHERS = new Set(['toBe', 'toEqual', 'toStrictEqual', 'to.equal', 'to.eql', 'to.deep.equal']);
/** Matchers and assertions that name their value. */
const VALUES: Record<string, string> = {
  toBeNull: 'null',
  toBeUndefined: 'undefined',
  assertIsNone: 'None',
};
const TRUTH: Record<string, boolean> = {
  toBeTruthy: true,
  toBeFalsy: false,
  assertTrue: true,
  assertFalse: false,
  ok: true,
};

/** The assertions of a text, wherever they stand in it; what can't be read as code has none. */
export function ideasIn(text: string, languages: readonly Language[]): Idea[] {
  return readFirst(text, languages)?.ideas ?? [];
}

/** Whether a text holds assertions and nothing else but comments and what brings assertions in. */
export function isAllAssertions(text: string, languages: readonly Language[]): boolean {
  const read = readFirst(text, languages);
  return read !== undefined && read.ideas.length > 0 && read.others === 0;
}

function readFirst(
  text: string,
  languages: readonly Language[],
): { ideas: Idea[]; others: number } | undefined {
  const read = languages.flatMap((language) => {
    const { root, broken } = parse(language, text);
    if (broken) return [];
    const ideas = [...walk(root)].flatMap((node) => ideaAt(node, language) ?? []);
    const others = namedChildren(root).filter(
      (node) => !isImport(node) && !isAssertion(node, language),
    ).length;
    return [{ ideas, others }];
  });
  return read.find(({ ideas }) => ideas.length > 0);
}

const isImport = ({ type, text }: SyntaxNode): boolean =>
  type.startsWith('import_') || /^(?:const|let|var)\b.*\brequire\(/.test(text);

const isAssertion = (node: SyntaxNode, language: Language): boolean =>
  ideaAt(node, language) !== undefined || /^(?:await )?(?:assert|expect|self\.assert|t\.)/.test(node.text);

function ideaAt(node: SyntaxNode, language: Language): Idea | undefined {
  if (node.text.includes('\n')) return undefined;
  if (node.type === 'assert_statement') return ofCondition(namedChildren(node)[0]!, language);
  if (node.type !== 'expression_statement') return undefined;
  const first = namedChildren(node)[0];
  const call = first?.type === 'await_expression' ? namedChildren(first)[0] : first;
  if (!call || (call.type !== 'call' && call.type !== 'call_expression')) return undefined;
  return ofCall(call, language);
}

const argumentsOf = (call: SyntaxNode): SyntaxNode[] => {
  const list = childOf(call, 'arguments');
  return list ? namedChildren(list) : [];
};

function ofCall(call: SyntaxNode, language: Language): Idea | undefined {
  const callee = childOf(call, 'function')?.text ?? '';
  const [first, second] = argumentsOf(call);
  const name = callee.split('.').at(-1)!;
  const expectation = /^expect\s*\(/.test(callee) ? [...walk(call)].find(isExpect) : undefined;
  if (expectation) {
    const [subject] = argumentsOf(expectation);
    const matcher = callee.slice(expectation.text.length + 1);
    if (!subject) return undefined;
    if (MATCHERS.has(matcher)) return first && idea(subject, first);
    return named(matcher, subject, language);
  }
  if (!/^(?:(?:self|t|test|assert|console)\.)?\w+$/.test(callee)) return undefined;
  if (first && second && EQUAL.has(name) && callee !== name) return idea(first, second);
  if (first && (callee === 'assert' || callee === 'console.assert')) return ofCondition(first, language);
  if (first && name === 'ok' && first.type === 'binary_expression') return ofCondition(first, language);
  return first && callee !== name ? named(name, first, language) : undefined;
}

const isExpect = (node: SyntaxNode): boolean =>
  node.type === 'call_expression' && childOf(node, 'function')?.text === 'expect';

function named(name: string, subject: SyntaxNode, language: Language): Idea | undefined {
  if (!hasCall(subject)) return undefined;
  if (Object.hasOwn(VALUES, name)) return { call: subject.text, expected: VALUES[name]! };
  return Object.hasOwn(TRUTH, name) ? truth(subject, TRUTH[name]!, language) : undefined;
}

/** What is asserted to hold: an equation, or a call whose result counts as true. */
function ofCondition(condition: SyntaxNode, language: Language): Idea | undefined {
  if (condition.type === 'parenthesized_expression')
    return ofCondition(namedChildren(condition)[0]!, language);
  if (['comparison_operator', 'binary_expression'].includes(condition.type)) {
    const [left, right, ...more] = namedChildren(condition);
    const operators = condition.children.filter(({ named: isNamed }) => !isNamed).map(({ type }) => type);
    const equates = operators.length === 1 && ['==', '===', 'is'].includes(operators[0]!);
    return equates && left && right && more.length === 0 ? idea(left, right) : undefined;
  }
  if (['not_operator', 'unary_expression'].includes(condition.type)) {
    const operand = childOf(condition, 'argument');
    return operand && /^(?:not|!)/.test(condition.text) && isCall(operand)
      ? truth(operand, false, language)
      : undefined;
  }
  return isCall(condition) ? truth(condition, true, language) : undefined;
}

/** A result that need not be `true` itself. */
const truth = ({ text }: SyntaxNode, holds: boolean, language: Language): Idea =>
  language === 'python'
    ? { call: `bool(${text})`, expected: holds ? 'True' : 'False' }
    : { call: `Boolean(${text})`, expected: String(holds) };

/** The side that calls something is the call; the left one where both do. */
function idea(one: SyntaxNode, other: SyntaxNode): Idea | undefined {
  if (hasCall(one)) return { call: one.text, expected: other.text };
  return hasCall(other) ? { call: other.text, expected: one.text } : undefined;
}

const isCall = ({ type }: SyntaxNode): boolean =>
  ['call', 'call_expression', 'await', 'await_expression'].includes(type);
const hasCall = (node: SyntaxNode): boolean =>
  [...walk(node)].some((one) => isCall(one) || one.type === 'new_expression');
