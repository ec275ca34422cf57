/**
 * The form in which texts are compared where `compare: normalised`: case, spacing, width, quotes around the whole and the final
 * period don't count, and everything else does: `10²` is not `102`, `f'` is not `f`, `__init__` is not `init`.
 */
import { fullWidth, withoutSpecial } from './statement.ts';

/** Marks around a whole text, in front and behind. A name such as `__init__` keeps its underscores. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['**', '**'],
  ['*', '*'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['«', '»'],
  ['„', '"'],
  ['「', '」'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
  ['$', '$'],
];
const SET_AS_TEXT = /^\\(?:text|textbf|textit|textnormal|mathrm|mathbf|boxed|fbox)\{([^{}]*)\}$/;
/** Characters that are not seen. Joiners that shape letters and emojis stay. */
const INVISIBLE = /[\u00AD\u061C\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/g;
const VULGAR = /[\u00BC-\u00BE\u2150-\u215E\u2189]/g;

/** What says that there is no answer. */
const REFUSAL =
  /^(?:[?？\-–—_.]*[?？\-–—_]+[?？\-–—_.]*|n\/a|idk|tbd|i (?:do not|don't|cannot|can't|can not|am unable|am not able|am not sure|won't|will not|have no idea|must decline)\b.*|i'm (?:sorry|unable|not sure|not able|afraid)\b.*|(?:i am )?sorry\b.*|(?:i )?apologi[sz]e\b.*|no (?:answer|idea)|(?:not|un)(?: |-)?(?:answered|answerable)|cannot answer\b.*|can't answer\b.*|unable to (?:answer|determine|say)\b.*|as an ai\b.*|don't know|do not know|not sure|\[(?:your )?(?:final )?answer(?: here)?\]|<(?:your )?(?:final )?answer(?: here)?>|your answer(?: here)?|insert answer(?: here)?)$/;

/** Does a text say that there is no answer? */
export const isRefusal = (text: string): boolean =>
  REFUSAL.test(text.trim().toLowerCase().replaceAll('’', "'"));

/** @returns undefined where a text has nothing to compare, or says that there is no answer */
export function normalised(answer: string): string | undefined {
  let text = fullWidth(withoutSpecial(answer).normalize('NFC'))
    .replaceAll(INVISIBLE, '')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/[“”]/g, '"')
    .replaceAll('…', '...')
    .replaceAll(/[−－]/g, '-')
    // `1½` is no 11/2.
    .replaceAll(
      VULGAR,
      (mark, at: number, all: string) =>
        (/\d/.test(all[at - 1] ?? '') ? ' ' : '') + mark.normalize('NFKC').replace('⁄', '/'),
    )
    .replaceAll(/\s+/g, ' ')
    .trim();
  for (let before = ''; before !== text;) {
    before = text;
    const pair = PAIRS.find(([open, close]) => isAround(text, open, close));
    if (pair) text = text.slice(pair[0].length, text.length - pair[1].length).trim();
    text = (SET_AS_TEXT.exec(text)?.[1] ?? text).trim();
    // Of dots that stand for something left out none is a final period.
    text = text
      .replace(/(?<![.])[.。।]$/, '')
      .replace(/(?<=\p{L}{2})!$/u, '')
      .trim();
  }
  text = latexSpelling(text).replaceAll(/\\[A-Za-z]+|[^\\]/gu, (part) =>
    part.length > 1 && part.startsWith('\\') ? part : part.toLowerCase(),
  );
  if (text === '' || REFUSAL.test(text)) return undefined;
  return choice(text) ?? thousands(text) ?? json(text) ?? text;
}

function isAround(text: string, open: string, close: string): boolean {
  if (text.length <= open.length + close.length || !text.startsWith(open) || !text.endsWith(close))
    return false;
  const inner = text.slice(open.length, text.length - close.length);
  return !inner.includes(open) && !inner.includes(close);
}

/** `(B)`, `B)`, `[B]`, `B:` are one choice. */
const choice = (text: string): string | undefined =>
  /^(?:\(([a-z])\)|\[([a-z])\]|([a-z])[):])$/
    .exec(text)
    ?.slice(1)
    .find((letter) => letter);

const thousands = (text: string): string | undefined =>
  /^-?[1-9]\d{0,2}(?:,\d{3})+$/.test(text) ? text.replaceAll(',', '') : undefined;

/** `\sqrt2` and `\frac12` as `\sqrt{2}` and `\frac{1}{2}`. */
const latexSpelling = (text: string): string =>
  text.includes('\\')
    ? text
        .replaceAll(/\\[dt]frac(?![A-Za-z])/g, '\\frac')
        .replaceAll(/\\sqrt ?(\d)/g, '\\sqrt{$1}')
        .replaceAll(/\\frac ?(\d) ?(\d)/g, '\\frac{$1}{$2}')
        .replaceAll(/\\frac ?(\d) ?\{/g, '\\frac{$1}{')
        .replaceAll(/(\\frac\{[^{}]*\}) ?(\d)/g, '$1{$2}')
    : text;

/** A JSON object or list without its spacing; long numbers, which would lose digits, are left as they are. */
function json(text: string): string | undefined {
  if (!/^[[{]/.test(text) || /\d{15}|[\d.]e/.test(text)) return undefined;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}
