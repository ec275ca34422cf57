/**
 * What an answer in mathematics says: a value, a set, a tuple or interval, a union, an equation or inequality, or words. Read as a
 * whole or not at all.
 */
import { isRefusal, normalised } from '../normalised.ts';
import { quantityOf } from '../quantity.ts';
import { bareAnswer } from '../statement.ts';
import { isSign, tokensOf, type Token } from '../tokens.ts';
import { isUnitPhrase } from '../units.ts';
import { Unreadable } from './cursor.ts';
import { expressionOf } from './expression.ts';
import { chosen, isDouble, MAX_DEPTH, type Answer } from './tree.ts';

const RELATIONS = new Set(['=', '<', '>', '≤', '≥', '≠']);
const MAX_TOKENS = 600;

/** @returns undefined for what can't be read */
export function answerOf(stated: string): Answer | undefined {
  const { text } = bareAnswer(stated);
  if (isRefusal(text)) return undefined;
  const tokens = tokensOf(text).filter(({ text: mark }) => !/^\\[([\])]$/.test(mark));
  if (tokens.length === 0 || tokens.length > MAX_TOKENS) return undefined;
  try {
    return read(tokens, 0);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

const isWord = (token: Token | undefined, word: RegExp): boolean =>
  token?.kind === 'word' && word.test(token.text);

function read(tokens: readonly Token[], depth: number): Answer {
  if (depth > MAX_DEPTH || tokens.length === 0) throw new Unreadable();
  const parted = parts(tokens, (token) => isWord(token, /^(?:or|and)$/i));
  if (parted.length > 1)
    return { kind: 'set', of: parted.map((part) => read(withoutCommas(part), depth + 1)) };
  const unions = parts(tokens, (token) => isSign(token, '∪'));
  if (unions.length > 1) return { kind: 'union', of: unions.map((part) => read(part, depth + 1)) };
  const list = parts(splitNumbers(tokens, false), (token) => isSign(token, ',', ';'));
  if (list.length > 1)
    return { kind: 'tuple', open: '', close: '', of: list.map((part) => read(part, depth + 1)) };
  return (
    choice(tokens) ?? bracketed(tokens, depth) ?? matrix(tokens, depth) ?? inWords(tokens) ?? related(tokens)
  );
}

/** `(B)`, `\text{B}`: one letter. */
function choice(tokens: readonly Token[]): Answer | undefined {
  const inner = tokens[0]!.text === '(' && tokens.at(-1)!.text === ')' ? tokens.slice(1, -1) : tokens;
  const [only] = inner;
  const isLetter = inner.length === 1 && only!.kind === 'word' && only!.quoted && only!.text.length === 1;
  return isLetter ? { kind: 'value', of: { kind: 'variable', name: only!.text } } : undefined;
}

const withoutCommas = (tokens: readonly Token[]): readonly Token[] => {
  const from = isSign(tokens[0], ',') ? 1 : 0;
  return tokens.slice(from, isSign(tokens.at(-1), ',') ? -1 : undefined);
};

/** The parts between tokens that stand in no bracket. */
function parts(tokens: readonly Token[], parts: (token: Token) => boolean): (readonly Token[])[] {
  const found: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === 'open') depth += 1;
    else if (token.kind === 'close') depth -= 1;
    else if (token.kind === 'command' && /^(?:begin|end)$/.test(token.text))
      depth += token.text === 'begin' ? 1 : -1;
    if (depth === 0 && parts(token)) found.push([]);
    else found.at(-1)!.push(token);
  }
  return found;
}

/** `1,2` as the two numbers that it is where it is no number; in brackets `1,234` might be either. */
function splitNumbers(tokens: readonly Token[], inBrackets: boolean): readonly Token[] {
  let depth = 0;
  return tokens.flatMap((token): Token[] => {
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
    if (token.kind !== 'number' || depth > 0 || !token.text.includes(',')) return [token];
    const grouped = /^[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$/.test(token.text);
    if (grouped && inBrackets) throw new Unreadable();
    if (grouped || !/^[\d,.]+$/.test(token.text)) return [token];
    return token.text
      .split(',')
      .flatMap((digits, i) => [
        ...(i === 0 ? [] : [{ ...token, kind: 'sign' as const, text: ',' }]),
        { ...token, text: digits },
      ]);
  });
}

const isWhole = (tokens: readonly Token[]): boolean => {
  let depth = 0;
  return tokens.every((token, i) => {
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
    return depth > 0 || i === tokens.length - 1;
  });
};

/** `(1, 2)`, `[0, 1)`, `\{1, 2\}`: brackets around the whole, with more than one thing in them, or a set. */
function bracketed(tokens: readonly Token[], depth: number): Answer | undefined {
  const [open, close] = [tokens[0]!, tokens.at(-1)!];
  if (open.kind === 'command' && /^(?:emptyset|varnothing)$/.test(open.text) && tokens.length === 1)
    return { kind: 'set', of: [] };
  if (open.kind !== 'open' || close.kind !== 'close' || !isWhole(tokens)) return undefined;
  const inner = tokens.slice(1, -1);
  const isSet = open.text === '\\{' && close.text === '\\}';
  if (isSet && inner.length === 0) return { kind: 'set', of: [] };
  const items = parts(splitNumbers(inner, true), (token) => isSign(token, ',', ';'));
  if (isSet) return { kind: 'set', of: items.map((item) => read(item, depth + 1)) };
  if (items.length === 1 || !/^[([]$/.test(open.text) || !/^[)\]]$/.test(close.text)) return undefined;
  return {
    kind: 'tuple',
    open: open.text,
    close: close.text,
    of: items.map((item) => read(item, depth + 1)),
  };
}

const MATRIX = /^([pbBvV]?matrix|array)$/;

function matrix(tokens: readonly Token[], depth: number): Answer | undefined {
  if (tokens[0]!.text !== 'begin' || tokens[0]!.kind !== 'command') return undefined;
  const name = tokens[2]?.text ?? '';
  const end = tokens.length - 4;
  if (!MATRIX.test(name) || tokens[end]?.text !== 'end' || tokens[end + 2]?.text !== name)
    throw new Unreadable();
  const rows = parts(tokens.slice(4, end), ({ kind, text }) => kind === 'other' && text === '\\\\').filter(
    (row) => row.length > 0,
  );
  return {
    kind: 'tuple',
    open: name,
    close: '',
    of: rows.map((row) => ({
      kind: 'tuple' as const,
      open: 'row',
      close: '',
      of: parts(row, (token) => isSign(token, '&')).map((cell) => read(cell, depth + 1)),
    })),
  };
}

/** Words alone: a weekday, yes, a name. Two or three letters of mathematics are a product. */
function inWords(tokens: readonly Token[]): Answer | undefined {
  if (
    !tokens.every(
      ({ kind, text }) => kind === 'word' || (kind === 'sign' && text === '-') || /^['’.]$/.test(text),
    )
  )
    return undefined;
  const words = tokens.filter(({ kind }) => kind === 'word');
  const isText = words.some(
    ({ quoted, text }) => (quoted && text.length > 1) || text.length > 3 || /^(?:yes|no|not)$/i.test(text),
  );
  if (!isText || tokens[0]!.kind !== 'word') return undefined;
  const number = quantityOf(tokens, false);
  if (number) return { kind: 'value', of: { kind: 'number', value: number } };
  const text = normalised(words.map((word) => word.text).join(' '));
  if (text === undefined || /^(?:sin|cos|tan|log|sqrt|infinity)$/.test(words[0]!.text))
    throw new Unreadable();
  return { kind: 'text', of: text };
}

/** An expression, or several that are compared; what stands on the left of `x =` is a name. */
function related(all: readonly Token[]): Answer {
  const tokens = isSign(all[0], '=', '≈') ? all.slice(1) : all;
  const whole = isPercent(tokens) ? undefined : quantityOf(tokens, true);
  if (whole) return { kind: 'value', of: { kind: 'number', value: whole } };
  const sides = parts(tokens, (token) => isSign(token, ...RELATIONS, '≈'));
  const signs = tokens.filter((token) => isSign(token, ...RELATIONS, '≈')).map(({ text }) => text);
  if (sides.length !== signs.length + 1) throw new Unreadable();
  if (signs.length === 1 && /[=≈]/.test(signs[0]!)) {
    if (isName(sides[0]!)) return read(sides[1]!, MAX_DEPTH - 2);
    if (isName(sides[1]!)) return read(sides[0]!, MAX_DEPTH - 2);
  }
  if (signs.includes('≈')) throw new Unreadable();
  const of = sides.map((side, i) => expressionOf(i === sides.length - 1 ? withoutUnit(side) : side));
  if (signs.length === 0) {
    const [only] = of;
    const both = [0, 1].map((which) => ({ kind: 'value' as const, of: chosen(only!, which) }));
    return isDouble(only!) ? { kind: 'set', of: both } : { kind: 'value', of: only! };
  }
  if (of.some(isDouble)) throw new Unreadable();
  const isDown = signs.every((sign) => /[>≥]/.test(sign));
  const isUp = signs.every((sign) => /[<≤]/.test(sign));
  if (!isDown && !isUp && signs.length > 1) throw new Unreadable();
  if (!isDown) return { kind: 'relation', signs, of };
  return {
    kind: 'relation',
    signs: signs.map((sign) => (sign === '>' ? '<' : '≤')).toReversed(),
    of: of.toReversed(),
  };
}

const isPercent = (tokens: readonly Token[]): boolean =>
  tokens.some((token) => isSign(token, '%') || isWord(token, /^per(?:cent)?$/i));

/** `x`, `x_1`, `f(x)`: a name that a value is given to. */
function isName(tokens: readonly Token[]): boolean {
  const [first, ...rest] = tokens;
  if (
    !(first?.kind === 'word' && !/\d/.test(first.text)) &&
    !(first?.kind === 'command' && /^[a-zA-Z]+$/.test(first.text) && !/^(?:frac|sqrt|pi)$/.test(first.text))
  )
    return false;
  if (first.kind === 'word' && /^[ei]$/.test(first.text)) return false;
  const shape = rest.map(({ kind, text }) => (/^(?:word|number)$/.test(kind) ? 'n' : text)).join('');
  return /^(?:_n|_\{n\})?(?:\(n\))?$/.test(shape);
}

/** Without a unit behind, set as text, or a currency in front. */
function withoutUnit(tokens: readonly Token[]): readonly Token[] {
  const from = tokens[0]?.kind === 'currency' ? 1 : 0;
  const to = tokens.findIndex(({ kind, quoted }) => kind === 'word' && quoted);
  if (to < 0) return tokens.slice(from);
  const words = tokens
    .slice(to)
    .filter(({ kind, text }) => !(kind === 'sign' && text === '^') && !/^[23{}]$/.test(text));
  if (
    !words.every(({ kind, text }) => kind === 'word' || text === '/') ||
    !isUnitPhrase(
      words.map(({ text }) => text),
      false,
    )
  )
    throw new Unreadable();
  return tokens.slice(from, to);
}
