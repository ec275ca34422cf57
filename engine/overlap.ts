import { CALIBRATION } from '../db/queries/leaks.ts';
import { normalised } from '../loop/leaks.ts';
import { isOpen, placeOf } from '../tasks/data/source.ts';
import { InvalidInputError } from '../tasks/errors.ts';
import { readItems, readPrompts } from '../tasks/file/rows.ts';
import { allSources, promptSources, type FileTask } from '../tasks/file/schema.ts';
import type { TaskSpec } from '../tasks/index.ts';

/** Rows of the prompts file that are named per benchmark; the rest are counted. */
const NAMED = 3;

/**
 * Refuses a task file whose benchmark or calibration set holds problems of its own prompts file: the same text but for case, spacing,
 * punctuation and the way numbers are written. Such a benchmark was put together by mistake. Near-duplicates, of which
 * real data sets have a few, are dropped when they are drawn. The prompts are read as a stream; only the
 * held-out problems are kept in memory.
 *
 * @throws InvalidInputError naming the first lines of each benchmark and how many there are
 */
export async function refuseOverlap(spec: TaskSpec): Promise<void> {
  // What a command has still to make can't be looked at yet.
  if (spec.kind !== 'file' || allSources(spec.task).some(isOpen)) return;
  const heldOut = new Map<string, string>();
  const { benchmarks, calibration } = spec.task;
  for (const benchmark of benchmarks) {
    for await (const row of readItems(spec.task, benchmark)) {
      if (!('problem' in row)) heldOut.set(normalised(row.text), `benchmark ${benchmark.name}`);
    }
  }
  const shared: string[] = [];
  if (calibration) {
    for await (const row of readItems(spec.task, calibration)) {
      if ('problem' in row) continue;
      const text = normalised(row.text);
      const other = heldOut.get(text);
      if (other !== undefined && other !== CALIBRATION) {
        shared.push(`calibration: ${row.at} is in ${other} too; take it out of one of the two`);
      }
      heldOut.set(text, CALIBRATION);
    }
  }
  if (shared.length > 0) throw new InvalidInputError(shared.slice(0, NAMED));
  const problems: string[] = [];
  for (const prompts of promptSources(spec.task)) problems.push(...(await overlapsOf(prompts, heldOut)));
  if (problems.length > 0) throw new InvalidInputError(problems);
}

/** @param heldOut the benchmark of each held-out problem, by its text */
async function overlapsOf(prompts: FileTask['prompts'], heldOut: Map<string, string>): Promise<string[]> {
  const overlaps = new Map<string, { rows: string[]; count: number }>();
  for await (const row of readPrompts({ prompts })) {
    const name = 'problem' in row ? undefined : heldOut.get(normalised(row.text));
    if (name === undefined || 'problem' in row) continue;
    const overlap = overlaps.get(name) ?? { rows: [], count: 0 };
    overlaps.set(name, overlap);
    overlap.count += 1;
    if (overlap.rows.length < NAMED) overlap.rows.push(row.at);
  }
  const { called } = await placeOf('prompts', prompts);
  return [...overlaps].map(([name, { rows, count }]) => {
    const others = count > rows.length ? ` and ${count - rows.length} more` : '';
    return (
      `${name}: ${count} of its problems ${count === 1 ? 'stands' : 'stand'} in the ${called} too: ` +
      `${rows.join(', ')}${others}; take them out of one of the two (rows: from, to)`
    );
  });
}
