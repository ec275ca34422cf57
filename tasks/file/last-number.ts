/**
 * The last number of a text, as a whole or not at all: what stands on both sides of its last digits must be prose, so that no part
 * of an expression (`2 2/3`, `3 \times 4`, `5 x`, `±5`, `not 5`) is read for the whole.
 */
import { formAt, type Form } from './forms.ts';
import { write } from './number.ts';
import { isNumeral, numeralAt } from './numerals.ts';
import { behind } from './prose-behind.ts';
import { signBefore } from './prose-before.ts';
import { withoutRounding, withoutSpecial } from './statement.ts';
import { isSign, tokensOf, type Token } from './tokens.ts';
import { isDivisor, isUnitSymbol } from './units.ts';

/** How much of a line is looked at around its last number; what reaches beyond is no prose. */
const NEAR = 400;
/** Tokens of the longest form of a number. */
const LONGEST = 16;

export type Found = { answer: string; start: number; end: number };

/** @returns the number and its place, or undefined: the text has none, or one that can't be told from its surroundings */
export function lastNumber(whole: string): Found | undefined {
  const text = withoutRounding(withoutSpecial(whole));
  const last = lastDigit(text);
  if (last === undefined) return lastInWords(text, 0);
  const line = {
    start: Math.max(text.lastIndexOf('\n', last) + 1, last - NEAR),
    end: Math.min(indexOr(text.indexOf('\n', last), text.length), last + NEAR),
  };
  const shown = text.slice(line.start, line.end);
  const tokens = tokensOf(withoutEmphasis(shown));
  const core = coreOf(tokens, last - line.start);
  if (core === undefined) return undefined;
  const found = longestForm(tokens, core);
  if (!found) return undefined;
  const cutBefore = line.start > 0 && text[line.start - 1] !== '\n';
  const cutBehind = line.end < text.length && text[line.end] !== '\n';
  const inMath = isMath(tokens, found.start, found.form.end);
  const before = signBefore(tokens, found.start, { line: shown, inMath });
  if (!before || (before.from === 0 && cutBefore)) return undefined;
  const end = behind(tokens, found.form.end, inMath);
  if (end === undefined || (end === tokens.length && cutBehind)) return undefined;
  if (saysMoreInWords(text.slice(line.start + tokens[found.form.end - 1]!.end))) return undefined;
  const { top, bottom } = found.form.value;
  const answer = write(before.negative ? -top : top, bottom);
  const place = {
    start: line.start + (tokens[before.from]?.start ?? 0),
    end: line.start + tokens[Math.max(found.form.end, end) - 1]!.end,
  };
  return { answer, ...place };
}

const indexOr = (index: number, other: number): number => (index < 0 ? other : index);

/** Where the last digit (or sign that holds a number, as `½`) of a text stands; a power of a unit is none. */
function lastDigit(text: string): number | undefined {
  for (let i = text.length - 1; i >= 0; i--) {
    const code = text.charCodeAt(i);
    const isLow = code >= 0xdc_00 && code <= 0xdf_ff;
    const c = isLow && i > 0 ? text.slice(i - 1, i + 1) : text[i]!;
    if (/\p{N}/u.test(c)) return i;
  }
  return undefined;
}

/** Marks of emphasis say nothing: they become characters without width, so that all others keep their places. */
const withoutEmphasis = (line: string): string =>
  line
    .replaceAll(/(?<![\p{L}\p{N})\]}*_`])(?:\*\*|__|[*_`])(?=[^\s*_`])/gu, (mark) =>
      '\u2060'.repeat(mark.length),
    )
    .replaceAll(/(?<=[^\s*_`])(?:\*\*|__|[*_`])(?=[\s.,;:!?)"'”*_`]|$)/gu, (mark) =>
      '\u2060'.repeat(mark.length),
    );

/** The token with the last digit: of `5 m^2` and `5 cm3` the 5. */
function coreOf(tokens: readonly Token[], at: number): number | undefined {
  let core = tokens.findIndex((token) => token.start <= at && at < token.end);
  if (core < 0) return undefined;
  let word = -1;
  if (tokens[core]!.kind === 'word') word = core;
  else if (/^[23]$/.test(tokens[core]!.text)) {
    const power = tokens[core - 1]?.text === '{' ? core - 2 : core - 1;
    if (isSign(tokens[power], '^') && tokens[power - 1]?.kind === 'word') word = power - 1;
  }
  if (word < 0) return core;
  if (!isDivisor(tokens[word]!.text)) return undefined;
  if (!isUnitSymbol(tokens[word]!.text, false) && !isSign(tokens[word - 1], '/')) return undefined;
  for (core = word - 1; core >= 0 && !/^(?:number|vulgar)$/.test(tokens[core]!.kind); core--) {
    const { kind, text } = tokens[core]!;
    if (!(kind === 'word' && isUnitSymbol(text, false)) && !/^[/*{}]$/.test(text)) return undefined;
  }
  return core < 0 ? undefined : core;
}

/** What stands around a part of a text, put in its place: nothing that makes it a part of more, and perhaps a unit. */
export function standsWhole(
  text: string,
  start: number,
  end: number,
): { unit: string; end: number } | undefined {
  const from = Math.max(text.lastIndexOf('\n', start - 1) + 1, start - NEAR);
  const to = Math.min(indexOr(text.indexOf('\n', end), text.length), end + NEAR);
  const inFront = text.slice(from, start).replace(/\$+$/, (marks) => '\u2060'.repeat(marks.length));
  const line = `${inFront}0${text.slice(end, to)}`;
  const tokens = tokensOf(withoutEmphasis(line));
  const at = tokens.findIndex((token) => token.start === start - from && token.end === start - from + 1);
  if (at < 0) return undefined;
  const inMath = isMath(tokens, at, at + 1) || inFront.endsWith('\u2060');
  const before = signBefore(tokens, at, { line, inMath });
  if (!before || before.negative || before.from !== at) return undefined;
  // What closes the mathematics around it says nothing.
  let closed = at + 1;
  while (tokens[closed]?.text === '$' || /^\\[)\]]$/.test(tokens[closed]?.text ?? '')) closed++;
  const cries = !inMath && isSign(tokens[closed], '!') && tokens[closed + 1]?.spaced !== false;
  if (cries) return { unit: '', end };
  const last = closed === tokens.length ? closed : behind(tokens, closed, inMath && closed === at + 1);
  if (last === undefined) return undefined;
  if (last === closed) return { unit: '', end };
  const unitEnd = tokens[last - 1]!.end;
  return { unit: line.slice(tokens[closed]!.start, unitEnd), end: unitEnd - 1 - (start - from) + end };
}

/** The longest number that ends in the last digits, brackets included. */
function longestForm(tokens: readonly Token[], core: number): { start: number; form: Form } | undefined {
  for (let start = Math.max(0, core - LONGEST); start <= core; start++) {
    const { kind } = tokens[start]!;
    if (kind === 'word' || kind === 'sign') continue;
    const form = formAt(tokens, start, 'in prose');
    if (form && form.end > core) return { start, form };
  }
  return undefined;
}

/** Between `$` and `$`, or `\(` and `\)`: a letter there is a variable. */
function isMath(tokens: readonly Token[], from: number, to: number): boolean {
  const dollars = (some: readonly Token[]) =>
    some.filter(({ kind, text }) => kind === 'currency' && text === '$');
  const [before, after] = [dollars(tokens.slice(0, from)), dollars(tokens.slice(to))];
  if (before.length % 2 === 1 && after.length > 0) return true;
  const opens = tokens.slice(0, from).findLast(({ text }) => /^\\[([)\]]$/.test(text));
  return opens?.text === '\\(' || opens?.text === '\\[';
}

/** Behind these a number in words is one of things: `in the three boxes`, `for two months`. */
const BESIDE =
  /^(?:the|all|in|for|these|those|every|on|his|her|their|its|my|our|your|per|from|after|next|over|with|between|other|last|first)$/;

/** Does a number in words follow, as in `5 apples, and then seven`? One is a word for much else. */
function saysMoreInWords(after: string): boolean {
  let before = '';
  for (const [word] of after.slice(0, 20_000).matchAll(/\p{L}+/gu)) {
    const low = word.toLowerCase();
    if (low !== 'one' && isNumeral(low) && !BESIDE.test(before)) return true;
    before = low;
  }
  return false;
}

const IN_WORDS =
  /(?:\b(?:is|are|equals?|gets?|gives?|makes?|be)|[=:])\s{1,9}((?:[a-z]+[ -]){0,12}[a-z]+)[\s.!*_]{0,9}$/i;

/** A number in words that a text without digits ends in: `It is forty-two.` */
function lastInWords(text: string, from: number): Found | undefined {
  const tail = text.slice(Math.max(from, text.length - 200));
  const match = IN_WORDS.exec(tail);
  if (!match) return undefined;
  const words = match[1]!.toLowerCase().split(/[ -]/);
  const found = numeralAt(words);
  if (found?.length !== words.length) return undefined;
  const start = text.length - tail.length + match.index + match[0].lastIndexOf(match[1]!);
  return { answer: String(found.value), start, end: start + match[1]!.length };
}
