/**
 * How text that a model wrote is put before a critic: as data that can't be taken for anything else.
 *
 * Covers: text that addresses the critic, forges the end of the data, hides or reorders characters, or is very long.
 * Each part stands between two equal lines that occur nowhere else, each of its own lines carries a number that only
 * this file writes, and hidden characters are written out.
 * Does not cover: a model that is talked round by what it reads all the same. That is measured, not assumed.
 */
import { createHash } from 'node:crypto';
import type { ChatMessage } from './task.ts';

/** A critic that reads a book to judge a sum costs more than the sum is worth. */
export const MAX_WORK_LENGTH = 20_000;
/** With line numbers and hidden characters written out, text takes more room, but not any. */
const MAX_SHOWN_LENGTH = 2 * MAX_WORK_LENGTH;

/** Characters that end a line somewhere. */
const LINE_BREAK = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
/**
 * Characters that hide or reorder text, or show as nothing: controls, formats, private and lone surrogates, variation
 * selectors, tags, fillers. Marks that pile up on one letter are hidden from the third on.
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Variation_Selector}\u115F\u1160\u2800\u3164\uFFA0]|\u034F|\u17B4|\u17B5|(?<=\p{M}{2})\p{M}/u;

/** Problem and work as data, with the rubric before them and a last word of ours behind: what the data says about itself is between. */
export function askAbout(
  { promptText, work }: { promptText: string; work: string },
  { rubric, reminder }: { rubric: string; reminder: string },
): ChatMessage[] {
  const data = fence([
    { name: 'PROBLEM', text: promptText },
    { name: 'WORK', text: work },
  ]);
  return [
    { role: 'system', content: rubric },
    { role: 'user', content: `${data.text}\n\n${reminder}` },
  ];
}

/** Why problem and work can't be put before a critic, if they can't. */
export const cannotJudge = (promptText: string, work: string): string | undefined =>
  tooLong('problem', promptText) ?? tooLong('work', work);

type Part = { name: string; text: string };
type Fenced = {
  text: string;
  /** The line that opens and closes each part, by name. */
  fences: Record<string, string>;
};

/** Puts parts one after the other, each between its fences. The same parts always give the same text. */
export function fence(parts: readonly Part[], most?: number): Fenced {
  const fences: Record<string, string> = {};
  const texts = parts.map(({ name, text }) => {
    const line = `===== ${name} ${boundary(name, parts)} =====`;
    fences[name] = line;
    return `${line}\n${numbered(text, most).shown}\n${line}`;
  });
  return { text: texts.join('\n\n'), fences };
}

/** Why a text can't be shown as a whole, and so not be judged; undefined: it can. */
function tooLong(name: string, text: string): string | undefined {
  if (text.length > MAX_WORK_LENGTH) {
    return `the ${name} has ${text.length} characters > ${MAX_WORK_LENGTH}: more than is shown to a critic`;
  }
  return numbered(text).whole
    ? undefined
    : `the ${name} takes more than ${MAX_SHOWN_LENGTH} characters with its lines numbered and what is hidden written out`;
}

/** A digest of the parts that stands in none of them. */
function boundary(name: string, parts: readonly Part[]): string {
  for (let attempt = 0; ; attempt++) {
    const digest = createHash('sha256')
      .update(JSON.stringify([name, attempt, parts]))
      .digest('hex')
      .slice(0, 16);
    if (!parts.some(({ text }) => text.includes(digest))) return digest;
  }
}

/** Numbered lines with hidden characters written out, as far as they are shown. */
function numbered(text: string, most = MAX_WORK_LENGTH): { shown: string; whole: boolean } {
  const lines: string[] = [];
  let length = 0;
  for (const [i, line] of text.slice(0, most).split(LINE_BREAK).entries()) {
    const written = `${i + 1}| ${visible(line)}`;
    length += written.length + 1;
    if (length > MAX_SHOWN_LENGTH) {
      return { shown: [...lines, '(cut off here)'].join('\n'), whole: false };
    }
    lines.push(written);
  }
  const more = text.length - most;
  if (more > 0) lines.push(`(cut off here: ${more} more characters)`);
  return { shown: lines.join('\n'), whole: more <= 0 };
}

/** `a<U+202E>b`: what hides is shown by its number. */
function visible(line: string): string {
  const plain = line.replaceAll('\t', ' ');
  if (!HIDDEN.test(plain)) return plain;
  return plain.replaceAll(new RegExp(HIDDEN, 'gu'), (character) => {
    return `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}
