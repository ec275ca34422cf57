/** Every bad line, or row, of a file: the first with their reasons, all by number. */
const NAMED = 20;

export type LineProblems = {
  add(line: number, why: string): void;
  readonly count: number;
  /** One text per line of output. */
  texts(): string[];
};

/** `3, 5–9`. */
export function lineRanges(lines: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const line of lines) {
    const last = parts.at(-1);
    if (last && line <= last[1] + 1) last[1] = Math.max(last[1], line);
    else parts.push([line, line]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

/** @param word what the file's rows are called */
export function lineProblems(word: 'line' | 'row'): LineProblems {
  const named: string[] = [];
  const more: number[] = [];
  return {
    add(line, why) {
      if (named.length < NAMED) named.push(`${word} ${line} ${why}`);
      else more.push(line);
    },
    get count() {
      return named.length + more.length;
    },
    texts: () =>
      more.length === 0
        ? named
        : [...named, `and so ${more.length === 1 ? `is ${word}` : `are ${word}s`} ${lineRanges(more)}`],
  };
}
