/** Where memory entries come from, what came of samples that saw them, and taking back what was found wrong. */
import { asc, eq, inArray, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import type { Tx } from './calls.ts';
import { addStates } from './memory.ts';
import { memoryEntries, memorySources, type MemoryState } from '../schema.ts';

export async function sourcesOf(db: Db, entryId: number) {
  return db
    .select({ key: memorySources.key, text: memorySources.text, exampleId: memorySources.exampleId })
    .from(memorySources)
    .where(eq(memorySources.entryId, entryId))
    .orderBy(asc(memorySources.position));
}

/** What entries were made of: `made`, its example, and that one's sample. */
const MADE = sql`${memorySources} made join examples source on source.id = made.example_id
  join samples drawn on drawn.id = source.sample_id`;
/** That example is this one (`e` with its sample `s`), or another of the same question and rationale. */
const EQUAL = sql`drawn.request = s.request and coalesce(source.rationale, drawn.rationale) = coalesce(e.rationale, s.rationale)`;

/** The entries that were made of examples or of equal ones, each with one that it is of. */
export async function madeOfExamples(
  db: Db,
  exampleIds: readonly number[],
): Promise<{ entryId: number; exampleId: number }[]> {
  if (exampleIds.length === 0) return [];
  const { rows } = await db.execute<{ entry: number; example: number }>(sql`
    select made.entry_id::float8 as entry, min(e.id)::float8 as example
    from ${MADE} join samples s on s.request = drawn.request join examples e on e.sample_id = s.id
    where ${inArray(sql`e.id`, [...exampleIds])} and ${EQUAL} group by 1 order by 1`);
  return rows.map(({ entry, example }) => ({ entryId: Number(entry), exampleId: Number(example) }));
}

/**
 * What descends from entries, themselves among them: the examples whose samples saw one, the entries that were made of those
 * examples or of equal ones, and so on.
 */
export async function descentOf(
  db: Db,
  entryIds: readonly number[],
): Promise<{ entries: number[]; examples: number[] }> {
  if (entryIds.length === 0) return { entries: [], examples: [] };
  const { rows } = await db.execute<{ entry: number; example: number | null }>(sql`
    with recursive down(entry) as (
      select id from ${memoryEntries} where ${inArray(memoryEntries.id, [...entryIds])}
      union
      select made.entry_id from down join memory_shown seen on seen.entry_id = down.entry
        join examples e on e.sample_id = seen.sample_id join samples s on s.id = e.sample_id
        join (${MADE}) on ${EQUAL}
    )
    select distinct down.entry::float8 as entry, e.id::float8 as example from down
      left join memory_shown seen on seen.entry_id = down.entry
      left join examples e on e.sample_id = seen.sample_id
    order by 1, 2`);
  const examples = rows.flatMap(({ example }) => (example === null ? [] : [Number(example)]));
  return {
    entries: [...new Set(rows.map(({ entry }) => Number(entry)))],
    examples: [...new Set(examples)].toSorted((a, b) => a - b),
  };
}

/** Revokes entries for good. @returns ids of those that were not revoked before */
export async function revokeMemory(
  db: Tx,
  entryIds: readonly number[],
  { reason, by }: { reason: string; by: string },
): Promise<number[]> {
  const state: MemoryState = 'revoked';
  return addStates(
    db,
    entryIds.map((entryId) => ({ entryId, state, reason, by })),
  );
}
