/** Which names a function binds, and from where on they can be read. */
import { FUNCTIONS } from './definitions.ts';
import { ancestors, walk, type SyntaxNode } from './syntax.ts';

export type Binding = {
  name: string;
  /** Where it can be read: the body of a function, a block, a comprehension. */
  scope: SyntaxNode;
  /** The offset from which on it has a value. */
  from: number;
};

const COMPREHENSIONS = [
  'list_comprehension',
  'set_comprehension',
  'dictionary_comprehension',
  'generator_expression',
];
const JS_SCOPES = [
  'statement_block',
  'for_statement',
  'for_in_statement',
  'switch_body',
  'catch_clause',
  'class_body',
];
const isFunction = ({ type }: SyntaxNode) => FUNCTIONS.has(type);
const opensScope = (node: SyntaxNode): boolean =>
  isFunction(node) || COMPREHENSIONS.includes(node.type) || JS_SCOPES.includes(node.type);

const IDENTIFIER = new Set(['identifier', 'shorthand_property_identifier_pattern']);
export const isIdentifier = ({ type }: SyntaxNode): boolean =>
  IDENTIFIER.has(type) || type === 'shorthand_property_identifier';

/** The bindings of a function and of the functions in it, in the order of the text. */
export function bindingsIn(root: SyntaxNode): Binding[] {
  return [...walk(root)]
    .filter((node) => IDENTIFIER.has(node.type))
    .flatMap((node) => bindingAt(node, root) ?? []);
}

/** The name's binding, if that is what it is where it stands. */
function bindingAt(node: SyntaxNode, root: SyntaxNode): Binding | undefined {
  const above = [...ancestors(node)];
  let below = node;
  for (const one of above) {
    const binds = bindsThrough(one, below);
    if (binds === 'no') return undefined;
    if (binds === 'yes') {
      const scope = scopeOf(one, above, root);
      return (
        scope && {
          name: node.text,
          scope,
          // What a comprehension gives stands before what it takes.
          from: BOUND_AT_END.has(one.type)
            ? one.end
            : isFunction(one) || one.type === 'for_in_clause'
              ? scope.start
              : node.end,
        }
      );
    }
    if (one === root) return undefined;
    below = one;
  }
  return undefined;
}

/** What has a value only when the whole is done. */
const BOUND_AT_END = new Set(['assignment', 'variable_declarator', 'named_expression']);

const PATTERNS = new Set([
  'pattern_list',
  'tuple_pattern',
  'list_pattern',
  'list_splat_pattern',
  'dictionary_splat_pattern',
  'array_pattern',
  'object_pattern',
  'rest_pattern',
  'parameters',
  'lambda_parameters',
  'formal_parameters',
  'as_pattern_target',
  'expression_list',
]);

/** Whether `child` is bound by `node`; undefined where that is for what stands above to say. */
function bindsThrough(node: SyntaxNode, child: SyntaxNode): 'yes' | 'no' | undefined {
  if (PATTERNS.has(node.type)) return undefined;
  const as = (...fields: string[]) =>
    fields.includes(child.field ?? '') ? ('yes' as const) : ('no' as const);
  const through = (...fields: string[]) => (fields.includes(child.field ?? '') ? undefined : ('no' as const));
  switch (node.type) {
    case 'assignment':
    case 'augmented_assignment':
    case 'for_statement':
    case 'for_in_clause':
      return as('left');
    case 'for_in_statement':
      // Without `const`, it writes to a name that is there.
      return node.children.some(({ field }) => field === 'kind') ? as('left') : 'no';
    case 'named_expression':
    case 'variable_declarator':
      return as('name');
    case 'as_pattern':
      return as('alias');
    case 'catch_clause':
      return as('parameter');
    case 'typed_parameter':
      return child === node.children[0] ? undefined : 'no';
    case 'default_parameter':
    case 'typed_default_parameter':
      return through('name');
    case 'assignment_pattern':
    case 'object_assignment_pattern':
      return through('left');
    case 'required_parameter':
    case 'optional_parameter':
      return through('pattern');
    case 'pair_pattern':
      return through('value');
    default:
      return isFunction(node) ? as('parameters', 'parameter') : 'no';
  }
}

function scopeOf(binder: SyntaxNode, above: SyntaxNode[], root: SyntaxNode): SyntaxNode | undefined {
  const from = above.slice(above.indexOf(binder));
  if (isFunction(binder)) return binder;
  const isPython = root.type === 'function_definition' || root.type === 'module';
  const scope = from.find(
    isPython ? (one) => isFunction(one) || COMPREHENSIONS.includes(one.type) : opensScope,
  );
  return scope ?? root;
}

/** Whether a name is read there: no binding, no attribute, no name of an argument or a key. */
export function isRead(node: SyntaxNode): boolean {
  const { parent, field } = node;
  if (!parent || !isIdentifier(node) || node.type === 'shorthand_property_identifier_pattern') return false;
  if (field === 'attribute' || field === 'property') return false;
  if (parent.type === 'keyword_argument' && field === 'name') return false;
  if (
    [
      'labeled_statement',
      'break_statement',
      'continue_statement',
      'global_statement',
      'nonlocal_statement',
    ].includes(parent.type)
  )
    return false;
  return !isBound(node);
}

function isBound(node: SyntaxNode): boolean {
  let below = node;
  for (const one of ancestors(node)) {
    const binds = bindsThrough(one, below);
    if (binds !== undefined) return binds === 'yes';
    below = one;
  }
  return false;
}

/** The names of a function that have a value where `node` stands, in the order in which they are bound. */
export function visibleAt(node: SyntaxNode, bindings: readonly Binding[]): string[] {
  const above = new Set(ancestors(node));
  return [
    ...new Set(
      bindings.filter(({ scope, from }) => from <= node.start && above.has(scope)).map(({ name }) => name),
    ),
  ];
}
