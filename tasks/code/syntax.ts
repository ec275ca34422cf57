/**
 * Syntax trees of Python, JavaScript and TypeScript, as plain values: tree-sitter's own trees live outside the garbage collector, and are
 * freed before a function here returns. Grammars are loaded once, when this module is.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import treeSitter from '@vscode/tree-sitter-wasm';

export type Language = 'python' | 'javascript' | 'typescript' | 'tsx';

export type SyntaxNode = {
  type: string;
  /** False for keywords, operators and punctuation. */
  named: boolean;
  /** What it is to its parent: `body`, `left`, … */
  field: string | undefined;
  /** UTF-16 offsets. */
  start: number;
  end: number;
  text: string;
  children: SyntaxNode[];
  parent: SyntaxNode | undefined;
};

/** A text as it was read. Where `broken`, the tree holds what could be made out. */
export type Syntax = { language: Language; text: string; root: SyntaxNode; broken: boolean };

const EXTENSIONS: Record<string, Language> = {
  py: 'python',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  tsx: 'tsx',
};

/** By the extension; undefined for what is no source code here. */
export function languageOf(path: string): Language | undefined {
  const extension = /\.([a-z]+)$/.exec(path)?.[1];
  return extension !== undefined && Object.hasOwn(EXTENSIONS, extension) ? EXTENSIONS[extension] : undefined;
}

/** Deeper than people nest code; what is, counts as broken, so that no reader of a tree runs out of stack. */
const MAX_DEPTH = 400;
/** What the grammar takes for older Pythons' sake, and Python 3 does not. */
const PYTHON_2 = new Set(['print_statement', 'exec_statement', '<>']);

const folder = dirname(createRequire(import.meta.url).resolve('@vscode/tree-sitter-wasm'));
await treeSitter.Parser.init({ locateFile: (file) => join(folder, file) });
const load = async (language: Language) => {
  const parser = new treeSitter.Parser();
  parser.setLanguage(await treeSitter.Language.load(join(folder, `tree-sitter-${language}.wasm`)));
  return parser;
};
const parsers: Record<Language, InstanceType<typeof treeSitter.Parser>> = {
  python: await load('python'),
  javascript: await load('javascript'),
  typescript: await load('typescript'),
  tsx: await load('tsx'),
};

/** The last texts that were read, oldest first: one file is asked about many times. */
const known = new Map<string, Syntax>();
const MOST_KNOWN = 16;

/** Whoever gets the tree shares it: it is not to be changed. */
export function parse(language: Language, text: string): Syntax {
  const key = `${language}\n${text}`;
  const syntax = known.get(key) ?? parseAnew(language, text);
  known.delete(key);
  known.set(key, syntax);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value!);
  return syntax;
}

function parseAnew(language: Language, text: string): Syntax {
  const tree = parsers[language].parse(text);
  if (!tree) throw new Error(`tree-sitter gave no tree for ${text.length} characters of ${language}`);
  const cursor = tree.walk();
  try {
    let broken = tree.rootNode.hasError;
    const read = (parent: SyntaxNode | undefined): SyntaxNode => {
      const { startIndex: start, endIndex: end, nodeType: type } = cursor;
      broken ||= cursor.nodeIsMissing || (language === 'python' && PYTHON_2.has(type));
      return {
        type,
        named: cursor.nodeIsNamed,
        field: cursor.currentFieldName ?? undefined,
        start,
        end,
        text: text.slice(start, end),
        children: [],
        parent,
      };
    };
    const root = read(undefined);
    let node = root;
    for (let depth = 0; ;) {
      if (depth >= MAX_DEPTH) broken = true;
      if (depth < MAX_DEPTH && cursor.gotoFirstChild()) depth++;
      else {
        while (depth > 0 && !cursor.gotoNextSibling()) {
          cursor.gotoParent();
          node = node.parent!;
          depth--;
        }
        if (depth === 0) break;
        node = node.parent!;
      }
      const next = read(node);
      node.children.push(next);
      node = next;
    }
    return { language, text, root, broken: broken || (language === 'python' && hasEmptyBlock(root)) };
  } finally {
    cursor.delete();
    tree.delete();
  }
}

/** The grammar lets a block be empty, Python does not. */
function hasEmptyBlock(root: SyntaxNode): boolean {
  return [...walk(root)].some(
    ({ type, children }) => type === 'block' && children.every((child) => child.type === 'comment'),
  );
}

/** Whether a file is whole code: nothing in it that the grammar could not read. False for what is no source code here. */
export function parses(path: string, text: string): boolean {
  const language = languageOf(path);
  return language !== undefined && !parse(language, text).broken;
}

/** A node and all below it, in the order of the text. Nothing below a node for which `into` is false. */
export function* walk(
  node: SyntaxNode,
  into: (node: SyntaxNode) => boolean = () => true,
): Generator<SyntaxNode> {
  const open = [node];
  for (let next = open.pop(); next; next = open.pop()) {
    yield next;
    if (into(next)) for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i]!);
  }
}

export const childOf = (node: SyntaxNode, field: string): SyntaxNode | undefined =>
  node.children.find((child) => child.field === field);

export const namedChildren = (node: SyntaxNode): SyntaxNode[] =>
  node.children.filter(({ named, type }) => named && type !== 'comment');

/** The nodes above, nearest first. */
export function* ancestors(node: SyntaxNode): Generator<SyntaxNode> {
  for (let above = node.parent; above; above = above.parent) yield above;
}

/** Counted from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** What the line of an offset is indented by. */
export const indentAt = (text: string, offset: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, offset)))![0];
