/** `revoke memory:N`: what saw a wrong entry, and what was made of that, is taken back with it. */
import type { Db } from '../../db/connect.ts';
import { descentOf, madeOfExamples, revokeMemory } from '../../db/queries/memory-descent.ts';
import { listMemory } from '../../db/queries/memory-tests.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import { UsageError } from '../../process/errors.ts';

export type MemoryRevocation = {
  /** The entries that were named, those that descend from them, and the examples whose samples saw any of them. */
  named: number[];
  descended: number[];
  examples: number[];
};

const NAME = /^memory:([1-9]\d{0,14})$/;

/** Ids of the entries among the arguments, and the other arguments. */
export function memoryIds(given: string[]): { entries: number[]; others: string[] } {
  const entries = given.flatMap((text) => (NAME.test(text) ? Number(NAME.exec(text)![1]) : []));
  return { entries: [...new Set(entries)], others: given.filter((text) => !NAME.test(text)) };
}

/** Changes nothing. @throws UsageError naming the ids that are no entries */
export async function planMemoryRevocation(db: Db, ids: number[]): Promise<MemoryRevocation> {
  const found = await listMemory(db, { ids, most: ids.length });
  const missing = ids.filter((id) => !found.some(({ entry }) => entry.id === id));
  if (missing.length > 0) {
    const names = missing.map((id) => `memory:${id}`).join(', ');
    throw new UsageError(`There is no ${names}. Nothing was revoked. See entries with: ratchet memory list`);
  }
  const { entries, examples } = await descentOf(db, ids);
  return { named: ids, descended: entries.filter((id) => !ids.includes(id)), examples };
}

/** Examples with those that are revoked with them: their samples saw an entry that was made of one, or what descends from it. */
export async function withDescent(db: Db, exampleIds: number[]): Promise<number[]> {
  const made = await madeOfExamples(db, exampleIds);
  const { examples } = await descentOf(
    db,
    made.map(({ entryId }) => entryId),
  );
  return [...new Set([...exampleIds, ...examples])];
}

/** Revokes entries and what descends from them, all or nothing. @returns how many entries and examples were not revoked before */
export async function revokeWithDescent(
  db: Db,
  { named, descended, examples }: MemoryRevocation,
  { reason, by }: { reason: string; by: string },
): Promise<{ entries: number; examples: number }> {
  const names = named.map((id) => `memory:${id}`).join(', ');
  const because = { reason: `${names} was revoked: ${reason}`, by };
  return db.transaction(async (tx) => {
    const inside = tx as unknown as Db;
    const entries = await revokeMemory(inside, named, { reason, by });
    const more = await revokeMemory(inside, descended, because);
    const taken = examples.length > 0 ? await addRevocations(inside, examples, because) : [];
    return { entries: entries.length + more.length, examples: taken.length };
  });
}
