/** What a task has in memory, and one entry with its sources, its tests and what descends from it. */
import type { Db } from '../../db/connect.ts';
import { descentOf, sourcesOf } from '../../db/queries/memory-descent.ts';
import { listMemory, statesOf, type ListedMemory } from '../../db/queries/memory-tests.ts';
import { UsageError } from '../../process/errors.ts';

export type MemoryDetail = ListedMemory & {
  sources: Awaited<ReturnType<typeof sourcesOf>>;
  states: Awaited<ReturnType<typeof statesOf>>;
  /** Examples whose samples saw it, and entries that were made of those, and so on. */
  descent: { examples: number[]; entries: number[] };
};

/** @throws UsageError when there is no such entry */
export async function memoryDetail(db: Db, id: number): Promise<MemoryDetail> {
  const [listed] = await listMemory(db, { ids: [id], most: 1 });
  if (!listed) throw new UsageError(`There is no memory ${id}. See them with: ratchet memory list`);
  const { examples, entries } = await descentOf(db, [id]);
  return {
    ...listed,
    sources: await sourcesOf(db, id),
    states: await statesOf(db, id),
    descent: { examples, entries: entries.filter((one) => one !== id) },
  };
}
