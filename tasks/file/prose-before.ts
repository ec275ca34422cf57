/** What stands before a number in running text: its sign and currency, and whether the number is a part of something more. */
import { isNumeral } from './numerals.ts';
import { isSign, type Token } from './tokens.ts';
import { changes, isCurrencyCode, isUnitPhrase } from './units.ts';

/** Words before a number that make it a part of something, or take it back. */
const LEADS = new Set(
  'not no isn never cannot least most than beyond exceeds plus times over by mod modulo log ln sin cos tan cot sec csc exp sqrt root pi base choose half third quarter percent squared cubed power hundred thousand million billion trillion dozen point'.split(
    ' ',
  ),
);
/** Between two numbers these make them a pair, a range, a sum or a share. */
const JOINS = new Set(
  'and or to through until of in x by per nor versus vs for out minus plus with after from on at every each another extra'.split(
    ' ',
  ),
);

/** The sign in front of a number, and the first token that is its own; undefined where it is a part of more. */
export function signBefore(
  tokens: readonly Token[],
  start: number,
  { line, inMath }: { line: string; inMath: boolean },
): { negative: boolean; from: number } | undefined {
  let at = start;
  let negative: boolean | undefined;
  const sign = (): boolean => {
    const token = tokens[at - 1];
    if (negative !== undefined || !isSign(token, '-', '+')) return true;
    const previous = tokens[at - 2];
    const isBullet = previous === undefined && tokens[at]!.spaced;
    if (isBullet || !token) return true;
    const opens =
      !previous || isSign(previous, '=', '≈', ':', '→', ',') || /^(?:open|currency)$/.test(previous.kind);
    const ownsIt = !tokens[at]!.spaced && (token.spaced || opens || previous?.kind === 'other');
    // Not the hyphen of a word.
    const typeset = line[token.start] === '\u2212' && previous?.kind === 'word' && !tokens[at]!.spaced;
    if (!ownsIt && !typeset && !(opens && previous && !isSign(previous, ','))) return false;
    negative = token.text === '-';
    at -= 1;
    return true;
  };
  const own = () => tokens[at - 1];
  if (!sign()) return undefined;
  if (own()?.kind === 'currency' && !(inMath && own()!.text === '$' && negative === undefined)) {
    at -= 1;
    if (own()?.kind === 'word' && !tokens[at]!.spaced && /^[A-Z]{1,3}$/.test(own()!.text)) at -= 1;
    if (!sign()) return undefined;
  } else if (own()?.kind === 'word' && isCurrencyCode(own()!.text) && own()!.text.length > 1) {
    at -= 1;
    if (!sign()) return undefined;
  }
  if (negative === undefined && /^(?:minus|negative)$/i.test(own()?.text ?? '')) {
    negative = true;
    at -= 1;
  }
  const typeset = line[tokens[at]!.start] === '\u2212';
  return standsAlone(tokens, at, typeset) ? { negative: negative ?? false, from: at } : undefined;
}

/** Is what stands before the token at `at` prose, or the beginning? */
function standsAlone(tokens: readonly Token[], at: number, typeset = false): boolean {
  const before = tokens[at - 1];
  const earlier = tokens[at - 2];
  const glued = tokens[at]?.spaced === false && !typeset;
  if (!before) return true;
  if (before.kind === 'currency') return standsAlone(tokens, at - 1);
  if (before.kind === 'number' || before.kind === 'vulgar' || before.kind === 'command') return false;
  if (before.kind === 'word') {
    const low = before.text.toLowerCase();
    // `7th 5`, `3km 5`: what is glued to a number belongs to it.
    if (!before.spaced && /^(?:number|vulgar)$/.test(earlier?.kind ?? '')) return false;
    if (glued || LEADS.has(low) || isNumeral(low) || /\p{N}/u.test(low)) return false;
    // `isn't 5`: what stands before the apostrophe is a word of its own.
    if (low === 't' && /^['’]$/.test(earlier?.text ?? '')) return false;
    if (/^['’]$/.test(earlier?.text ?? '') && /^(?:s|re|ll|m)$/.test(low)) return true;
    if (low.length === 1 && !/^[ai]$/.test(low)) return false;
    if (isSecond(tokens, at - 1)) return false;
    return !isJoined(tokens, at);
  }
  if (before.kind === 'sign') {
    if (isSign(before, '→')) return true;
    if (isSign(before, '=', '≈')) return !isSecond(tokens, at - 1) && statesOne(tokens, at - 1);
    if (isSign(before, ','))
      return (
        tokens[at]!.spaced && !/^(?:number|vulgar)$/.test(earlier?.kind ?? '') && !joinsAcross(tokens, at - 1)
      );
    if (isSign(before, ';')) return tokens[at]!.spaced;
    if (isSign(before, ':'))
      return (
        isLabelled(tokens, at - 1) ||
        (earlier?.kind !== 'number' &&
          !(before.spaced && tokens[at]!.spaced) &&
          (tokens[at]!.spaced || earlier?.text.length !== 1))
      );
    // `Done! 7` begins a sentence; `n! 7` and `3! 7` go on from a factorial, `x % 7` and `20° 7` from what the sign belongs to.
    if (isSign(before, '!')) return tokens[at]!.spaced && isWord(earlier);
    if (isSign(before, '>')) return at === 1;
    // A bullet, or a dash between words.
    if (isSign(before, '-', '*', '+')) return at === 1 && tokens[at]!.spaced;
    return false;
  }
  if (before.kind === 'open') {
    if (before.text.startsWith('\\(') || before.text.startsWith('\\[')) return true;
    return before.text === '(' && (at === 1 || (before.spaced && standsAlone(tokens, at - 1)));
  }
  if (before.kind === 'close') {
    if (!tokens[at]!.spaced || before.text !== ')') return before.text.startsWith('\\');
    // A remark in brackets or a label, `(b) 7`, `part (b) 7`; `f(x) 7` and `(2 + 3) 7` go on from what is in the brackets.
    const isLabel = at === 2 || (tokens[at - 3]?.text === '(' && (at === 3 || isCountedPart(tokens[at - 4])));
    return isLabel || isWord(earlier);
  }
  // Quotes, periods, bullets, emojis: glued, only quotes and marks of a list may be.
  // `f' 7`: a derivative, or a minute of something.
  if (/^['’"”]$/.test(before.text) && !before.spaced && earlier && !isWord(earlier)) return false;
  if (before.text === '.' && before.spaced) return false;
  if (/^["'‘’“]$/.test(before.text) && glued)
    return at === 1 || (before.spaced && standsAlone(tokens, at - 1));
  return !glued || /^[“«#•。「：—]$/u.test(before.text);
}

/** A word of prose: a single letter is a variable. */
const isWord = (token: Token | undefined): boolean =>
  token?.kind === 'word' && /^\p{L}{2,}$/u.test(token.text);

/** `Step 2: 42`: the number before the colon is a name. */
const isLabelled = (tokens: readonly Token[], colon: number): boolean =>
  tokens[colon + 1]?.spaced === true && !tokens[colon]!.spaced && isCountedPart(tokens[colon - 2]);

/** `Step`, `Part`: the number or letter behind it is a name. */
const isCountedPart = (token: Token | undefined): boolean =>
  /^(?:step|part|case|question|problem|example|exercise|q|attempt|answer|method|way)$/i.test(
    token?.text ?? '',
  );

/** Is there a number before that this one goes on from: `5 and 6`, `5 ft 3`, `5 out of 6`, `half of 6`? */
function isJoined(tokens: readonly Token[], at: number): boolean {
  for (let i = at - 1; i >= Math.max(0, at - 7); i--) {
    const token = tokens[i]!;
    if (/^(?:number|vulgar|close)$/.test(token.kind)) return true;
    if (isSign(token, '%')) return true;
    if (/^['"’”]$/.test(token.text) && !token.spaced && tokens[i - 1]?.kind === 'number') return true;
    if (token.kind !== 'word')
      return isSign(token, ',') || token.kind === 'currency' ? i < at - 1 && joinsAcross(tokens, i) : false;
    const low = token.text.toLowerCase();
    if (LEADS.has(low) || isNumeral(low)) return true;
    if (!JOINS.has(low) && !isUnitPhrase([token.text], false))
      return low !== 'not' && i < at - 1 && changes(token.text);
  }
  return false;
}

/** `5 apples, 6`: does a number with its unit stand before a comma? */
const joinsAcross = (tokens: readonly Token[], comma: number): boolean =>
  tokens[comma - 1]?.kind === 'number' ||
  (tokens[comma - 2]?.kind === 'number' && isUnitPhrase([tokens[comma - 1]?.text ?? ''], false));

/** `x = 5 and y = 6`: is what is stated here the second of two? */
function isSecond(tokens: readonly Token[], verb: number): boolean {
  const [name, joint] = [tokens[verb - 1], tokens[verb - 2]];
  if (name?.kind !== 'word' || name.text.length > 1 || !/^(?:=|≈|is)$/.test(tokens[verb]!.text)) return false;
  const isJoint = isSign(joint, ',', ';') || /^(?:and|or)$/i.test(joint?.text ?? '');
  return (
    isJoint &&
    tokens.slice(Math.max(0, verb - 5), verb - 2).some(({ kind }) => kind === 'number' || kind === 'vulgar')
  );
}

/** Does what stands before an equals sign name the number (`x`, `the total`) or work it out, rather than say something of a variable? */
function statesOne(tokens: readonly Token[], equals: number): boolean {
  for (let i = equals - 1; i >= 0; i--) {
    const { kind, text } = tokens[i]!;
    if (kind === 'word') {
      if (text.length > 1 || /^[aI]$/.test(text)) return true;
      // The sign of a product: `14 x 3 = 42`.
      const factors = [tokens[i - 1], tokens[i + 1]].map((near) => near?.kind);
      if (
        /^x$/i.test(text) &&
        /^(?:number|vulgar|close|word|sign)$/.test(factors[0] ?? '') &&
        tokens[i]!.spaced &&
        /^(?:number|vulgar|open|currency)$/.test(factors[1] ?? '')
      )
        continue;
      const before = tokens[i - 1];
      const isLone =
        i === equals - 1 &&
        (!before ||
          (before.kind === 'word' && before.text.length > 1) ||
          /^[,;:.([$]$|^\\[([]$/.test(before.text));
      return isLone;
    }
    if (kind === 'other' || isSign(tokens[i], ',', ';', ':', '→')) return true;
  }
  return true;
}
