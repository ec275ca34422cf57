/**
 * `\boxed{72}`, the form of MATH (Hendrycks et al. 2021, arXiv 2103.03874), with braces that balance; in one pass, however deep
 * they lie. An unfinished box makes the whole text unfinished. What stands around a box counts: of `-\boxed{5}`, `2\boxed{5}` and
 * `\boxed{5}\text{ million}` the box is a part.
 */
import { standsWhole, type Found } from './last-number.ts';

/** A box's beginning, a brace, or a backslash with what it escapes. */
const BRACES = /(?:\\|(?<![\p{L}\\]))(?:boxed|fbox)(?:\s{0,9}\{|[ \t]{1,9}(?=\d)|(?=\d))|\\[^]|[{}]/gu;
const BARE = /[\d.,/]*\d/y;

/** `unit`: what stands behind the box and belongs to it. */
export type Box = Found & { unit: string };

/** A text with more boxes states nothing. */
const MAX_BOXES = 1000;

export function boxes(text: string): Box[] {
  const found: Found[] = [];
  const open: ({ start: number; inner: number } | undefined)[] = [];
  let unfinished = 0;
  for (const { 0: token, index } of text.matchAll(BRACES)) {
    const isBox = /boxed|fbox/.test(token);
    if (isBox && !token.endsWith('{')) {
      BARE.lastIndex = index + token.length;
      const [answer] = BARE.exec(text)!;
      if (unfinished === 0) found.push({ answer, start: index, end: BARE.lastIndex });
    } else if (token === '}') {
      const box = open.pop();
      if (!box) continue;
      unfinished -= 1;
      // Of boxes within each other the outer one is the answer.
      while (found.length > 0 && found.at(-1)!.start > box.start) found.pop();
      found.push({ answer: text.slice(box.inner, index), start: box.start, end: index + 1 });
    } else if (isBox) {
      open.push({ start: index, inner: index + token.length });
      unfinished += 1;
    } else if (token === '{' && unfinished > 0) open.push(undefined);
  }
  if (unfinished > 0) return [];
  if (found.length > MAX_BOXES) return [];
  return found.map((box) => around(text, box));
}

function around(text: string, box: Found): Box {
  const whole = standsWhole(text, box.start, box.end);
  return whole ? { ...box, unit: whole.unit, end: whole.end } : { ...box, answer: '', unit: '' };
}
