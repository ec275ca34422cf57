/** What stands behind a number in running text: its unit, and whether the number goes on or is taken back. */
import { isNumeral } from './numerals.ts';
import { isRounding } from './statement.ts';
import { isSign, type Token } from './tokens.ts';
import { changes, isDivisor, isUnitPhrase, isUnitSymbol } from './units.ts';

/** Words that deny what stands before them, or go on counting. */
const TAKES_BACK = /^(?:is|was|isn|wasn|would|can|cannot|could|are|were)$/;

/** The index behind a unit that follows a number; undefined where the number goes on. */
export function behind(tokens: readonly Token[], from: number, inMath: boolean): number | undefined {
  let at = from;
  const first = tokens[at];
  if (!first) return at;
  const glued = !first.spaced;
  if (first.kind === 'currency' || isSign(first, '%', '‰', '°')) {
    at += isSign(first, '°') && /^[CFK]$/.test(tokens[at + 1]?.text ?? '') && !tokens[at + 1]!.spaced ? 2 : 1;
    const next = tokens[at];
    if (next?.kind === 'word')
      return next.spaced || isUnitSymbol(next.text, false) ? behind(tokens, at, false) : undefined;
    return closesAt(tokens, at) ? at : undefined;
  }
  if (first.kind === 'word') {
    const isUnit =
      isUnitSymbol(first.text, inMath && !first.quoted) ||
      (first.quoted && isUnitPhrase([first.text], false));
    if (glued && !isUnit) return undefined;
    if (!isUnit)
      return wordsBehind(tokens, at, inMath) ? at + (isUnitPhrase([first.text], true) ? 1 : 0) : undefined;
    at = powerEnd(tokens, at + 1);
    while (isSign(tokens[at], '/', '*') && isDivisor(tokens[at + 1]?.text ?? ''))
      at = powerEnd(tokens, at + 2);
    if (isSign(tokens[at], '/') && tokens[at + 1]?.kind === 'word' && tokens[at + 1]!.text.length > 1)
      return at;
    return closesAt(tokens, at) ? at : undefined;
  }
  if (
    isSign(first, '/') &&
    tokens[at + 1]?.kind === 'word' &&
    /^\p{L}{3,}$/u.test(tokens[at + 1]?.text ?? '') &&
    !inMath
  )
    return wordsBehind(tokens, at + 1, false) ? at : undefined;
  return closes(tokens, at) ? at : undefined;
}

function powerEnd(tokens: readonly Token[], at: number): number {
  if (!isSign(tokens[at], '^')) return at;
  const braced = tokens[at + 1]?.text === '{';
  return /^[23]$/.test(tokens[at + (braced ? 2 : 1)]?.text ?? '') ? at + (braced ? 4 : 2) : at;
}

/** Are the words behind a number prose, none of which changes it? */
function wordsBehind(tokens: readonly Token[], at: number, inMath: boolean): boolean {
  const word = tokens[at]!;
  const next = tokens[at + 1];
  const low = word.text.toLowerCase();
  if (word.text.length === 1) return !inMath && low === 'a' && next?.kind === 'word';
  if (TAKES_BACK.test(low))
    return !/^(?:not|n|t|wrong|incorrect|no|never|'|’)$/i.test(next?.text ?? '') && !denies(tokens, at);
  if (low === 'or' || variableNear(tokens, at)) return false;
  if (low === 'and')
    return !(next && (isNumeral(next.text.toLowerCase()) || changes(next.text) || next.text.length === 1));
  if (/^(?:if|but|to|than|for|with|in|on|at|of|as|so|then|that|which|because|since|when)$/.test(low))
    return true;
  return (
    !changes(word.text) &&
    !(
      next?.kind === 'word' &&
      next.spaced &&
      /^(?:lakh|crore|million|billion|thousand|hundred)s?$/i.test(next.text)
    )
  );
}

/** `5 more than x` */
const variableNear = (tokens: readonly Token[], at: number): boolean => {
  for (const { kind, text } of tokens.slice(at, at + 6)) {
    if (kind === 'other' || (kind === 'sign' && text !== '-')) return false;
    if (kind === 'word' && text.length === 1 && !/^[aAI]$/.test(text)) return true;
  }
  return false;
};

/** `5 is certainly not right`: is something denied soon behind? */
const denies = (tokens: readonly Token[], at: number): boolean =>
  tokens.slice(at, at + 5).some(({ text }) => /^(?:not|wrong|incorrect|never|impossible|t)$/i.test(text));

/** Does a mark end the sentence, the bracket or the mathematics, so that the number is whole? */
function closes(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]!;
  const next = tokens[at + 1];
  if (isSign(token, ',', ';'))
    return !next || (next.spaced && !(next.kind === 'number' && isSign(token, ',')));
  if (isSign(token, ':')) return !next || next.spaced;
  if (isSign(token, '=', '≈', '→')) return false;
  if (isSign(token, '-')) {
    // `5 - that is`, `a 5-mile walk`
    if (next?.kind !== 'word' || next.text.length < 2) return false;
    return !changes(next.text) && token.spaced === next.spaced;
  }
  if (token.kind === 'close') {
    if (token.text.startsWith('\\')) return closesAt(tokens, at + 1);
    return token.text !== '}' && closesAt(tokens, at + 1);
  }
  const bracketEnd = token.text === '(' ? tokens.findIndex(({ text }, i) => i > at && text === ')') : -1;
  if (bracketEnd > 0 && isRounding(tokens.slice(at, bracketEnd + 1))) return true;
  if (token.kind === 'open')
    return (
      token.spaced &&
      token.text === '(' &&
      next?.kind === 'word' &&
      next.text.length > 1 &&
      !tokens.slice(at, at + 6).some(({ text }) => changes(text))
    );
  if (token.kind !== 'other') return false;
  // The marks of feet, minutes and derivatives are quotes only where one was opened.
  if (/^['’"”]$/.test(token.text))
    return tokens.slice(0, at).some(({ text }) => /^['‘"“]$/.test(text)) && closesAt(tokens, at + 1);
  if (token.text === '.') return !token.spaced && next?.text !== '.';
  return token.text !== '?' && (token.spaced || /^[。।»」”*_`—]$/u.test(token.text));
}

/** As `closes`, at a token that may be a word or none. */
function closesAt(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (!token) return true;
  if (token.kind === 'word') return token.spaced && wordsBehind(tokens, at, false);
  if (token.kind === 'currency') return closesAt(tokens, at + 1);
  return closes(tokens, at);
}
