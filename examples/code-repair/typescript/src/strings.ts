/** Names, templates and the order that people expect of file names. */

/**
 * Words in camel case: the first in small letters, each further one with a capital in front and small letters after it. Whatever
 * is no letter a–z and no digit separates words. Text without words gives ''.
 */
export function camelCase(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}

/**
 * The template with each `{name}` replaced by the value of that name. Braces are written twice to stand for themselves, as in
 * `{{` and `}}`. A name without a value, and a brace that is not closed, throw an Error; a single `}` outside a name stays.
 */
export function fillTemplate(template: string, values: Record<string, string | number>): string {
  let filled = '';
  let at = 0;
  while (at < template.length) {
    const pair = template.slice(at, at + 2);
    if (pair === '{{' || pair === '}}') {
      filled += pair.charAt(0);
      at += 2;
    } else if (template.charAt(at) === '{') {
      const end = template.indexOf('}', at);
      if (end < 0) throw new Error('a brace is not closed');
      const name = template.slice(at + 1, end);
      if (!Object.hasOwn(values, name)) throw new Error(`no value for ${name}`);
      filled += String(values[name]);
      at = end + 1;
    } else {
      filled += template.charAt(at);
      at += 1;
    }
  }
  return filled;
}

/**
 * The initials of a name, in capitals, without dots: the first letter of each word, of which blanks and dashes separate any number.
 * With more than `most` words, the first `most - 1` and the last one count.
 */
export function initials(name: string, most = 3): string {
  const words = name.split(/[\s-]+/).filter((word) => word !== '');
  const chosen = words.length > most ? [...words.slice(0, most - 1), ...words.slice(-1)] : words;
  return chosen.map((word) => word.charAt(0).toUpperCase()).join('');
}

/** The longest text that all words begin with; '' when there are no words. */
export function commonPrefix(words: string[]): string {
  const [first = '', ...others] = words;
  let length = first.length;
  for (const word of others) {
    length = Math.min(length, word.length);
    for (let at = 0; at < length; at++) {
      if (word[at] !== first[at]) length = at;
    }
  }
  return first.slice(0, length);
}

/**
 * Compares as people sort file names: digits in a row are one number (`page2` before `page10`), all else goes by character code.
 * Below zero when `a` comes first, above when `b` does, zero when they are the same but for leading zeros of a number. A text that
 * the other goes on from comes first.
 */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D/g) ?? [];
  const right = b.match(/\d+|\D/g) ?? [];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const x = left[at]!;
    const y = right[at]!;
    const bothNumbers = /\d/.test(x) && /\d/.test(y);
    if (bothNumbers && Number(x) !== Number(y)) return Number(x) - Number(y);
    if (!bothNumbers && x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
