/** The functions of a syntax tree that have a name of their own. */
import { childOf, indentAt, lineStart, namedChildren, walk, type Syntax, type SyntaxNode } from './syntax.ts';

export type Definition = {
  /** With its classes: `Cart.total`. The second of a name in one file (a setter, the other branch of an `if`) is `Cart.total#2`, and so on. */
  name: string;
  /** The name alone. */
  own: string;
  /** The function itself: parameters and body. */
  node: SyntaxNode;
  /** The statement that binds it, without decorators and `export`. */
  statement: SyntaxNode;
  /** The statement with decorators and `export`. */
  outer: SyntaxNode;
  /** Of `outer` with the comment right above, from the start of the line. */
  start: number;
  end: number;
  body: SyntaxNode;
};

const JS_FUNCTIONS = new Set(['arrow_function', 'function_expression', 'generator_function']);
const JS_WRAPPERS = new Set(['parenthesized_expression', 'as_expression', 'satisfies_expression']);
export const FUNCTIONS: ReadonlySet<string> = new Set([
  ...JS_FUNCTIONS,
  'function_definition',
  'function_declaration',
  'generator_function_declaration',
  'method_definition',
  'lambda',
]);

type Found = { own: string; node: SyntaxNode; statement: SyntaxNode };

export function definitionsIn({ text, root }: Syntax): Definition[] {
  const comments = new Map<number, SyntaxNode>();
  for (const node of walk(root)) if (node.type === 'comment') comments.set(node.end, node);
  const seen = new Map<string, number>();
  const found: Definition[] = [];
  const visit = (node: SyntaxNode, owners: string[]): void => {
    const own = definitionAt(node);
    const body = own && childOf(own.node, 'body');
    if (own && body) {
      const name = [...owners, own.own].join('.');
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const outer = outermost(own.statement);
      found.push({
        ...own,
        outer,
        name: count === 1 ? name : `${name}#${count}`,
        start: withComments(text, decorated(outer).start, comments),
        end: outer.end,
        body,
      });
      return;
    }
    const owner = ownerAt(node);
    for (const child of node.children) visit(child, owner === undefined ? owners : [...owners, owner]);
  };
  visit(root, []);
  return found;
}

function definitionAt(node: SyntaxNode): Found | undefined {
  const bound = (name: SyntaxNode | undefined, value: SyntaxNode | undefined, statement: SyntaxNode) => {
    const inner = value && unwrapped(value);
    return name && inner && JS_FUNCTIONS.has(inner.type)
      ? { own: name.text.replace(/^(?:module\.)?exports\.(?=.)/, ''), node: inner, statement }
      : undefined;
  };
  switch (node.type) {
    case 'function_definition':
    case 'function_declaration':
    case 'generator_function_declaration':
      return { own: childOf(node, 'name')?.text ?? 'default', node, statement: node };
    case 'method_definition':
      return { own: childOf(node, 'name')!.text, node, statement: node };
    case 'public_field_definition':
    case 'field_definition':
      return bound(childOf(node, 'name') ?? childOf(node, 'property'), childOf(node, 'value'), node);
    case 'lexical_declaration':
    case 'variable_declaration': {
      const declarators = namedChildren(node);
      const [only] = declarators;
      return only && declarators.length === 1
        ? bound(childOf(only, 'name'), childOf(only, 'value'), node)
        : undefined;
    }
    case 'expression_statement': {
      const assignment = node.children[0];
      const left = assignment?.type === 'assignment_expression' ? childOf(assignment, 'left') : undefined;
      return left?.type === 'member_expression'
        ? bound(left, childOf(assignment!, 'right'), node)
        : undefined;
    }
    case 'export_statement': {
      const value = childOf(node, 'value');
      const inner = value && unwrapped(value);
      return inner && JS_FUNCTIONS.has(inner.type)
        ? { own: childOf(inner, 'name')?.text ?? 'default', node: inner, statement: node }
        : undefined;
    }
    default:
      return undefined;
  }
}

function unwrapped(value: SyntaxNode): SyntaxNode {
  const inner = JS_WRAPPERS.has(value.type) ? namedChildren(value)[0] : undefined;
  return inner ? unwrapped(inner) : value;
}

/** The name that functions below a node carry before their own: of a class, a namespace, an object with methods. */
function ownerAt(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'class_definition':
    case 'class_declaration':
    case 'abstract_class_declaration':
    case 'class':
    case 'object': {
      const bound = node.parent?.type === 'variable_declarator' ? childOf(node.parent, 'name') : undefined;
      return (childOf(node, 'name') ?? bound)?.text;
    }
    case 'internal_module':
    case 'module':
      return childOf(node, 'name')?.text;
    default:
      return undefined;
  }
}

function outermost(statement: SyntaxNode): SyntaxNode {
  const { parent } = statement;
  return parent && ['decorated_definition', 'export_statement'].includes(parent.type) ? parent : statement;
}

/** The first of the decorators that stand before a member as its siblings. */
function decorated(node: SyntaxNode): SyntaxNode {
  const siblings = node.parent?.children ?? [];
  const before = siblings[siblings.indexOf(node) - 1];
  return before?.type === 'decorator' ? decorated(before) : node;
}

/** The start of the line, or of the comments that end right above it and are indented alike. */
function withComments(text: string, offset: number, comments: ReadonlyMap<number, SyntaxNode>): number {
  const start = lineStart(text, offset);
  // Something else stands before it on the line.
  if (text.slice(start, offset).trim() !== '') return offset;
  const comment = comments.get(start - 1) ?? comments.get(start - 2);
  if (!comment || comment.text.startsWith('#!') || indentAt(text, comment.start) !== indentAt(text, start))
    return start;
  const startAbove = lineStart(text, comment.start);
  return text.slice(startAbove, comment.start).trim() === ''
    ? withComments(text, comment.start, comments)
    : start;
}

/** From `def` or the name to where the body begins. */
export function headerOf(text: string, { statement, body }: Definition): string {
  return text
    .slice(statement.start, body.start)
    .replace(/\s+/g, ' ')
    .replace(/\s*(?::(?:\s*#.*)?|=>\s*\(?)\s*$/, '')
    .trim();
}

/** The string that opens a Python body and documents it, as the statement it is. */
export function docstringOf({ node, body }: Pick<Definition, 'node' | 'body'>): SyntaxNode | undefined {
  const first = node.type === 'function_definition' ? namedChildren(body)[0] : undefined;
  return first?.type === 'expression_statement' &&
    first.children.length === 1 &&
    first.children[0]!.type === 'string'
    ? first
    : undefined;
}
