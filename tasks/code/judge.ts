/** Whether what a fix made of a file is a change of one function, and nothing else. */
import type { Refusal } from '../../sandbox/finding.ts';
import { normalForm } from './compare.ts';
import { definitionsIn, type Definition } from './definitions.ts';
import { defaultsOf, shapeOf } from './signature.ts';
import { parsePiece } from './source.ts';
import { lineAt, parse, walk, type Language, type Syntax, type SyntaxNode } from './syntax.ts';

/** It changes what is not its own to change. */
export const foreign = (refused: string): Refusal => ({ refused, finding: 'foreign' });
export const noCode = (refused: string): Refusal => ({ refused, finding: 'no-code' });

/**
 * Why a changed file is refused; undefined where only the function `name` differs, its signature is as it was, and functions or imports may
 * have been added.
 */
export function refusalOf(
  before: string,
  after: string,
  language: Language,
  name: string,
): Refusal | undefined {
  const [was, is] = [parse(language, before), parse(language, after)];
  const [old, now] = [definitionsIn(was), definitionsIn(is)];
  const byName = new Map(now.map((one) => [one.name, one]));
  const target = old.find((one) => one.name === name);
  const fixed = byName.get(name);
  if (is.broken && !(target && fixed && isBrokenElsewhere(was, target, is, fixed)))
    return noCode('does not parse');
  if (!target) return foreign(`no function ${name}`);
  if (!fixed) return foreign(`${name} is gone`);
  for (const one of old) {
    const other = byName.get(one.name);
    if (one !== target && !(other && formOf(one) === formOf(other)))
      return foreign(`another function changed: ${one.name}`);
  }
  const changed = signatureChange(target, fixed);
  if (changed !== undefined) return foreign(changed);
  const outside = outsideOf(was, old, is, now);
  if (outside !== undefined) return foreign(`changed outside of ${name}: ${outside}`);
  if (formOf(target) === formOf(fixed) && sameDefaults(target, fixed))
    return { refused: 'unchanged', finding: 'unchanged' };
  const added = now.filter((one) => !old.some((other) => other.name === one.name));
  const taken = namesOutside(was.root, target);
  const clash = added.find((one) => one.name === one.own && taken.has(one.own));
  return clash && foreign(`the file uses the name ${clash.own} already`);
}

/** Grammars have gaps: a file that could not be read before may change where the function can be read by itself, and nothing else changes. */
function isBrokenElsewhere(was: Syntax, target: Definition, is: Syntax, fixed: Definition): boolean {
  const around = ({ text }: Syntax, { start, end }: Definition) =>
    `${text.slice(0, start)}\0${text.slice(end)}`;
  return (
    was.broken &&
    around(was, target) === around(is, fixed) &&
    parsePiece(is.language, is.text.slice(fixed.start, fixed.end)) !== undefined
  );
}

/** What callers would notice of a function, before it is called. */
export function signatureChange(was: Definition, is: Definition, decorators = true): string | undefined {
  const shown = (one: Definition, form: (one: Definition) => string) =>
    form(one).replaceAll('\u0001', '').trim();
  const form = [shapeOf, ...(decorators ? [decoratorsOf] : [])].find((of) => of(was) !== of(is));
  return form && `signature changed: ${shown(was, form) || 'nothing'} became ${shown(is, form) || 'nothing'}`;
}

const sameDefaults = (one: Definition, other: Definition): boolean =>
  defaultsOf(one)
    .map((value) => normalForm(value))
    .join('\n') ===
  defaultsOf(other)
    .map((value) => normalForm(value))
    .join('\n');

const formOf = ({ node }: Definition): string => normalForm(node);

/** The decorators right above a function, in one form. */
export function decoratorsOf({ statement }: Definition): string {
  const siblings = (statement.parent?.children ?? []).filter(({ type }) => type !== 'comment');
  const before = siblings.slice(0, siblings.indexOf(statement));
  return before
    .slice(before.findLastIndex(({ type }) => type !== 'decorator') + 1)
    .map((one) => normalForm(one))
    .join('\n');
}

export const isImport = ({ type }: SyntaxNode): boolean =>
  ['import_statement', 'import_from_statement', 'future_import_statement'].includes(type);

/** What differs in the code that is neither function nor import, as its first line; an import that is gone counts. */
function outsideOf(was: Syntax, old: Definition[], is: Syntax, now: Definition[]): string | undefined {
  const functions = new Set([...old, ...now].map(({ outer }) => outer));
  const without = (node: SyntaxNode) => isImport(node) || functions.has(node);
  const statements = ({ root }: Syntax) =>
    root.children
      .map((node) => ({ node, form: normalForm(node, { without }) }))
      .filter(({ form }) => form !== '');
  const [before, after] = [statements(was), statements(is)];
  const differs = (one: { form: string }[], other: { form: string }[]) =>
    one.findIndex(({ form }, i) => form !== other[i]?.form);
  const more = after[differs(after, before)];
  const less = before[differs(before, after)];
  const gone = was.root.children.find(
    (node) => isImport(node) && !is.root.children.some((one) => normalForm(one) === normalForm(node)),
  );
  const first = more?.node ?? less?.node ?? gone;
  return (
    first &&
    `${first.text.split('\n')[0]!.slice(0, 80)} (line ${lineAt((more ? is : was).text, first.start)})`
  );
}

/** The names that code outside of a function reads or binds. */
function namesOutside(root: SyntaxNode, { node: target }: Definition): Set<string> {
  const names = [...walk(root, (node) => node !== target)].filter(
    ({ type, field }) => field !== 'attribute' && /^(?:type_|shorthand_property_)?identifier/.test(type),
  );
  return new Set(names.map(({ text }) => text));
}
