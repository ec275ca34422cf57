/** The operators of the bug maker: for each, the places of a function that it changes, and how. */
import { isDocstring } from './compare.ts';
import { FUNCTIONS, type Definition } from './definitions.ts';
import { bindingsIn, isRead, visibleAt, type Binding } from './scope.ts';
import { ARITHMETIC, COMPARISONS, JUNCTIONS, methodsLike, ORDERLESS } from './swaps.ts';
import {
  ancestors,
  childOf,
  lineStart,
  namedChildren,
  walk,
  type Syntax,
  type SyntaxNode,
} from './syntax.ts';

export const OPERATORS = [
  'comparison',
  'arithmetic',
  'boolean',
  'negated-condition',
  'constant',
  'boundary',
  'removed-statement',
  'wrong-variable',
  'swapped-arguments',
  'returned-value',
  'string',
  'method',
] as const;
export type Operator = (typeof OPERATORS)[number];

type Change = { start: number; end: number; with: string };
export type Edit = Change & { operator: Operator };

type Mutator = (definition: Definition, syntax: Syntax) => Iterable<Change>;

const instead = ({ start, end }: SyntaxNode, text: string): Change => ({ start, end, with: text });

const TYPES =
  /^(?:type|type_annotation|type_arguments|type_parameters|type_parameter|type_alias_declaration|type_alias_statement|interface_declaration|comment|parameters|formal_parameters|lambda_parameters|decorator|import_statement|import_from_statement)$/;

/** The code of the body: what is run when the function is called. */
function code({ body }: Definition): Generator<SyntaxNode> {
  const isCode = (node: SyntaxNode): boolean =>
    !TYPES.test(node.type) &&
    !isDocstring(node) &&
    node.field !== 'return_type' &&
    !(
      ['as_expression', 'satisfies_expression'].includes(node.parent?.type ?? '') &&
      node.parent!.children[0] !== node
    );
  return only(walk(body, isCode), isCode);
}

function* only(nodes: Iterable<SyntaxNode>, keep: (node: SyntaxNode) => boolean): Generator<SyntaxNode> {
  for (const node of nodes) if (keep(node)) yield node;
}

const isOperator = (node: SyntaxNode): boolean => !node.named && isOperation(node.parent);
const isOperation = (node: SyntaxNode | undefined): boolean =>
  /^(?:comparison_operator|binary_operator|boolean_operator|binary_expression|augmented_assignment|augmented_assignment_expression|update_expression)$/.test(
    node?.type ?? '',
  );
const isText = ({ type }: SyntaxNode): boolean =>
  ['string', 'concatenated_string', 'template_string'].includes(type);

const swapped = (swap: (token: string) => readonly string[]): Mutator =>
  function* (definition) {
    for (const node of only(code(definition), isOperator)) {
      const isSum = /^\+=?$/.test(node.text) && namedChildren(node.parent!).some(isText);
      if (!isSum) for (const other of swap(node.text.replace(/\s+/g, ' '))) yield instead(node, other);
    }
  };
const lookUp = <T>(table: Record<string, T>, key: string): T[] =>
  Object.hasOwn(table, key) ? [table[key]!] : [];

function* booleans(definition: Definition, syntax: Syntax): Generator<Change> {
  yield* swapped((token) => lookUp(JUNCTIONS, token))(definition, syntax);
  for (const node of code(definition)) {
    const operand = childOf(node, 'argument');
    if (
      operand &&
      (node.type === 'not_operator' || (node.type === 'unary_expression' && node.text.startsWith('!')))
    )
      yield instead(node, operand.text);
    const [left, right] = ['left', 'right'].map((field) => childOf(node, field));
    if (left && right && node.children.some(({ named, text }) => !named && Object.hasOwn(JUNCTIONS, text))) {
      yield instead(node, left.text);
      yield instead(node, right.text);
    }
  }
}

function* negations(definition: Definition, { language }: Syntax): Generator<Change> {
  for (const node of code(definition)) {
    // Python's conditional expression has no names for its parts.
    const condition =
      node.type === 'conditional_expression' ? namedChildren(node)[1] : childOf(node, 'condition');
    if (!condition || node.type === 'for_statement' || /^(?:not\b|\(?\s*!(?!=))/.test(condition.text))
      continue;
    const inner =
      condition.type === 'parenthesized_expression' && language !== 'python'
        ? namedChildren(condition)[0]
        : condition;
    if (!inner) continue;
    const { text } = inner;
    const bare =
      /^(?:identifier|call|call_expression|attribute|member_expression|parenthesized_expression)$/.test(
        inner.type,
      );
    const wrapped = bare ? text : `(${text})`;
    yield instead(inner, language === 'python' ? `not ${wrapped}` : `!${wrapped}`);
  }
}

const INTEGER = /^(?:0|[1-9]\d{0,8})n?$/;

function* constants(definition: Definition): Generator<Change> {
  for (const node of code(definition)) {
    if (/^(?:true|false)$/i.test(node.type) && node.named) {
      const other = { true: 'false', false: 'true', True: 'False', False: 'True' }[node.text];
      if (other !== undefined) yield instead(node, other);
    }
    if (!['integer', 'number'].includes(node.type) || !INTEGER.test(node.text)) continue;
    const value = parseInt(node.text, 10);
    const suffix = node.text.endsWith('n') ? 'n' : '';
    const isNegative = node.parent?.type.startsWith('unary') && node.parent.text.startsWith('-');
    yield instead(node, `${value + 1}${suffix}`);
    // There is no -0, and a key below 0 is no neighbour of 0.
    if (value > (isNegative ? 1 : 0)) yield instead(node, `${value - 1}${suffix}`);
  }
}

const SLICES = /(?:^|\.)(?:range|slice|substring|substr|subarray|splice|islice)$/;
const INDEX =
  /^(?:[ijkn]|idx|index|pos|position|offset|at|left|right|lo|hi|low|high|mid|start|end|first|last)$/;

function* boundaries(definition: Definition): Generator<Change> {
  for (const node of code(definition)) {
    const { parent } = node;
    if (!parent || !node.named) continue;
    const isBound =
      parent.type === 'slice' ||
      (/^arguments?(?:_list)?$/.test(parent.type) &&
        SLICES.test(childOf(parent.parent!, 'function')?.text ?? '')) ||
      (['subscript', 'index'].includes(node.field ?? '') &&
        (INDEX.test(node.text) || /^binary_(?:operator|expression)$/.test(node.type)));
    if (
      !isBound ||
      !/^(?:identifier|attribute|member_expression|call|call_expression|binary_operator|binary_expression)$/.test(
        node.type,
      )
    )
      continue;
    const last = /^(.*\S)\s*([+-])\s*1$/.exec(node.text);
    if (last && namedChildren(node)[1]?.text === '1') yield instead(node, last[1]!);
    else if (!/[&|^<>?]/.test(node.text)) {
      yield instead(node, `${node.text} - 1`);
      yield instead(node, `${node.text} + 1`);
    }
  }
}

const REMOVABLE =
  /^(?:expression_statement|return_statement|continue_statement|break_statement|raise_statement|throw_statement|if_statement|delete_statement)$/;

function* removals(definition: Definition, { language, text }: Syntax): Generator<Change> {
  const bindings = bindingsIn(definition.node);
  for (const node of code(definition)) {
    const block = node.parent;
    if (
      !REMOVABLE.test(node.type) ||
      !block ||
      !/^(?:block|statement_block|switch_case|switch_default)$/.test(block.type)
    )
      continue;
    if (node.type === 'if_statement' && childOf(node, 'alternative')) continue;
    if (bindsFirst(node, bindings)) continue;
    if (language === 'python' && namedChildren(block).length === 1) yield instead(node, 'pass');
    else yield wholeLines(node, text);
  }
}

/** Without it a name would have no value: the program crashes at once, which is no bug that anybody would plant. */
function bindsFirst(node: SyntaxNode, bindings: readonly Binding[]): boolean {
  const own = bindings.filter(({ from }) => from > node.start && from <= node.end);
  return own.some(({ name }) => !bindings.some((one) => one.name === name && one.from <= node.start));
}

/** With its line, where it stands alone on it. */
function wholeLines({ start, end }: SyntaxNode, text: string): Change {
  const from = lineStart(text, start);
  const to = text.indexOf('\n', end);
  const alone =
    text.slice(from, start).trim() === '' && /^;?\s*$/.test(text.slice(end, to < 0 ? undefined : to));
  if (!alone) return { start, end, with: '' };
  // The last line goes with the line feed above it.
  return to < 0
    ? { start: Math.max(0, from - 1), end: text.length, with: '' }
    : { start: from, end: to + 1, with: '' };
}

const SELF = new Set(['self', 'cls', 'this', '_']);

/** Names that have a value there, before and after it in the order of binding: those that a slip would take. */
function neighbours(node: SyntaxNode, bindings: readonly Binding[]): string[] {
  const names = visibleAt(node, bindings).filter((name) => !SELF.has(name) || name === node.text);
  const at = names.indexOf(node.text);
  return (at < 0 ? names.slice(-2) : [names[at - 1], names[at + 1]]).filter((name) => name !== undefined);
}

function* variables(definition: Definition): Generator<Change> {
  const bindings = bindingsIn(definition.node);
  for (const node of only(code(definition), isRead)) {
    const isCallee = node.field === 'function' || node.field === 'constructor';
    // What is no name of the function's is a module's, a class or a function.
    if (SELF.has(node.text) || isCallee || !visibleAt(node, bindings).includes(node.text)) continue;
    for (const name of neighbours(node, bindings))
      yield instead(node, node.type === 'shorthand_property_identifier' ? `${node.text}: ${name}` : name);
  }
}

function* swappedArguments(definition: Definition): Generator<Change> {
  for (const node of code(definition)) {
    const list = node.type.startsWith('call') ? childOf(node, 'arguments') : undefined;
    if (!list || ORDERLESS.has(childOf(node, 'function')!.text)) continue;
    const given = namedChildren(list).filter(
      ({ type }) => !/^(?:keyword_argument|.*splat.*|spread_element|generator_expression)$/.test(type),
    );
    for (const [i, one] of given.slice(0, -1).entries()) {
      const other = given[i + 1]!;
      const between = list.text.slice(one.end - list.start, other.start - list.start);
      yield { start: one.start, end: other.end, with: other.text + between + one.text };
    }
  }
}

function* returns(definition: Definition, { language }: Syntax): Generator<Change> {
  const bindings = bindingsIn(definition.node);
  for (const node of code(definition)) {
    const value = node.type === 'return_statement' ? namedChildren(node)[0] : undefined;
    if (!value || nearestFunction(node) !== definition.node) continue;
    for (const name of visibleAt(node, bindings)
      .filter((one) => !SELF.has(one))
      .slice(-2))
      yield instead(value, name);
    if (!/^(?:none|null|undefined)$/.test(value.type))
      yield instead(value, language === 'python' ? 'None' : 'null');
  }
}

const nearestFunction = (node: SyntaxNode): SyntaxNode | undefined =>
  [...ancestors(node)].find(({ type }) => FUNCTIONS.has(type));

function* strings(definition: Definition): Generator<Change> {
  for (const node of code(definition)) {
    const plain = node.type === 'string' ? /^(["'])([^"'\\\n]*)\1$/.exec(node.text) : undefined;
    // Of messages, nobody tests the last letter.
    if (!plain || [...ancestors(node)].some(({ type }) => /^(?:raise|throw)_statement$/.test(type))) continue;
    const [, quote, text] = plain as unknown as [string, string, string];
    const other = text === '' ? ' ' : text === ' ' ? '' : text.slice(0, -1);
    yield instead(node, quote + other + quote);
  }
}

function* methods(definition: Definition): Generator<Change> {
  for (const node of code(definition)) {
    const callee = node.type.startsWith('call') ? childOf(node, 'function') : undefined;
    const name = callee && (childOf(callee, 'attribute') ?? childOf(callee, 'property') ?? callee);
    if (name) for (const other of methodsLike(name.text)) yield instead(name, other);
  }
}

export const MUTATORS: Record<Operator, Mutator> = {
  comparison: swapped((token) => lookUp(COMPARISONS, token).flat()),
  arithmetic: swapped((token) => lookUp(ARITHMETIC, token)),
  boolean: booleans,
  'negated-condition': negations,
  constant: constants,
  boundary: boundaries,
  'removed-statement': removals,
  'wrong-variable': variables,
  'swapped-arguments': swappedArguments,
  'returned-value': returns,
  string: strings,
  method: methods,
};
