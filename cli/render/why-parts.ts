/** What the texts of `why` and `revoke` are put together from. */
import type pc from 'picocolors';
import { cut, plain, plainLines, table, wrap } from '../../process/text.ts';
import type { CheckpointName, Reached } from '../../app/lineage/types.ts';

const COLUMNS = 100;
const UNDER = ' '.repeat(15);

/** Characters shown of a text by a model; `--json` has it whole. */
const TEXT = 600;
export const quoted = (text: string): string => cut(plain(text), TEXT);
export type Colors = ReturnType<typeof pc.createColors>;

/** Rows shown of lists that grow with a run; `--json` has them all. */
export const ROWS = 12;

/** One named fact, wrapped under its name. */
export function fact(name: string, text: string, indent = '  '): string[] {
  const under = `${indent}${' '.repeat(13)}`;
  const lines = wrap(text || '–', COLUMNS, under);
  return lines.map((line, i) => (i === 0 ? `${indent}${name.padEnd(12)} ${line.slice(under.length)}` : line));
}

export const isOneLine = (text: string): boolean => plainLines(text.trim()).length === 1;

/** Rows shown of a text in lines. */
const LINES = 40;

/**
 * A text by a model or a person under its name. One that has lines keeps them, each behind a bar, so that none can pass for a line of ours;
 * `note` then stands in the first, else behind the text.
 */
export function passage(name: string, text: string, { note = '' } = {}): string[] {
  const lines = plainLines(text.trim());
  if (lines.length === 1) return fact(name, [quoted(text), note].filter(Boolean).join(' '));
  const shown = lines.slice(0, LINES).flatMap((line) => {
    const said = line.trimStart();
    return said === ''
      ? [`${UNDER}│`]
      : wrap(cut(said, TEXT), COLUMNS, `${UNDER}│ ${line.slice(0, -said.length)}`);
  });
  const left = lines.length - LINES;
  const more = left > 0 ? [`${UNDER}… and ${left} more lines (--json has them)`] : [];
  return [...fact(name, note || `${lines.length} lines`), ...shown, ...more];
}

export const short = (digest: string): string => digest.slice(0, 12);

export function placeOf(name: { run: string; iteration: number }): string {
  return name.iteration === 0
    ? `start of ${plain(name.run)}`
    : `iteration ${name.iteration} of ${plain(name.run)}`;
}

export const nameText = (name: CheckpointName): string =>
  `checkpoint:${name.id} ${plain(name.model)}${name.fingerprint ? ` ${plain(name.fingerprint)}` : ''}`;

/** Checkpoints, one a line: where each was made, how it was reached, what became of it. */
export function reachedTable(reached: Reached[], indent = '  '): string[] {
  const shown = reached.slice(-2 * ROWS);
  const left = reached.length - shown.length;
  return [
    ...(left > 0 ? [`${indent}… and ${left} earlier ones (--json has them)`] : []),
    ...table(
      [{ title: '' }, { title: '' }, { title: '' }, { title: '' }, { title: '' }],
      shown.map((one) => [
        `checkpoint:${one.id}`,
        placeOf(one),
        plain(one.model),
        one.how,
        one.best ? 'best now' : one.promoted ? 'promoted' : '',
      ]),
      indent,
    ).slice(1),
  ];
}
