/** `#### 72`, the form of GSM8K (Cobbe et al. 2021, arXiv 2110.14168), also as Markdown escapes it, and with the answer in the next line. */
import type { Found } from './last-number.ts';

const MARK = /(?<![#＃\\])(?:#{4}|＃{4}|(?:\\#){4})(?![#＃]|\\#)(.*)$/gm;
const LABEL = /^[\s:：*]*(?:(?:the )?(?:final )?(?:answer|result|solution))?[\s:：*]*$/i;
/** Three marks are a heading; with a number alone in the last line they are meant as four. */
const LAST_HEADING = /(?:^|\n)###[ \t]+([-+]?[$€£]?\d[\d.,]{0,40})[ \t]*$/;

export function hashes(text: string): Found[] {
  const found = Array.from(text.matchAll(MARK), (match): Found => {
    const [start, end] = [match.index, match.index + match[0].length];
    if (!LABEL.test(match[1]!)) return { answer: match[1]!, start, end };
    // The next line that is not empty.
    const next = /^\s{0,100}([^\s#＃\\].*)/.exec(text.slice(end, end + 2000));
    return next ? { answer: next[1]!, start, end: end + next[0].length } : { answer: '', start, end };
  });
  if (found.length > 0) return found;
  const trimmed = text.trimEnd();
  const heading = LAST_HEADING.exec(trimmed.slice(-200));
  if (!heading) return [];
  return [{ answer: heading[1]!, start: trimmed.length - heading[1]!.length, end: trimmed.length }];
}
