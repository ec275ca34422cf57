/** A whole function from a reply, put where the one of a file stands. The file's header, decorators, comments and docstring stay. */
import { normalForm } from './compare.ts';
import { docstringOf, type Definition } from './definitions.ts';
import { defaultsOf } from './signature.ts';
import { indentAt, lineStart, namedChildren, walk, type Syntax, type SyntaxNode } from './syntax.ts';

type Place = { syntax: Syntax; definition: Definition };

/** The text of the definition `from`, from the start of its line on, with the body of `reply`. */
export function graft(from: Place, reply: Place): string {
  const { text } = from.syntax;
  const header = headerWith(from, reply);
  if (from.syntax.language === 'python') return header + pythonBody(from, reply);
  return header + jsBody(from, reply) + text.slice(from.definition.body.end, from.definition.end);
}

/** The file's header, with the reply's defaults where they have other values: a way to mend a function. */
function headerWith(from: Place, reply: Place): string {
  const { text } = from.syntax;
  const theirs = defaultsOf(reply.definition);
  const parts: string[] = [];
  let at = from.definition.start;
  for (const [i, value] of defaultsOf(from.definition).entries()) {
    const other = theirs[i];
    if (!other || normalForm(value) === normalForm(other)) continue;
    parts.push(text.slice(at, value.start), other.text);
    at = value.end;
  }
  return parts.join('') + text.slice(at, bodyStart(from));
}

/** Behind the colon in Python, at the body elsewhere. */
function bodyStart({ syntax, definition: { node, body } }: Place): number {
  if (syntax.language !== 'python') return body.start;
  return node.children.findLast(({ type, end }) => type === ':' && end <= body.start)!.end;
}

function pythonBody(from: Place, reply: Place): string {
  const { text } = reply.syntax;
  const doc = docstringOf(from.definition);
  const theirDoc = docstringOf(reply.definition);
  const base = indentAt(from.syntax.text, from.definition.statement.start);
  const unit = unitOf(from) ?? '    ';
  const start = doc && theirDoc ? theirDoc.end : bodyStart(reply);
  const tail = text.slice(start, reply.definition.end);
  const lead = /^[ \t]*(?:;[ \t]*)?/.exec(tail)![0].length;
  const first = namedChildren(reply.definition.body).find((one) => one.start >= start);
  const indents = {
    from: first ? indentAt(text, first.start) : '',
    to: base + unit,
    units: [unitOf(reply), unit],
  };
  const body = shifted(tail.slice(lead), start + lead, reply, indents as Indents);
  const documented = doc ? docOf(from, doc, base + unit) : '';
  // A comment may stand behind the colon, or the whole body.
  if (body === '' || body.startsWith('\n')) return documented + body;
  if (body.startsWith('#')) return documented + tail.slice(0, lead) + body;
  const onHeader = !doc && lineStart(from.syntax.text, from.definition.body.start) < bodyStart(from);
  return onHeader ? ` ${body}` : `${documented}\n${base}${unit}${body}`;
}

/** With the comments that stand before it. */
function docOf(from: Place, doc: SyntaxNode, indent: string): string {
  const lines = from.syntax.text.slice(bodyStart(from), doc.end);
  return lines.includes('\n') ? lines : `\n${indent}${doc.text}`;
}

function jsBody(from: Place, reply: Place): string {
  const { body } = reply.definition;
  const [base, theirs] = [baseOf(from), baseOf(reply)];
  const unit = unitOf(from) ?? '  ';
  const lines = shifted(body.text, body.start, reply, {
    from: theirs,
    to: base,
    units: [unitOf(reply), unit],
  });
  const wantsBlock = from.definition.body.type === 'statement_block' && body.type !== 'statement_block';
  return wantsBlock ? `{\n${base}${unit}return ${lines};\n${base}}` : lines;
}

/** The indentation that a body is relative to: of its closing brace, whatever a model did to the first line. */
const baseOf = ({ syntax: { text }, definition: { statement, body } }: Place): string =>
  indentAt(text, body.type === 'statement_block' ? body.end : statement.start);

/** What one level of a function's body is indented by; undefined where it has no line of its own. */
function unitOf(place: Place): string | undefined {
  const { text, language } = place.syntax;
  const { node, statement, body } = place.definition;
  const first = namedChildren(body)[0];
  if (!first || lineStart(text, first.start) <= node.start) return undefined;
  const outer = language === 'python' ? indentAt(text, statement.start) : baseOf(place);
  const inner = indentAt(text, first.start);
  return inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : undefined;
}

type Indents = { from: string; to: string; units: [string | undefined, string] };

/** Moves lines to another indentation, and to the other's way of indenting. What stands inside a string stays. */
function shifted(text: string, offset: number, { syntax, definition }: Place, indents: Indents): string {
  const inString = linesInStrings(syntax.text, definition.node);
  const [theirUnit, unit] = indents.units;
  let at = offset;
  return text
    .split('\n')
    .map((line, i) => {
      const start = at;
      at += line.length + 1;
      if (i === 0 || inString.has(start)) return line;
      if (line.trim() === '') return line.trim();
      const own = /^[ \t]*/.exec(line)![0];
      let rest = own.startsWith(indents.from) ? own.slice(indents.from.length) : '';
      if (theirUnit !== undefined && theirUnit !== unit) {
        const levels = Math.floor(rest.length / theirUnit.length);
        if (rest.startsWith(theirUnit.repeat(levels)))
          rest = unit.repeat(levels) + rest.slice(levels * theirUnit.length);
      }
      return indents.to + rest + line.slice(own.length);
    })
    .join('\n');
}

/** The offsets of the lines that begin inside a string. */
function linesInStrings(text: string, node: SyntaxNode): Set<number> {
  const found = new Set<number>();
  for (const one of walk(node, ({ type }) => !['string', 'template_string'].includes(type))) {
    if (!['string', 'template_string'].includes(one.type)) continue;
    for (let at = text.indexOf('\n', one.start); at >= 0 && at < one.end; at = text.indexOf('\n', at + 1))
      found.add(at + 1);
  }
  return found;
}

/** A function that a reply adds, at the indentation of its new neighbour. */
export function moved(reply: Place, { to, unit }: { to: string; unit: string }): string {
  const { definition, syntax } = reply;
  const text = syntax.text.slice(definition.start, definition.end);
  const lead = /^[ \t]*/.exec(text)![0];
  const lines = shifted(text, definition.start, reply, { from: lead, to, units: [unitOf(reply), unit] });
  return to + lines.slice(lead.length);
}

/** What the file uses for a level, for functions that stand beside `place`. */
export const indentUnit = (place: Place): string =>
  unitOf(place) ?? (place.syntax.language === 'python' ? '    ' : '  ');
