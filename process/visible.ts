/**
 * Text of models and of other people, made safe to look at.
 *
 * Covers: control characters (ANSI escapes among them), bidirectional marks and overrides, zero-width characters, lone
 * surrogates and line separators are shown as names instead of acting; long text is cut, and long runs of marks too.
 * Markup is no matter of this file: everything here is a text child or an attribute of JSX or of an `html` template, which
 * escape it.
 *
 * Does not cover: letters that look like others (Cyrillic а for Latin a), and what a text says.
 */

/** A stretch of a text: as it is, or the name of a character that must not act. */
export type Piece = { text: string; mark?: undefined } | { mark: string; title: string; text?: undefined };

const NAMES: Record<number, string> = {
  0x00: 'NUL',
  0x07: 'BEL',
  0x08: 'BS',
  0x0b: 'VT',
  0x0c: 'FF',
  0x0d: 'CR',
  0x1b: 'ESC',
  0x7f: 'DEL',
  0xad: 'SHY',
  0x200b: 'ZWSP',
  0x200c: 'ZWNJ',
  0x200d: 'ZWJ',
  0x200e: 'LRM',
  0x200f: 'RLM',
  0x2028: 'LSEP',
  0x2029: 'PSEP',
  0x202a: 'LRE',
  0x202b: 'RLE',
  0x202c: 'PDF',
  0x202d: 'LRO',
  0x202e: 'RLO',
  0x2066: 'LRI',
  0x2067: 'RLI',
  0x2068: 'FSI',
  0x2069: 'PDI',
  0xfeff: 'BOM',
};

/**
 * Everything that draws nothing but changes what is drawn. A tab and a line feed are as harmless as a blank; the zero-width
 * joiner holds emoji together, which is not worth hiding a word for.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** More marks than this in one text are shown as one, with their number. */
const MARKS = 500;

/** Splits a text into what can be shown as it is and what is shown by name. */
export function visible(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let marks = 0;
  let hidden = 0;
  const plainUpTo = (to: number) => {
    if (to > from) pieces.push({ text: text.slice(from, to) });
  };
  for (const match of text.matchAll(UNSEEN)) {
    const code = match[0].codePointAt(0)!;
    if (code === 0x09 || code === 0x0a) continue;
    // A line that ends as on Windows is a line.
    if (code === 0x0d && text[match.index + 1] === '\n') {
      plainUpTo(match.index);
      from = match.index + 1;
      continue;
    }
    plainUpTo(match.index);
    from = match.index + match[0].length;
    marks += 1;
    if (marks > MARKS) hidden += 1;
    else {
      const hex = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
      pieces.push({ mark: NAMES[code] ?? hex, title: `${hex}: shown, not obeyed` });
    }
  }
  plainUpTo(text.length);
  if (hidden > 0)
    pieces.push({
      mark: `+${hidden}`,
      title: `${hidden} more characters that must not act are left out here`,
    });
  return pieces;
}

/** The first `most` characters, without tearing one in two, and how many there are. */
export function cutText(text: string, most: number): { text: string; left: number } {
  if (text.length <= most) return { text, left: 0 };
  const tears = /[\ud800-\udbff]/.test(text[most - 1]!);
  const kept = text.slice(0, tears ? most - 1 : most);
  return { text: kept, left: text.length - kept.length };
}

/** For places that take only a string (a title, a label): unseen characters by name, in brackets. */
export function visibleString(text: string, most = 200): string {
  const cut = cutText(text, most);
  const shown = visible(cut.text).map((piece) => piece.text ?? `[${piece.mark}]`);
  return shown.join('') + (cut.left > 0 ? '…' : '');
}
