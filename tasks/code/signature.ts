/** What callers of a function rely on: its parameters, and whether it is asynchronous or a generator. Types and the values of defaults are not part of it. */
import type { Definition } from './definitions.ts';
import { normalForm } from './compare.ts';
import { childOf, type SyntaxNode } from './syntax.ts';

const isType = ({ type, field }: SyntaxNode): boolean =>
  type === 'type_annotation' || (field === 'type' && type === 'type');

/** One line to compare and to show: `async (self, rate=…, *rest)`. */
export function shapeOf({ node, statement }: Definition): string {
  const marks = [...statement.children, ...node.children]
    .filter(
      ({ type, named, field }) => !named && !field && ['async', '*', 'get', 'set', 'static'].includes(type),
    )
    .map(({ type }) => type);
  const single = childOf(node, 'parameter');
  const parameters = single
    ? [single.text]
    : (childOf(node, 'parameters')?.children ?? []).flatMap(shapeOfParameter);
  return [...new Set(marks), `(${parameters.join(', ')})`].join(' ');
}

function shapeOfParameter(node: SyntaxNode): string[] {
  if (['(', ')', ',', 'comment'].includes(node.type)) return [];
  const hasDefault = ['default_parameter', 'typed_default_parameter', 'assignment_pattern'].includes(
    node.type,
  )
    ? true
    : childOf(node, 'value') !== undefined;
  const pattern =
    childOf(node, 'name') ??
    childOf(node, 'pattern') ??
    childOf(node, 'left') ??
    (node.type === 'typed_parameter' ? node.children[0]! : node);
  const name = normalForm(pattern, { without: isType }).replaceAll('\u0001', '');
  return [hasDefault ? `${name}=…` : name];
}

/** The values of the defaults, in the order of the parameters; a fix may change them: a list that all calls share, say. */
export const defaultsOf = ({ node }: Definition): SyntaxNode[] =>
  (childOf(node, 'parameters')?.children ?? []).flatMap(
    (one) => childOf(one, 'value') ?? childOf(one, 'right') ?? [],
  );
