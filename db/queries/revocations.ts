/** Examples that were found wrong late: which they are, and what keeps them out of everything built later. */
import { and, asc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { examples, memoryShown, memoryStates, revocations, samples } from '../schema.ts';

export type Revocation = typeof revocations.$inferSelect;

/** For queries over `samples`: drawn behind a memory entry that is revoked. */
const misled: SQL = sql`exists (
  select 1 from ${memoryShown} seen join ${memoryStates} st on st.entry_id = seen.entry_id and st.state = 'revoked'
  where seen.sample_id = ${samples.id})`;

/** Which of these samples saw a memory entry that is revoked: nothing of them may train. */
export async function misledSamples(db: Db, sampleIds: number[]): Promise<Set<number>> {
  if (sampleIds.length === 0) return new Set();
  const rows = await db
    .select({ id: samples.id })
    .from(samples)
    .where(and(inArray(samples.id, sampleIds), misled));
  return new Set(rows.map(({ id }) => id));
}

/**
 * For queries over `examples` and their `samples`: neither revoked, nor drawn behind a revoked memory entry, nor, under another id,
 * the same question with the same rationale as a revoked one. An equal draw in a later run would bring the same example back.
 */
export const notRevoked: SQL = sql`not ${misled} and not exists (
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
