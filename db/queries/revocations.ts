/** Examples that were found wrong late: which they are, and how they are kept out of everything built later. */
import { asc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { examples, revocations, samples } from '../schema.ts';

export type Revocation = typeof revocations.$inferSelect;

/**
 * For queries over `examples` and their `samples`: neither revoked nor, under another id, the same question with the same
 * rationale. An equal draw in a later run would bring the same example back.
 */
export const notRevoked: SQL = sql`not exists (
  select 1 from ${revocations} r
  join ${examples} revoked on revoked.id = r.example_id
  join ${samples} wrong on wrong.id = revoked.sample_id
  where wrong.request = ${samples.request}
    and coalesce(revoked.rationale, wrong.rationale) = coalesce(${examples.rationale}, ${samples.rationale}))`;

/** Which of these examples are revoked. */
export async function revocationsOf(db: Pick<Db, 'select'>, exampleIds: number[]): Promise<Revocation[]> {
  if (exampleIds.length === 0) return [];
  return db
    .select()
    .from(revocations)
    .where(inArray(revocations.exampleId, exampleIds))
    .orderBy(asc(revocations.exampleId));
}

/**
 * Revokes examples, all or none. One that is revoked already keeps its first reason.
 *
 * @returns ids of those that were not revoked before
 * @throws Error naming the ids that are no examples; nothing is stored then
 */
export async function addRevocations(
  db: Db,
  exampleIds: number[],
  { reason, by }: { reason: string; by: string },
): Promise<number[]> {
  return db.transaction(async (tx) => {
    // Waits for datasets that are being stored with one of them; those stored later see the revocation (see the trigger).
    const known = await tx
      .select({ id: examples.id })
      .from(examples)
      .where(inArray(examples.id, exampleIds))
      .orderBy(asc(examples.id))
      .for('update');
    const missing = exampleIds.filter((id) => !known.some((row) => row.id === id));
    if (missing.length > 0)
      throw new Error(`There is no example ${missing.join(', ')}. Nothing was revoked.`);
    const added = await tx
      .insert(revocations)
      .values(known.map(({ id }) => ({ exampleId: id, reason, by })))
      .onConflictDoNothing()
      .returning({ id: revocations.exampleId });
    return added.map((row) => row.id);
  });
}

/** Other examples that accepted the same answer to the same prompt and are not revoked. */
export async function siblings(db: Db, exampleIds: number[]): Promise<number[]> {
  if (exampleIds.length === 0) return [];
  const { rows } = await db.execute<{ id: number }>(sql`
    select distinct other.id::float8 as id
    from ${examples} e join ${examples} other on other.prompt_id = e.prompt_id and other.answer = e.answer
    where ${inArray(sql`e.id`, exampleIds)}
      and not exists (select 1 from ${revocations} r where r.example_id = other.id)
    order by 1`);
  return rows.map((row) => row.id).filter((id) => !exampleIds.includes(id));
}

/** How many of a dataset's examples have been revoked since. */
export async function revokedIn(db: Db, datasetId: number): Promise<number[]> {
  const { rows } = await db.execute<{ id: number }>(sql`
    select r.example_id::float8 as id from ${revocations} r
    join dataset_examples m on m.example_id = r.example_id
    where ${eq(sql`m.dataset_id`, datasetId)} order by 1`);
  return rows.map((row) => row.id);
}
