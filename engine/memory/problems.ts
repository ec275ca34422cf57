/** The problems with known answers on which an iteration tests memory entries. */
import type { Db } from '../../db/connect.ts';
import { heldOutProblems } from '../../db/queries/leaks.ts';
import { addProblems, problemsOf, type MemoryProblem } from '../../db/queries/memory-tests.ts';
import { promptPage, usedKeys } from '../../db/queries/prompts.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import type { CalibrationItem } from '../../tasks/task.ts';
import { exampleKeys } from '../../tasks/examples.ts';
import { seedOf, type IterationContext } from '../context.ts';

/** More than any pool has. */
const ALL = 1_000_000;

/**
 * An iteration's problems, drawn once: at the levels of its pool, apart from every benchmark, from all prompts that the task has
 * learnt from, and from the problems on which this iteration measures its votes.
 */
export async function memoryProblems(db: Db, context: IterationContext): Promise<MemoryProblem[]> {
  const { iteration, run, settings, task } = context;
  const known = await problemsOf(db, iteration.id);
  if (known.length > 0) return known;
  const heldOut = await heldOutProblems(db, run.id);
  const own = await promptPage(db, iteration.id, 0, ALL);
  const used = await usedKeys(db, run.task, iteration.id);
  const taken = new Set([
    ...exampleKeys(task),
    ...heldOut.map(({ key }) => key),
    ...own.map(({ key }) => key),
  ]);
  const index = createLeakIndex(heldOut, settings.leaks.similarity);
  const drawn: CalibrationItem[] = [];
  const request = {
    seed: seedOf(iteration.plan.seed, 'memory'),
    count: settings.memory.problems,
    levels: iteration.plan.levels,
    exclude: (key: string) => taken.has(key) || used.has(key),
  };
  for await (const item of task.calibration!(request)) {
    if (request.exclude(item.key) || index.find(item)) continue;
    taken.add(item.key);
    drawn.push(item);
    if (drawn.length === request.count) break;
  }
  const rows = drawn.map(({ key, text, level, answer }, position) => {
    return { iterationId: iteration.id, position, key, text, level, answer };
  });
  await addProblems(db, rows);
  return problemsOf(db, iteration.id);
}
