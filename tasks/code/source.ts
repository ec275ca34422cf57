/** The functions of source files: what a bug report is about, what a fix replaces. Offsets are UTF-16, lines count from 1. */
import { definitionsIn, headerOf, type Definition } from './definitions.ts';
import { languageOf, lineAt, parse, type Language, type Syntax } from './syntax.ts';

export { languageOf, parses, type Language } from './syntax.ts';

export type SourceFunction = {
  path: string;
  /** With its classes: `Cart.total`. The second of a name in one file is `Cart.total#2`. */
  name: string;
  language: Language;
  /** The whole definition: with decorators, `export`, and the docstring or the comment right above; whole lines where it stands alone on them. */
  start: number;
  end: number;
  /** Where `text` begins in the file. */
  line: number;
  text: string;
  /** One line, without the body: `def total(self, rate=0)`. */
  signature: string;
};

/** In the order of the file. A function inside another belongs to it. Empty for what is no source code here. */
export function functionsIn(path: string, text: string): SourceFunction[] {
  const language = languageOf(path);
  if (language === undefined) return [];
  return definitionsIn(parse(language, text)).map((definition) => ({
    path,
    name: definition.name,
    language,
    start: definition.start,
    end: definition.end,
    line: lineAt(text, definition.start),
    text: text.slice(definition.start, definition.end),
    signature: headerOf(text, definition),
  }));
}

/** A piece of code read where it can stand: a method needs a class around it. `shift` takes an offset of the tree back to the piece. */
export type Piece = { syntax: Syntax; shift: number; definitions: Definition[] };

/**
 * Code that was taken out of its file, or that a model wrote without what surrounds it.
 *
 * @returns undefined where it can't be read in any surroundings
 */
export function parsePiece(language: Language, text: string): Piece | undefined {
  let without: Piece | undefined;
  for (const [before, after] of SURROUNDINGS[language === 'python' ? 'python' : 'javascript']) {
    const syntax = parse(language, before + text + after);
    if (syntax.broken) continue;
    const definitions = definitionsIn(syntax).map((one) => ({ ...one, name: one.name.replace(/^_\./, '') }));
    const piece = { syntax, shift: before.length, definitions };
    if (definitions.length > 0) return piece;
    without ??= piece;
  }
  return without;
}

const SURROUNDINGS: Record<'python' | 'javascript', [string, string][]> = {
  // What is indented stands below something.
  python: [
    ['', ''],
    ['class _:\n', ''],
  ],
  javascript: [
    ['', ''],
    ['class _ {\n', '\n}'],
  ],
};
