/** Every bad line of a file: the first with their reasons, all by number. */
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

export function lineProblems(): LineProblems {
  const named: string[] = [];
  const more: number[] = [];
  return {
    add(line, why) {
      if (named.length < NAMED) named.push(`line ${line} ${why}`);
      else more.push(line);
    },
    get count() {
      return named.length + more.length;
    },
    texts: () =>
      more.length === 0
        ? named
        : [...named, `and so ${more.length === 1 ? 'is line' : 'are lines'} ${lineRanges(more)}`],
  };
}
