/** Small formats: addresses, versions, colours, sizes, lists of pages and masks. */

/**
 * The parameters of a query such as `?a=1&b=x+y`, with or without the question mark, each name with all of its values in order. A
 * plus sign is a blank, and `%20` and the like are decoded; a name without `=` has the value ''. Empty parts are left out.
 */
export function parseQuery(query: string): Record<string, string[]> {
  const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
  const parameters: Record<string, string[]> = {};
  for (const part of query.replace(/^\?/, '').split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1));
    (parameters[name] ??= []).push(value);
  }
  return parameters;
}

/**
 * Compares two versions such as `1.4.0` or `2.0-beta`: number by number, where missing numbers are 0, then a version with a suffix
 * comes before the same one without, and suffixes go by the alphabet. -1, 0 or 1.
 */
export function compareVersions(a: string, b: string): number {
  const [left = '', ...leftSuffix] = a.split('-');
  const [right = '', ...rightSuffix] = b.split('-');
  const x = left.split('.').map(Number);
  const y = right.split('.').map(Number);
  for (let at = 0; at < Math.max(x.length, y.length); at++) {
    const difference = (x[at] ?? 0) - (y[at] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  const [m, n] = [leftSuffix.join('-'), rightSuffix.join('-')];
  if (m === n) return 0;
  if (m === '' || n === '') return m === '' ? 1 : -1;
  return m < n ? -1 : 1;
}

/**
 * Red, green and blue, 0–255 each, of a colour as in style sheets: `#1e90ff` or short `#19f`, where each digit stands for two of
 * itself. Case does not matter. Undefined for anything else.
 */
export function parseColor(text: string): [number, number, number] | undefined {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const size = digits.length / 3;
  const channel = (at: number) => {
    const part = digits.slice(at * size, (at + 1) * size);
    return Number.parseInt(size === 1 ? part + part : part, 16);
  };
  return [channel(0), channel(1), channel(2)];
}

/**
 * A number of bytes for people: whole below 1 kB, else in the largest of kB, MB, GB and TB that it fills, with one decimal, rounded
 * down. A kilobyte has 1000 bytes.
 */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let size = 1;
  while (bytes / size >= 1000 && unit < units.length - 1) {
    size *= 1000;
    unit += 1;
  }
  if (unit === 0) return `${bytes} B`;
  return `${(Math.floor((bytes * 10) / size) / 10).toFixed(1)} ${units[unit]}`;
}

/**
 * The pages of a list such as `1-3, 7`, sorted and each once. Pages are from 1 to `last`; a part may be open at one end: `5-` goes to
 * the last page, `-2` begins at the first. Anything else, and a page outside, throws a RangeError.
 */
export function parsePages(text: string, last: number): number[] {
  const pages = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d*)(-?)(\d*)$/.exec(part.trim());
    if (!match || (match[1] === '' && match[3] === '')) throw new RangeError(`no pages: ${part}`);
    const from = match[1] === '' ? 1 : Number(match[1]);
    const to = match[2] === '' ? from : match[3] === '' ? last : Number(match[3]);
    if (from < 1 || to > last || from > to) throw new RangeError(`pages outside 1-${last}: ${part}`);
    for (let page = from; page <= to; page++) pages.add(page);
  }
  return [...pages].toSorted((a, b) => a - b);
}

/** Whether the whole name matches the pattern, in which `*` stands for any number of characters, none too, and `?` for just one. */
export function matchesMask(name: string, pattern: string): boolean {
  let reached = [true];
  for (let at = 1; at <= name.length; at++) reached[at] = false;
  for (const sign of pattern) {
    const next = [sign === '*' && reached[0]!];
    for (let at = 1; at <= name.length; at++) {
      if (sign === '*') next[at] = next[at - 1]! || reached[at]!;
      else next[at] = reached[at - 1]! && (sign === '?' || sign === name[at - 1]);
    }
    reached = next;
  }
  return reached[name.length]!;
}
