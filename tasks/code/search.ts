/** Search-and-replace blocks, found in a file by whole lines. */
import type { Refusal } from '../../sandbox/finding.ts';
import type { Block } from './reply.ts';

/** The file with the one place that a block names replaced, or why there is no such place. */
export function replaceOnce(text: string, { search, replace }: Block): { text: string } | Refusal {
  const wanted = linesOf(search);
  if (wanted.every((line) => line.trim() === '')) return unplaced('a search block is empty');
  const lines = text.split('\n');
  const exact = placesOf(lines, wanted, (line) => line);
  if (exact.length === 1) return { text: splice(lines, exact[0]!, wanted.length, linesOf(replace)) };
  if (exact.length > 1) return unplaced(`a search block matches ${exact.length} places: ${shown(wanted)}`);
  const trimmed = withoutBlankEnds(wanted);
  const loose = placesOf(lines, trimmed, (line) => line.replace(/\s+/g, ' ').trim());
  if (loose.length !== 1)
    return unplaced(
      loose.length === 0
        ? `a search block is not in the file: ${shown(trimmed)}`
        : `a search block matches ${loose.length} places: ${shown(trimmed)}`,
    );
  const [from, to] = [trimmed[0]!, lines[loose[0]!]!].map((line) => /^[ \t]*/.exec(line)![0]) as [
    string,
    string,
  ];
  const moved = withoutBlankEnds(linesOf(replace)).map((line) =>
    line.trim() === '' ? '' : line.startsWith(from) ? to + line.slice(from.length) : line,
  );
  return { text: splice(lines, loose[0]!, trimmed.length, moved) };
}

const unplaced = (refused: string): Refusal => ({ refused, finding: 'no-place' });

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

function withoutBlankEnds(lines: string[]): string[] {
  const holds = (line: string) => line.trim() !== '';
  return lines.slice(Math.max(0, lines.findIndex(holds)), lines.findLastIndex(holds) + 1);
}

const placesOf = (lines: string[], wanted: string[], form: (line: string) => string): number[] => {
  const [all, forms] = [lines.map(form), wanted.map(form)];
  return all.flatMap((_, at) => (forms.every((line, i) => all[at + i] === line) ? [at] : []));
};

const splice = (lines: string[], at: number, count: number, instead: string[]): string =>
  lines.toSpliced(at, count, ...instead).join('\n');

const shown = (lines: string[]): string =>
  JSON.stringify(
    lines
      .find((line) => line.trim() !== '')!
      .trim()
      .slice(0, 80),
  );
