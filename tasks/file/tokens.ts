/**
 * An expression as people and models write it (plain, in Unicode or in LaTeX), cut into tokens in one pass. Nothing is dropped
 * without a token unless it can't change a value: white space, fonts, colours, sizes. What is not known is a token `other`, so
 * that whoever reads the tokens can refuse the whole.
 */

export type Token = {
  kind: 'number' | 'vulgar' | 'word' | 'sign' | 'command' | 'currency' | 'open' | 'close' | 'other';
  /** As compared: signs in one spelling, commands without their backslash, everything else as it stands. */
  text: string;
  start: number;
  end: number;
  /** White space stands before it. */
  spaced: boolean;
  /** It was set as text, by `\text{…}` and the like. */
  quoted: boolean;
};

/** Is a token one of these signs? */
export const isSign = (token: Token | undefined, ...texts: string[]): boolean =>
  token?.kind === 'sign' && texts.includes(token.text);

const MINUS = '-\u2010\u2011\u2012\u2013\u2212\uFE63\uFF0D';

/** Signs with several spellings. */
const SIGNS: Record<string, string> = {
  '×': '*',
  '·': '*',
  '⋅': '*',
  '∗': '*',
  '÷': '/',
  '∕': '/',
  '⁄': '/',
  '／': '/',
  '∓': '±',
  '≃': '≈',
  '≅': '≈',
  '∼': '≈',
  '**': '^',
  '⩽': '≤',
  '⩾': '≥',
  '<=': '≤',
  '>=': '≥',
  '!=': '≠',
  '->': '→',
  '=>': '→',
  '⇒': '→',
  '⟹': '→',
  '％': '%',
  '＋': '+',
  '＝': '=',
  '：': ':',
  '，': ',',
  '、': ',',
};
for (const minus of MINUS) SIGNS[minus] = '-';

const SIGN_COMMANDS: Record<string, string> = {
  times: '*',
  cdot: '*',
  ast: '*',
  div: '/',
  pm: '±',
  mp: '±',
  approx: '≈',
  sim: '≈',
  simeq: '≈',
  cong: '≈',
  doteq: '≈',
  le: '≤',
  leq: '≤',
  leqslant: '≤',
  ge: '≥',
  geq: '≥',
  geqslant: '≥',
  lt: '<',
  gt: '>',
  ne: '≠',
  neq: '≠',
  to: '→',
  rightarrow: '→',
  Rightarrow: '→',
  implies: '→',
  colon: ':',
  mid: '|',
  vert: '|',
  lvert: '|',
  rvert: '|',
  degree: '°',
  textdegree: '°',
  percent: '%',
  infty: '∞',
  cup: '∪',
};
const CURRENCIES: Record<string, string> = {
  mathdollar: '$',
  textdollar: '$',
  pounds: '£',
  euro: '€',
  yen: '¥',
};

/** These set what follows in braces as text, and those in another font. */
const TEXT = /^(?:text(?:normal|rm|it|bf|sf|tt|up|sl|md)?|mbox|hbox|mathrm|operatorname|mathop|emph|textsc)$/;
const FONT =
  /^(?:math(?:bf|it|sf|tt|bb|cal|normal|frak)|bm|boldsymbol|underline|pmb|boxed|fbox|mathbin|ensuremath)$/;
const COLOUR = /^(?:text)?color$/;
const SILENT =
  /^(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|quad|qquad|enspace|thinspace|bf|rm|it|tt|sf|large|Large|huge|small|normalsize|boldmath)$/;
export const FRACTION = /^(?:[dtc]?frac|nicefrac|sfrac)$/;

const DIGITS = String.raw`\p{Nd}(?:[\p{Nd}]|[.,'’٫٬](?=\p{Nd}))*`;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const TOKEN = new RegExp(
  [
    // Zero-width characters say nothing.
    String.raw`(?<space>(?:[\s\u200B\u2060\uFEFF]|\\[ ;:>!,\n]|~(?!\p{Nd})|(?<=[\p{Nd}}])~)+)`,
    String.raw`(?<degree>\^ {0,9}\{? {0,9}\\circ(?![a-zA-Z])(?: {0,9}\})?|[°º])`,
    String.raw`(?<number>(?:${DIGITS}|(?<![\p{L}\p{N}])\.\p{Nd}+)(?:[eE][-+−]?\d+(?![\p{L}\p{N}]))?)`,
    String.raw`(?<vulgar>[\u00BC-\u00BE\u2150-\u215E\u2189])`,
    String.raw`(?<power>[⁻⁺]?[${SUPERSCRIPTS}]+)`,
    String.raw`(?<minus>⁻)`,
    String.raw`\\(?<command>[a-zA-Z]+)`,
    String.raw`\\(?<escaped>[^])`,
    String.raw`(?<word>\p{L}[\p{L}\p{M}\p{Nd}]*)`,
    String.raw`(?<currency>\p{Sc})`,
    String.raw`(?<sign>\*\*|<=|>=|!=|->|=>|[-+*/^_=<>≤≥≠≈≃≅∼~±∓×·⋅∗÷∕⁄／|!%‰％,:;，、：∪∞→⇒⟹√&⩽⩾＋＝${MINUS.slice(1)}])`,
    '(?<open>[{([])',
    '(?<close>[})\\]])',
    '(?<other>[^])',
  ].join('|'),
  'uy',
);

/** What a brace that closes ends: text, one in which nothing is said, or a group whose braces are tokens. */
type Brace = { silent: boolean; quoted: boolean; digits: number };

/** The tokens of a text, with their places in it. Time is linear in its length. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const braces: Brace[] = [];
  let [spaced, quoted] = [false, false];
  // Arguments of a fraction or root that are still to come: without braces one digit is one.
  let digits = 0;
  let next: 'text' | 'font' | 'colour' | undefined;
  const add = (kind: Token['kind'], as: string, start: number, end: number) => {
    tokens.push({ kind, text: as, start, end, spaced, quoted });
    spaced = false;
  };
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const { 0: whole, groups } = TOKEN.exec(text)!;
    let end = TOKEN.lastIndex;
    const {
      space,
      degree,
      number,
      vulgar,
      power,
      minus,
      command,
      escaped,
      word,
      currency,
      sign,
      open,
      close,
    } = groups!;
    if (space !== undefined) {
      spaced = spaced || /[^\u200B\u2060\uFEFF]/.test(space);
      continue;
    }
    if (open === '{') {
      if (next === 'colour') {
        const closed = text.indexOf('}', at);
        TOKEN.lastIndex = closed < 0 ? text.length : closed + 1;
        next = undefined;
        continue;
      }
      braces.push({ silent: next !== undefined, quoted, digits: Math.max(0, digits - 1) });
      if (next === undefined) add('open', '{', at, end);
      quoted = quoted || next === 'text';
      [digits, next] = [0, undefined];
      continue;
    }
    next = undefined;
    if (close === '}') {
      const brace = braces.pop();
      if (!brace?.silent) add('close', '}', at, end);
      if (brace) ({ quoted, digits } = brace);
      continue;
    }
    if (number !== undefined && digits > 0 && !quoted) {
      // `\frac12`: each digit is an argument.
      end = at + 1;
      TOKEN.lastIndex = end;
      add('number', whole[0]!, at, end);
      digits -= 1;
      continue;
    }
    if (digits > 0) digits -= 1;
    if (command !== undefined) {
      if (TEXT.test(command)) next = 'text';
      else if (FONT.test(command)) next = 'font';
      else if (COLOUR.test(command)) next = 'colour';
      else if (SILENT.test(command)) spaced = spaced || command.endsWith('quad');
      else if (command in SIGN_COMMANDS) add('sign', SIGN_COMMANDS[command]!, at, end);
      else if (command in CURRENCIES) add('currency', CURRENCIES[command]!, at, end);
      else {
        add('command', command, at, end);
        if (FRACTION.test(command)) digits = 2;
        else if (command === 'sqrt') digits = 1;
      }
    } else if (degree !== undefined) add('sign', '°', at, end);
    else if (number !== undefined) add('number', number, at, end);
    else if (vulgar !== undefined) add('vulgar', vulgar, at, end);
    else if (power !== undefined) {
      add('sign', '^', at, at);
      add('open', '{', at, at);
      if (power.startsWith('⁻')) add('sign', '-', at, at + 1);
      add(
        'number',
        power.replaceAll(/[^]/g, (c) => (SUPERSCRIPTS.includes(c) ? String(SUPERSCRIPTS.indexOf(c)) : '')),
        at,
        end,
      );
      add('close', '}', end, end);
    } else if (minus !== undefined) add('sign', '-', at, end);
    else if (escaped !== undefined) {
      if (escaped === '%') add('sign', '%', at, end);
      else if ('{(['.includes(escaped)) add('open', whole, at, end);
      else if ('})]'.includes(escaped)) add('close', whole, at, end);
      else if (escaped === '|') add('sign', '|', at, end);
      else add('other', whole, at, end);
    } else if (word !== undefined) add('word', word, at, end);
    else if (currency !== undefined) add('currency', currency, at, end);
    else if (sign !== undefined) {
      if (sign === '√') {
        add('command', 'sqrt', at, end);
      } else add('sign', sign === '~' ? '≈' : (SIGNS[sign] ?? sign), at, end);
    } else if (open !== undefined) add('open', open, at, end);
    else if (close !== undefined) add('close', close, at, end);
    else add('other', whole, at, end);
  }
  return tokens;
}
