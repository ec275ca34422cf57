/**
 * Why a change of code is refused before it is run: what it brings in that a repair of a function has no use for.
 *
 * Covers: names in the syntax tree, as many more of them as there were before: imports beyond modules that only compute, names that reach the
 * machine, the network, the tests or Python's and JavaScript's insides, assignments to what is not the function's own, statements that run when
 * the module is loaded.
 * Does not cover: names that are put together at run time, what permitted calls do with their arguments, time and memory. The sandbox is what
 * holds code; this says early, and by name, what a fix tried.
 */
import type { Refusal } from '../../sandbox/finding.ts';
import { normalForm } from './compare.ts';
import { definitionsIn, FUNCTIONS } from './definitions.ts';
import { ATTRIBUTES, BUILTINS, NAMES, PURE_MODULES } from './forbidden.ts';
import { isImport, noCode } from './judge.ts';
import { bindingsIn, isIdentifier } from './scope.ts';
import {
  ancestors,
  childOf,
  lineAt,
  namedChildren,
  parse,
  walk,
  type Language,
  type Syntax,
  type SyntaxNode,
} from './syntax.ts';

/** `name`: it is none where the file did not have that name before. */
type Finding = { what: string; node: SyntaxNode; name?: string };

/**
 * @param before the file as it was
 * @param after the file as it is to be
 * @returns undefined where nothing is brought in
 */
export function screen(before: string, after: string, language: Language): Refusal | undefined {
  const [was, is] = [parse(language, before), parse(language, after)];
  if (is.broken && !was.broken) return noCode('does not parse');
  const left = new Map<string, number>();
  for (const { what } of findingsIn(was)) left.set(what, (left.get(what) ?? 0) + 1);
  const names = new Set([...walk(was.root)].filter(isIdentifier).map(({ text }) => text));
  for (const { what, node, name } of findingsIn(is)) {
    if (name !== undefined && !names.has(name)) continue;
    const more = (left.get(what) ?? 0) - 1;
    if (more < 0) return { refused: `${what} (line ${lineAt(after, node.start)})`, finding: 'forbidden' };
    left.set(what, more);
  }
  return undefined;
}

function* findingsIn(syntax: Syntax): Generator<Finding> {
  const kind = syntax.language === 'python' ? 'python' : 'javascript';
  const locals = localsOf();
  for (const node of walk(syntax.root)) {
    const what = isImport(node)
      ? importing(node, kind)
      : (naming(node, kind, locals) ?? writing(node, locals) ?? doing(node));
    if (what !== undefined) yield { what, node };
  }
  yield* loading(syntax, kind);
}

function importing(node: SyntaxNode, kind: 'python' | 'javascript'): string | undefined {
  if (kind === 'javascript') {
    // Types are gone before anything runs.
    if (/^import\s+type\b/.test(node.text)) return undefined;
    return `imports ${childOf(node, 'source')?.text ?? node.text}`;
  }
  if (node.children.some(({ type }) => type === 'wildcard_import')) return `imports everything: ${node.text}`;
  const from = childOf(node, 'module_name');
  const modules = from ? [from] : namedChildren(node).map((one) => childOf(one, 'name') ?? one);
  const impure = modules.find(
    ({ text, type }) => type === 'relative_import' || !PURE_MODULES.python.has(text.split('.')[0]!),
  );
  return impure && node.type !== 'future_import_statement' ? `imports ${impure.text}` : undefined;
}

type Locals = (node: SyntaxNode) => boolean;

/** Whether a name is bound by one of the functions around it. */
function localsOf(): Locals {
  const known = new Map<SyntaxNode, Set<string>>();
  return (node) => {
    for (const above of ancestors(node)) {
      if (!FUNCTIONS.has(above.type)) continue;
      let names = known.get(above);
      if (!names) {
        const declared = [...walk(above)]
          .filter(({ type }) => /^(?:global_statement|nonlocal_statement)$/.test(type))
          .flatMap((one) => namedChildren(one).map(({ text }) => text));
        const own = bindingsIn(above).filter(
          ({ scope }) => scope === above || [...ancestors(scope)].includes(above),
        );
        const all = [...own.map(({ name }) => name), ...innerNames(above)];
        names = new Set(all.filter((name) => !declared.includes(name)));
        known.set(above, names);
      }
      if (names.has(node.text)) return true;
    }
    return false;
  };
}

/** Of functions and classes inside a function, and what patterns of `match` and `with` take apart. */
const innerNames = (node: SyntaxNode): string[] =>
  [...walk(node)]
    .filter((one) => one !== node)
    .flatMap((one) => {
      if (/^(?:as_pattern_target|case_pattern)$/.test(one.type))
        return [...walk(one)].filter(isIdentifier).map(({ text }) => text);
      const isNamed = FUNCTIONS.has(one.type) || /^class(?:_definition|_declaration)?$/.test(one.type);
      return (isNamed && one.type !== 'method_definition' && childOf(one, 'name')?.text) || [];
    });

const PROPERTIES = new Set(['property_identifier', 'private_property_identifier']);

/** A name that is forbidden where it stands. */
function naming(node: SyntaxNode, kind: 'python' | 'javascript', isLocal: Locals): string | undefined {
  const isAttribute = node.field === 'attribute' || PROPERTIES.has(node.type);
  const isKey = node.type === 'string' && (node.field === 'key' || node.field === 'index');
  if (!isAttribute && !isKey && !isIdentifier(node) && node.type !== 'shorthand_property_identifier_pattern')
    return undefined;
  // Python takes full-width letters for plain ones, JavaScript escapes.
  const name = isKey ? node.text.slice(1, -1) : node.text.normalize('NFKC');
  if (!isKey && name.includes('\\')) return `the escaped name ${name}`;
  if (kind === 'python' && /^__\w+__$/.test(name) && !isKey) return `the name ${name}`;
  if (isAttribute || isKey) {
    if (node.parent?.type === 'method_definition' && name === 'constructor') return undefined;
    const why = kind === 'python' && isKey ? undefined : ATTRIBUTES[kind].get(name);
    return why && `the name ${name}, which ${why}`;
  }
  if (node.parent?.type === 'keyword_argument' && node.field === 'name') return undefined;
  const why = NAMES[kind].get(name) ?? (kind === 'python' ? ATTRIBUTES.python.get(name) : undefined);
  return why && !isLocal(node) ? `the name ${name}, which ${why}` : undefined;
}

/** An assignment to what belongs to somebody else. */
function writing(node: SyntaxNode, isLocal: Locals): string | undefined {
  if (node.type === 'global_statement' || node.type === 'nonlocal_statement')
    return node.text.replace(/\s+/g, ' ');
  if (![...ancestors(node)].some(({ type }) => FUNCTIONS.has(type))) return undefined;
  const outer = targetsOf(node).find((target) => {
    const root = rootOf(target);
    if (root.type === 'this' || root.type === 'super') return false;
    if (root.type.startsWith('call')) return /^(?:type|super|Object)\b/.test(root.text);
    return isIdentifier(root) && !isLocal(root);
  });
  return (
    outer && `assigns to ${outer.text.replace(/\s+/g, ' ').slice(0, 60)}, which is not the function's own`
  );
}

function targetsOf(node: SyntaxNode): SyntaxNode[] {
  switch (node.type) {
    case 'assignment':
    case 'augmented_assignment':
    case 'assignment_expression':
    case 'augmented_assignment_expression':
    case 'for_in_statement':
    case 'for_statement': {
      const left = childOf(node, 'left');
      return left ? parts(left) : [];
    }
    case 'update_expression':
      return [childOf(node, 'argument')!];
    case 'delete_statement':
      return namedChildren(node).flatMap(parts);
    case 'unary_expression':
      return node.text.startsWith('delete') ? [childOf(node, 'argument')!] : [];
    default:
      return [];
  }
}

/** The targets in a pattern. */
const parts = (node: SyntaxNode): SyntaxNode[] =>
  /^(?:pattern_list|tuple_pattern|list_pattern|list_splat_pattern|array_pattern|object_pattern|expression_list|parenthesized_expression|rest_pattern)$/.test(
    node.type,
  )
    ? namedChildren(node).flatMap(parts)
    : [node];

function rootOf(node: SyntaxNode): SyntaxNode {
  const inner = childOf(node, 'object') ?? (node.type === 'subscript' ? childOf(node, 'value') : undefined);
  const next =
    inner ??
    (/^(?:non_null_expression|parenthesized_expression)$/.test(node.type)
      ? namedChildren(node)[0]
      : undefined);
  return next ? rootOf(next) : node;
}

/** Syntax that reaches further than names do. */
function doing(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'import':
      return node.named ? 'import()' : undefined;
    case 'meta_property':
      return node.text;
    case 'with_statement':
      return childOf(node, 'object') ? 'a with statement' : undefined;
    // What the grammar makes of `type(x).y = 1`, too.
    case 'type_alias_statement':
      return `a type statement: ${node.text.split('\n')[0]!.slice(0, 60)}`;
    case 'debugger_statement':
      return 'a debugger statement';
    case 'call':
      return childOf(node, 'function')?.text === 'type' &&
        namedChildren(childOf(node, 'arguments')!).length > 1
        ? 'a class made by type()'
        : undefined;
    default:
      return undefined;
  }
}

/** What runs when the module is loaded, functions aside, and the names that it hides. */
function* loading(syntax: Syntax, kind: 'python' | 'javascript'): Generator<Finding> {
  const definitions = definitionsIn(syntax);
  const outers = new Set(definitions.map(({ outer }) => outer));
  for (const { own, name, node } of definitions)
    if (own === name && BUILTINS.has(own))
      yield { what: `a function called ${own}, which hides the built-in`, node };
  const statements = (node: SyntaxNode): SyntaxNode[] =>
    /^class_(?:definition|declaration)$/.test(node.type)
      ? [...(childOf(node, 'body')?.children ?? [])]
      : [node];
  for (const node of syntax.root.children.flatMap(statements)) {
    if (isImport(node) || outers.has(node)) continue;
    const form = normalForm(node, { without: (one) => outers.has(one) });
    if (form.replaceAll('\u0001', '') !== '')
      yield {
        what: `runs when the module is loaded: ${form.replaceAll('\u0001', ' ').slice(0, 80)}`,
        node,
        name: constantAt(node, kind),
      };
  }
}

const CONSTANT =
  /^(?:expression_statement|assignment|lexical_declaration|variable_declaration|variable_declarator|export_statement|integer|float|number|string|string_\w+|escape_sequence|true|false|none|null|undefined|identifier|tuple|list|set|dictionary|pair|array|object|property_identifier|unary_operator|unary_expression|type|type_annotation|predefined_type|comment)$/;

/** The one name that a statement gives to a value that is written out. */
function constantAt(node: SyntaxNode, kind: 'python' | 'javascript'): string | undefined {
  const all = [...walk(node)];
  const isAssignment =
    kind === 'javascript' ? /declaration|export/.test(node.type) : node.children[0]?.type === 'assignment';
  if (!isAssignment || !all.every((one) => !one.named || CONSTANT.test(one.type))) return undefined;
  const names = all.filter(({ type }) => type === 'identifier').map(({ text }) => text);
  return names.length === 1 && !BUILTINS.has(names[0]!) ? names[0] : undefined;
}
