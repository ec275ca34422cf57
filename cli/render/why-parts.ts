/** What the texts of `why` and `revoke` are put together from. */
import type pc from 'picocolors';
import { plain, table, wrap } from '../../process/text.ts';
import type { CheckpointName, Reached } from '../../app/lineage/types.ts';

const COLUMNS = 100;
export type Colors = ReturnType<typeof pc.createColors>;

/** Rows shown of lists that grow with a run; `--json` has them all. */
export const ROWS = 12;

/** One named fact, wrapped under its name. */
export function fact(name: string, text: string, indent = '  '): string[] {
  const under = `${indent}${' '.repeat(13)}`;
  const lines = wrap(text || '–', COLUMNS, under);
  return lines.map((line, i) => (i === 0 ? `${indent}${name.padEnd(12)} ${line.slice(under.length)}` : line));
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
