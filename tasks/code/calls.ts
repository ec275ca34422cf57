/** Calls of a function with literal arguments, as tests hold them, and calls like them: probes of what a function does. */
import { shuffled } from '../random.ts';
import { childOf, languageOf, namedChildren, parse, walk, type Language, type SyntaxNode } from './syntax.ts';

/** Types that are made from literals, and are as good as one. */
const MAKERS = new Set([
  'set',
  'frozenset',
  'list',
  'tuple',
  'dict',
  'float',
  'Decimal',
  'Fraction',
  'date',
  'Set',
  'Map',
  'Date',
  'BigInt',
]);
const LITERALS = /^(?:integer|float|number|string|concatenated_string|true|false|none|null|undefined|regex)$/;
const GATHERERS =
  /^(?:list|tuple|set|dictionary|array|object|pair|keyword_argument|parenthesized_expression|argument_list|arguments|unary_operator|unary_expression|list_splat)$/;
const CALL = /^(?:call|call_expression|new_expression)$/;

/**
 * @param path of the tests, for their language
 * @param name as `functionsIn` gives it; for `Cart.total`, calls on what `Cart(…)` makes from literals
 * @returns source texts, in the order of the tests, each once
 */
export function callsIn(testText: string, path: string, name: string): string[] {
  const language = languageOf(path);
  if (language === undefined) return [];
  const { root } = parse(language, testText);
  const parts = name.replace(/#\d+$/, '').split('.');
  const own = parts.at(-1)!;
  const owner = parts.at(-2);
  const imported = importsIn(root);
  const found = [...walk(root)].filter((node) => {
    if (node.type !== 'call' && node.type !== 'call_expression') return false;
    const callee = childOf(node, 'function')!;
    const member = childOf(callee, 'attribute') ?? childOf(callee, 'property');
    const receiver = childOf(callee, 'object');
    if ((member ?? callee).text !== own || !isLiteral(childOf(node, 'arguments'))) return false;
    if (!member || !receiver) return owner === undefined;
    return owner === undefined
      ? imported.has(receiver.text)
      : receiver.text === owner || makes(receiver, owner);
  });
  return [...new Set(found.map(({ text }) => text))];
}

function makes(receiver: SyntaxNode, owner: string): boolean {
  if (receiver.type === 'parenthesized_expression') return makes(namedChildren(receiver)[0]!, owner);
  const maker = childOf(receiver, 'function') ?? childOf(receiver, 'constructor');
  return (
    CALL.test(receiver.type) &&
    maker?.text.split('.').at(-1) === owner &&
    isLiteral(childOf(receiver, 'arguments'))
  );
}

function importsIn(root: SyntaxNode): Set<string> {
  const names = root.children
    .filter(({ type }) => type.startsWith('import_'))
    .flatMap((node) => [...walk(node)].filter(({ type }) => type === 'identifier' || type === 'dotted_name'));
  return new Set(names.map(({ text }) => text));
}

/** Whether it says its own value: nothing in it is a name, except of a key. */
function isLiteral(node: SyntaxNode | undefined): boolean {
  if (!node) return false;
  if (LITERALS.test(node.type)) return ![...walk(node)].some(({ type }) => type === 'interpolation');
  if (node.type === 'template_string')
    return !namedChildren(node).some(({ type }) => type === 'template_substitution');
  if (node.type === 'identifier') return ['undefined', 'NaN', 'Infinity'].includes(node.text);
  if (CALL.test(node.type)) {
    const maker = childOf(node, 'function') ?? childOf(node, 'constructor');
    return maker !== undefined && MAKERS.has(maker.text) && isLiteral(childOf(node, 'arguments'));
  }
  return (
    GATHERERS.test(node.type) &&
    namedChildren(node).every(
      (child) => child.field === 'key' || child.field === 'name' || isLiteral(child),
    ) &&
    namedChildren(node).every((child) => child.field !== 'key' || isKey(child))
  );
}

const isKey = (node: SyntaxNode): boolean => node.type === 'property_identifier' || isLiteral(node);

type Site = { start: number; end: number; variants: string[] };

/**
 * The same call with other literals: one changed where that gives enough, more where it does not. The same list for the same seed; fewer than
 * `count` where there are no more.
 */
export function neighbours(call: string, language: Language, seed: string, count: number): string[] {
  const found = new Set<string>();
  let round = [call];
  for (let changes = 0; changes < MOST_CHANGES && found.size < count && round.length > 0; changes++) {
    const next = new Set(round.flatMap((one) => variantsOf(one, language)));
    next.delete(call);
    for (const one of found) next.delete(one);
    round = shuffled([...next], `${seed}/${changes}`, (one) => one).slice(0, count);
    for (const one of round) if (found.size < count) found.add(one);
  }
  return [...found];
}

const MOST_CHANGES = 3;

function variantsOf(call: string, language: Language): string[] {
  const { root, broken } = parse(language, call);
  if (broken) return [];
  const given = [...walk(root)].filter(({ type }) => type === 'argument_list' || type === 'arguments');
  const sites = given.flatMap((list) => namedChildren(list).flatMap((one) => [...sitesIn(one, language)]));
  return sites.flatMap(({ start, end, variants }) =>
    variants.map((variant) => call.slice(0, start) + variant + call.slice(end)),
  );
}

function* sitesIn(node: SyntaxNode, language: Language): Generator<Site> {
  const variants = variantsAt(node, language).filter((variant) => variant !== node.text);
  if (variants.length > 0) yield { start: node.start, end: node.end, variants };
  // The sign belongs to the number.
  if (/^(?:unary_|string$|template_string$)/.test(node.type) || CALL.test(node.type)) return;
  for (const child of node.children)
    if (child.field !== 'key' && child.field !== 'name') yield* sitesIn(child, language);
}

function variantsAt(node: SyntaxNode, language: Language): string[] {
  const parts = namedChildren(node);
  switch (node.type) {
    case 'integer':
    case 'float':
    case 'number':
    case 'unary_operator':
    case 'unary_expression':
      return numbers(node.text);
    case 'string':
    case 'template_string':
      return strings(node.text);
    case 'true':
    case 'false': {
      const holds = node.type === 'false';
      return [language === 'python' ? (holds ? 'True' : 'False') : String(holds)];
    }
    case 'list':
    case 'array':
    case 'set':
      return lists(node, parts, language === 'python' && node.type === 'set' ? 'set()' : undefined);
    case 'tuple':
      return parts.length > 1
        ? [
            `(${parts
              .map(({ text }) => text)
              .toReversed()
              .join(', ')})`,
          ]
        : [];
    case 'dictionary':
    case 'object':
      return parts.length > 0
        ? [
            '{}',
            `{${parts
              .slice(0, -1)
              .map(({ text }) => text)
              .join(', ')}}`,
          ]
        : [];
    default:
      return [];
  }
}

function numbers(text: string): string[] {
  if (!/^[-+]?\s*\d+(?:\.\d+)?$/.test(text)) return [];
  const digits = /\.(\d+)$/.exec(text)?.[1]?.length ?? 0;
  const value = Number(text.replace(/\s/g, ''));
  if (!Number.isSafeInteger(value) && digits === 0) return [];
  // As it was written: 2.50 stays a float with two digits.
  const written = (other: number) => (other === 0 ? 0 : other).toFixed(digits);
  return [...new Set([value + 1, value - 1, 0, -value].map(written))];
}

function strings(text: string): string[] {
  const [, quote, inner] = /^(["'`])([^"'`\\\n$]*)\1$/.exec(text) ?? [];
  if (quote === undefined || inner === undefined) return [];
  if (inner === '') return ['a', ' '].map((one) => quote + one + quote);
  const letters = Array.from(inner);
  const other = inner === inner.toUpperCase() ? inner.toLowerCase() : inner.toUpperCase();
  const variants = [
    letters.slice(0, -1).join(''),
    letters.slice(1).join(''),
    inner + inner,
    other,
    letters.toReversed().join(''),
    '',
  ];
  return [...new Set(variants)].map((one) => quote + one + quote);
}

function lists(node: SyntaxNode, parts: SyntaxNode[], empty: string | undefined): string[] {
  const [open, close] = [node.text[0]!, node.text.at(-1)!];
  const texts = parts.map(({ text }) => text);
  const made = (items: string[]) =>
    items.length === 0 && empty !== undefined ? empty : `${open}${items.join(', ')}${close}`;
  if (texts.length === 0) return [];
  return [
    ...new Set([texts.slice(0, -1), texts.slice(1), [...texts, ...texts], texts.toReversed(), []].map(made)),
  ];
}
