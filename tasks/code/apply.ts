/**
 * A fix from a reply, put into the files it is for. What it may change is one function; helper functions and imports may be added beside it.
 * Everything else is refused, and the reason says what.
 */
import type { Refusal } from '../../sandbox/finding.ts';
import { isDocstring, normalForm } from './compare.ts';
import { definitionsIn, type Definition } from './definitions.ts';
import { graft, indentUnit, moved } from './graft.ts';
import { decoratorsOf, foreign, isImport, noCode, refusalOf, signatureChange } from './judge.ts';
import { isPlainPath, isProtected, matchesGlob } from './paths.ts';
import type { Block, Fix } from './reply.ts';
import { replaceOnce } from './search.ts';
import { shapeOf } from './signature.ts';
import { parsePiece, type Piece } from './source.ts';
import { ancestors, childOf, indentAt, languageOf, parse, type Language, type Syntax } from './syntax.ts';

/** File texts by path. */
export type Files = Record<string, string>;
export type Applied = { changes: Files } | Refusal;
/** A function by the name that `functionsIn` gives it. */
export type Target = { path: string; name: string };

/**
 * @param options.allowed globs of the paths that may change; tests, what runs them and configuration may not, whatever they say
 * @returns the new texts of the files that changed, or the reason: `unchanged` where the code says what it said before
 */
export function applyFix(
  files: Files,
  target: Target,
  fix: Fix,
  { allowed = ['**'] }: { allowed?: readonly string[] } = {},
): Applied {
  const closed = (path: string): string | undefined => {
    if (!isPlainPath(path) || !allowed.some((glob) => matchesGlob(path, glob)))
      return `${path} is not among the paths that may change`;
    return isProtected(path) ? `${path} is a test, runs tests or configures them` : undefined;
  };
  const language = languageOf(target.path);
  const before = Object.hasOwn(files, target.path) ? files[target.path] : undefined;
  if (language === undefined || before === undefined) return foreign(`no source file ${target.path}`);
  const refused = closed(target.path);
  if (refused !== undefined) return foreign(refused);
  // Replies have line feeds alone; a file keeps its own kind.
  const crlf = /\r\n/.test(before) && !/[^\r]\n/.test(before);
  const text = crlf ? before.replaceAll('\r\n', '\n') : before;
  const made =
    typeof fix === 'string'
      ? withFunction(text, language, target.name, fix)
      : withBlocks(files, text, target, fix, closed);
  if ('refused' in made) return made;
  const refusal = refusalOf(text, made.text, language, target.name);
  if (refusal !== undefined) return refusal;
  return { changes: { [target.path]: crlf ? made.text.replaceAll('\n', '\r\n') : made.text } };
}

type Made = { text: string } | Refusal;

function withBlocks(
  files: Files,
  before: string,
  target: Target,
  blocks: Block[],
  closed: (path: string) => string | undefined,
): Made {
  let text = before;
  for (const block of blocks) {
    const path = block.path === undefined ? target.path : pathIn(files, block.path, target.path);
    const refused = closed(path) ?? (path === target.path ? undefined : `another file changed: ${path}`);
    if (refused !== undefined) return foreign(refused);
    const made = replaceOnce(text, { ...block, search: lf(block.search), replace: lf(block.replace) });
    if ('refused' in made) return made;
    ({ text } = made);
  }
  return { text };
}

const lf = (text: string): string => text.replaceAll('\r\n', '\n');

/** A path as a model may shorten it: the target's end is the target. */
function pathIn(files: Files, path: string, target: string): string {
  if (Object.hasOwn(files, path)) return path;
  return `/${target}`.endsWith(`/${path}`) ? target : path;
}

function withFunction(text: string, language: Language, name: string, fix: string): Made {
  const syntax = parse(language, text);
  const definitions = definitionsIn(syntax);
  const target = definitions.find((one) => one.name === name);
  if (!target) return foreign(`no function ${name}`);
  const piece = parsePiece(language, lf(fix));
  if (!piece) return noCode('does not parse');
  const named = piece.definitions.map((definition) => ({
    definition,
    name: nameIn(piece, definition, name),
  }));
  const base = name.replace(/#\d+$/, '');
  const candidates = named.filter((one) => one.name === base).map(({ definition }) => definition);
  const mark = (one: Definition) => shapeOf(one) + decoratorsOf(one);
  const fixed = candidates.findLast((one) => mark(one) === mark(target)) ?? candidates.at(-1);
  if (!fixed) return noCode(`the reply does not define ${base}`);
  // Decorators that a reply leaves out stay.
  const changed = signatureChange(target, fixed, decoratorsOf(fixed) !== '');
  if (changed !== undefined) return foreign(changed);
  const helpers = new Map(named.filter((one) => one.name !== base).map((one) => [one.name, one.definition]));
  for (const [other, definition] of helpers) {
    const existing = definitions.find((one) => one.name === other);
    if (existing && normalForm(existing.node) !== normalForm(definition.node))
      return foreign(`another function changed: ${other}`);
    if (existing) helpers.delete(other);
  }
  const edits = [
    {
      start: target.start,
      end: target.end,
      text: graft({ syntax, definition: target }, { syntax: piece.syntax, definition: fixed }),
    },
    ...[...helpers].map(([helper, definition]) => beside(syntax, target, piece, helper, definition)),
    ...newImports(syntax, piece),
  ];
  // From the end on, so that offsets stay true; what is put in at one place keeps its order.
  const ordered = edits.toReversed().toSorted((one, other) => other.start - one.start);
  return {
    text: ordered.reduce((made, edit) => made.slice(0, edit.start) + edit.text + made.slice(edit.end), text),
  };
}

/** What a function of a reply is called in the file: a method that comes without its class belongs to the target's. */
function nameIn(piece: Piece, { name, own, node }: Definition, target: string): string {
  const plain = name.replace(/#\d+$/, '');
  const owner = target.slice(0, target.lastIndexOf('.') + 1);
  if (owner === '' || plain.includes('.')) return plain;
  if (own === target.slice(owner.length).replace(/#\d+$/, '')) return owner + own;
  const first = childOf(node, 'parameters')?.children.find(({ named }) => named)?.text;
  const isMethod = piece.syntax.language === 'python' ? first === 'self' || first === 'cls' : piece.shift > 0;
  return isMethod ? owner + own : own;
}

type Edit = { start: number; end: number; text: string };

/** A new function, behind the target, or behind the class that the target is in. */
function beside(
  syntax: Syntax,
  target: Definition,
  piece: Piece,
  name: string,
  definition: Definition,
): Edit {
  const inside = name.includes('.');
  const top = [...ancestors(target.node)].at(-2) ?? target.outer;
  const at = inside ? target.end : lineEnd(syntax.text, top.end);
  const gap = syntax.language === 'python' && !inside ? '\n\n\n' : '\n\n';
  const to = inside ? indentAt(syntax.text, target.statement.start) : '';
  const unit = indentUnit({ syntax, definition: target });
  const text = moved({ syntax: piece.syntax, definition }, { to, unit });
  return { start: at, end: at, text: gap + text };
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}

/** The imports of a reply that the file lacks, behind its own. */
function newImports({ root, text }: Syntax, piece: Piece): Edit[] {
  const own = root.children.filter(isImport);
  const has = new Set(own.map((node) => normalForm(node)));
  const lines = piece.syntax.root.children
    .filter((node) => isImport(node) && node.type !== 'future_import_statement' && !has.has(normalForm(node)))
    .map((node) => node.text);
  if (lines.length === 0) return [];
  const after = own.at(-1) ?? root.children.find(isDocstring);
  if (after) {
    const at = lineEnd(text, after.end);
    return [{ start: at, end: at, text: `\n${lines.join('\n')}` }];
  }
  const at = text.startsWith('#!') ? lineEnd(text, 0) + 1 : 0;
  return [{ start: at, end: at, text: `${lines.join('\n')}\n\n` }];
}
