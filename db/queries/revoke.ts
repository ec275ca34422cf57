/** Taking back examples that were found wrong, with what descends from them. */
import { asc, inArray } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { addStates } from './memory.ts';
import { descentOf, madeOfExamples, revokeMemory } from './memory-descent.ts';
import { examples, revocations } from '../schema.ts';

/**
 * Revokes examples with the memory entries that were made of them or of equal ones, and with what descends from those, all or
 * none. One that is revoked already keeps its first reason.
 *
 * @returns ids of those that were not revoked before, the descended ones among them
 * @throws Error naming the ids that are no examples; nothing is stored then
 */
export async function addRevocations(
  db: Db,
  exampleIds: number[],
  { reason, by }: { reason: string; by: string },
): Promise<number[]> {
  return db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db;
    const known = await locked(tx, exampleIds);
    const missing = exampleIds.filter((id) => !known.includes(id));
    if (missing.length > 0)
      throw new Error(`There is no example ${missing.join(', ')}. Nothing was revoked.`);
    const added = await revokeExamples(tx, known, { reason, by });
    // What was made of them to be shown before questions is as wrong as they are.
    const made = await madeOfExamples(tx, exampleIds);
    if (made.length === 0) return added;
    await addStates(
      tx,
      made.map(({ entryId, exampleId }) => {
        return { entryId, state: 'revoked', reason: `example:${exampleId} was revoked: ${reason}`, by };
      }),
    );
    const descent = await descentOf(
      tx,
      made.map(({ entryId }) => entryId),
    );
    const names = made.map(({ entryId }) => `memory:${entryId}`).join(', ');
    const because = { reason: `${names} was revoked: ${reason}`, by };
    await revokeMemory(tx, descent.entries, because);
    return [...added, ...(await revokeExamples(tx, await locked(tx, descent.examples), because))];
  });
}

/** Waits for datasets that are being stored with one of them; those stored later see the revocation (see the trigger). */
async function locked(tx: Db, exampleIds: number[]): Promise<number[]> {
  if (exampleIds.length === 0) return [];
  const rows = await tx
    .select({ id: examples.id })
    .from(examples)
    .where(inArray(examples.id, exampleIds))
    .orderBy(asc(examples.id))
    .for('update');
  return rows.map(({ id }) => id);
}

async function revokeExamples(
  tx: Db,
  exampleIds: number[],
  because: { reason: string; by: string },
): Promise<number[]> {
  if (exampleIds.length === 0) return [];
  const added = await tx
    .insert(revocations)
    .values(exampleIds.map((exampleId) => ({ exampleId, ...because })))
    .onConflictDoNothing()
    .returning({ id: revocations.exampleId });
  return added.map(({ id }) => id);
}
