/** Whether two pieces of code say the same: layout, comments, docstrings, optional semicolons and trailing commas aside. */
import type { SyntaxNode } from './syntax.ts';

const CLOSING = new Set([')', ']', '}']);

/**
 * The code in one form however it is laid out. Blocks of Python are marked, since their end is layout.
 *
 * @param options.without nodes to leave out
 */
export function normalForm(
  node: SyntaxNode,
  { without = () => false }: { without?: (node: SyntaxNode) => boolean } = {},
): string {
  const tokens: string[] = [];
  const visit = (one: SyntaxNode): void => {
    if (one.type === 'comment' || without(one) || isDocstring(one) || isOptional(one)) return;
    if (isString(one)) tokens.push(oneQuote(one.text));
    else if (one.children.length === 0) tokens.push(one.text);
    else {
      if (one.type === 'block') tokens.push('{');
      one.children.forEach(visit);
      if (one.type === 'block') tokens.push('}');
    }
  };
  visit(node);
  return tokens.filter((token) => token !== '').join('\u0001');
}

const isString = ({ type, named }: SyntaxNode): boolean =>
  named && (type === 'string' || type === 'template_string');

/** 'a' and "a" are one; what holds quotes or escapes stays as it is written. */
const oneQuote = (text: string): string => text.replace(/^(["'])([^"'\\\n]*)\1$/, '"$2"');

export function isDocstring(node: SyntaxNode): boolean {
  const { parent } = node;
  if (node.type !== 'expression_statement' || !parent) return false;
  const documents =
    parent.type === 'module' ||
    (parent.type === 'block' &&
      ['function_definition', 'class_definition'].includes(parent.parent?.type ?? ''));
  return (
    documents &&
    node.children.length === 1 &&
    node.children[0]!.type === 'string' &&
    parent.children.find(({ type }) => type !== 'comment') === node
  );
}

function isOptional(node: SyntaxNode): boolean {
  const { type, parent } = node;
  if (!parent || node.named) return false;
  if (type === ';') return parent.type !== 'for_statement';
  // Of a tuple, the comma is what makes it one.
  if (type !== ',' || parent.type === 'tuple') return false;
  const siblings = parent.children.filter((child) => child.type !== 'comment');
  const at = siblings.indexOf(node);
  return CLOSING.has(siblings[at + 1]?.type ?? '') && siblings[at - 1]?.named === true;
}
