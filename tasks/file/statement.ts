/** What stands around an answer without being a part of it: marks, labels, remarks, the special tokens of a chat template. */
import { plainNumbers } from './number.ts';
import { tokensOf, type Token } from './tokens.ts';

/** `<|im_end|>`, `<end_of_turn>`, `</s>` at the end of a text. */
const SPECIAL = /(?:\s*(?:<\|[^<>|\s]{1,60}\|>|<\/?(?:s|eos|bos|pad|end_of_turn|answer)>|\[\/?INST\]))+\s*$/;

/** Cuts special tokens off the end of a text. */
export const withoutSpecial = (text: string): string => {
  // What is cut is short: an end without a bracket is left as it is.
  const tail = text.slice(-2000);
  return /[>\]]\s*$/.test(tail) ? text.slice(0, text.length - tail.length) + tail.replace(SPECIAL, '') : text;
};

const LABEL =
  /^(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my|our) )?(?:final |correct )?(?:answer|result|total|solution|value|ans|antwort|ergebnis|réponse|respuesta)(?: is)?\s*[:：]\s*|^(?:the )?(?:final )?answer is\s+/i;
const TEXT_LABEL = /^\\(?:text|textbf|mathrm)\{([^{}]{1,40}[:：]\s*)\}\s*/;

/** Marks around a whole text, each in front and behind. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['**', '**'],
  ['__', '__'],
  ['$$', '$$'],
  ['\\[', '\\]'],
  ['\\(', '\\)'],
  ['`', '`'],
  ['"', '"'],
  ['“', '”'],
  ['«', '»'],
  ['*', '*'],
  ['$', '$'],
  ['<answer>', '</answer>'],
];
const MATH = new Set(['$$', '\\[', '\\(', '$']);
const BOX = /^\\?(?:boxed|fbox)\s*\{([^]*)\}$/;

/**
 * An answer without the marks around it, as `plainNumbers` leaves it. `inMath`: it was set as mathematics.
 */
export function bareAnswer(stated: string): { text: string; inMath: boolean } {
  let text = withoutSpecial(fullWidth(plainNumbers(stated))).trim();
  let inMath = false;
  for (let rounds = 0; rounds < 12; rounds++) {
    const before = text;
    text = text.replace(/^[:：]\s*/, '').replace(LABEL, '');
    const label = TEXT_LABEL.exec(text);
    if (label && LABEL.test(label[1]!)) text = text.slice(label[0].length);
    text = text.replace(/(?<=[^.\s])[.;。।]$/, '').trimEnd();
    text = text.replace(/^[✓✔✅☑👉🎉]\uFE0F?\s*|\s*[✓✔✅☑🎉]\uFE0F?$/gu, '');
    const pair = PAIRS.find(([open, close]) => isAround(text, open, close));
    if (pair) {
      text = text.slice(pair[0].length, text.length - pair[1].length).trim();
      inMath ||= MATH.has(pair[0]);
    }
    const box = BOX.exec(text);
    if (box && balances(box[1]!)) {
      text = box[1]!.trim();
      inMath = true;
    }
    if (text === before) break;
  }
  return { text, inMath };
}

function isAround(text: string, open: string, close: string): boolean {
  if (text.length <= open.length + close.length || !text.startsWith(open) || !text.endsWith(close))
    return false;
  const inner = text.slice(open.length, text.length - close.length);
  if (inner.trim() === '') return false;
  return open === close ? !inner.includes(open) : !inner.includes(open) && !inner.includes(close);
}

/** Do the braces of a text close each other, so that a brace behind it is not one of its own? */
function balances(text: string): boolean {
  let depth = 0;
  for (const [brace] of text.matchAll(/\\[^]|[{}]/g)) {
    if (brace === '{') depth += 1;
    else if (brace === '}' && --depth < 0) return false;
  }
  return depth === 0;
}

/** Letters, digits and signs of full width as their usual ones. Superscripts, fractions and all others stay what they are. */
export const fullWidth = (text: string): string =>
  text.replaceAll(/[\uFF01-\uFF5E]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfe_e0));

/** How a number was rounded, in brackets: nothing is said of the number itself. */
const ROUNDED =
  /^(?:(?:approx|approximately|rounded|exactly|exact)$|(?:(?:approx|approximately|rounded|correct) )?(?:(?:up|down) )?to (?:(?:the )?nearest (?:whole|integer|number|cent|dollar|tenth|hundredth|thousandth|unit|degree|minute|percent|whole number)$|(?:\d|one|two|three|four) (?:d ?p|s ?f|sig|significant|decimal|decimals|places)\b))/i;

/** Are tokens a bracket to their end that says no more than how an answer was rounded: `(to 2 d.p.)`? */
export function isRounding(tokens: readonly Token[]): boolean {
  if (tokens[0]?.text !== '(' || tokens.at(-1)?.text !== ')') return false;
  const words = tokens
    .slice(1, -1)
    .map(({ text }) => text)
    .filter((text) => !/^[.,]$/.test(text))
    .join(' ');
  return ROUNDED.test(words);
}

const ROUNDING =
  /(?:\s*,?\s*\((?=[^()]{1,80}\)[\s.。*$]*$)([^()]*)\)|,?\s+(?:rounded |correct )?to (?:\d|one|two|three|four) (?:d\.?\s?p\.?|s\.?\s?f\.?|(?:decimal|significant) (?:places?|figures?|digits?)))[\s.。*$]*$/i;

/** Cuts off the end of a text what says how its last number was rounded: `(to 2 d.p.)`, `rounded to two decimal places`. */
export function withoutRounding(text: string): string {
  const tail = text.slice(-160);
  const found = ROUNDING.exec(tail);
  if (!found) return text;
  if (found[1] !== undefined && !isRounding(tokensOf(`(${found[1]})`))) return text;
  return text.slice(0, text.length - tail.length + found.index);
}
