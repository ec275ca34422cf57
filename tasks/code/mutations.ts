/**
 * Small bugs, made of a function's own code: what a bug maker plants, and what tests must notice. One change each, in the body: never in the
 * signature, docstrings, comments or types. Every mutation can be read as code, and says something else than the function does.
 */
import { normalForm } from './compare.ts';
import { headerOf } from './definitions.ts';
import { MUTATORS, OPERATORS, type Edit, type Operator } from './mutators.ts';
import { parsePiece, type SourceFunction } from './source.ts';
import { lineAt, lineStart } from './syntax.ts';

export type { Operator } from './mutators.ts';

export type Mutation = {
  operator: Operator;
  /** Of the file. */
  line: number;
  /** The lines that changed, as one. */
  before: string;
  after: string;
  /** The whole function, mutated. */
  text: string;
};

/**
 * All of them, by place and operator: the same list whenever it is asked for.
 *
 * @param options.lines lines of the file: only mutations that begin in one of them
 */
export function mutationsOf(fn: SourceFunction, { lines }: { lines?: readonly number[] } = {}): Mutation[] {
  const piece = parsePiece(fn.language, fn.text);
  const definition = piece?.definitions[0];
  if (!piece || !definition) return [];
  const { syntax, shift } = piece;
  const edits: Edit[] = OPERATORS.flatMap((operator) =>
    [...MUTATORS[operator](definition, syntax)].map((edit) => ({ ...edit, operator })),
  );
  const rank = new Map(OPERATORS.map((operator, i) => [operator, i]));
  edits.sort((one, other) => one.start - other.start || rank.get(one.operator)! - rank.get(other.operator)!);
  const forms = new Set([normalForm(syntax.root)]);
  const header = headerOf(syntax.text, definition);
  return edits.flatMap((edit) => {
    const [start, end] = [edit.start - shift, edit.end - shift];
    const from = fn.text[start] === '\n' ? start + 1 : lineStart(fn.text, start);
    const line = fn.line + lineAt(fn.text, from) - 1;
    if (lines && !lines.includes(line)) return [];
    const text = fn.text.slice(0, start) + edit.with + fn.text.slice(end);
    const mutated = parsePiece(fn.language, text);
    const other = mutated?.definitions[0];
    if (!mutated || !other || headerOf(mutated.syntax.text, other) !== header) return [];
    const form = normalForm(mutated.syntax.root);
    if (forms.has(form)) return [];
    forms.add(form);
    const to = fn.text.indexOf('\n', Math.max(start, end - 1));
    const tail = to < 0 ? 0 : fn.text.length - to;
    const shown = (whole: string) =>
      whole
        .slice(from, whole.length - tail)
        .replace(/\s+/g, ' ')
        .trim();
    return [{ operator: edit.operator, line, before: shown(fn.text), after: shown(text), text }];
  });
}
