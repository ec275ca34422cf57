/** Memory entries: what there is, what is known of each for certain weights, and which may stand before which problems. */
import { and, asc, desc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import type { Tx } from './calls.ts';
import { notDrifted } from './adjustments.ts';
import { notRevoked } from './revocations.ts';
import { noArm } from './serving.ts';
import {
  examples,
  iterations,
  memoryEntries,
  memorySources,
  memoryShown,
  memoryStates,
  prompts,
  runs,
  samples,
  votes,
  type MemoryState,
} from '../schema.ts';

export type MemoryEntry = typeof memoryEntries.$inferSelect;
export type NewMemoryEntry = typeof memoryEntries.$inferInsert;
export type NewMemorySource = Omit<typeof memorySources.$inferInsert, 'entryId' | 'position'>;
export type NewMemoryState = typeof memoryStates.$inferInsert;

/** An entry with the problem and level that it is likened by; null for heuristics. */
export type Recallable = MemoryEntry & { source: string | null; level: number | null };

/**
 * Stores an entry with its sources as unverified, all or nothing.
 *
 * @returns its id; undefined where the task has one of these very words
 */
export async function addMemory(
  db: Db,
  entry: NewMemoryEntry,
  sources: readonly NewMemorySource[],
  reason: string,
): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const [added] = await tx
      .insert(memoryEntries)
      .values(entry)
      .onConflictDoNothing()
      .returning({ id: memoryEntries.id });
    if (!added) return undefined;
    const rows = sources.map((one, position) => ({ ...one, position, entryId: added.id }));
    if (rows.length > 0) await tx.insert(memorySources).values(rows);
    await addStates(tx, [{ entryId: added.id, state: 'unverified', reason, by: entry.by }]);
    return added.id;
  });
}

/** Adds what became of entries. What is known already, or revoked, stays as it is. @returns ids of the entries that it was added to */
export async function addStates(db: Tx, rows: NewMemoryState[]): Promise<number[]> {
  if (rows.length === 0) return [];
  const added = await db
    .insert(memoryStates)
    .values(rows)
    .onConflictDoNothing()
    .returning({ id: memoryStates.entryId });
  return added.map(({ id }) => id);
}

/**
 * What is known of an entry for these weights: that it was revoked, else the newest that was said of them or (that it can be no
 * entry) of all; else nothing.
 */
const standing = (weights: string): SQL<MemoryState | null> =>
  sql<MemoryState | null>`(select s.state from ${memoryStates} s where s.entry_id = ${memoryEntries.id}
    and (s.weights = ${weights} or s.weights is null and s.state <> 'unverified')
    order by s.state = 'revoked' desc, s.id desc limit 1)`;

/** The task's entries that certain weights may see, or all that are not revoked (`ungated`), oldest first. */
export async function admittedMemory(
  db: Db,
  { task, weights, ungated }: { task: string; weights: string; ungated: boolean },
): Promise<MemoryEntry[]> {
  const state = standing(weights);
  return db
    .select()
    .from(memoryEntries)
    .where(
      and(
        eq(memoryEntries.task, task),
        ungated ? sql`${state} is distinct from 'revoked'` : sql`${state} = 'admitted'`,
      ),
    )
    .orderBy(asc(memoryEntries.id));
}

/** Entries that were not tested for these weights: what others admitted, then what nothing has tested, then what others rejected; oldest first. */
export async function untestedMemory(
  db: Db,
  { task, weights, most }: { task: string; weights: string; most: number },
): Promise<(MemoryEntry & { stale: boolean })[]> {
  const state = standing(weights);
  const testedBefore = sql`exists (select 1 from ${memoryStates} t where t.entry_id = ${memoryEntries.id} and t.test_id is not null)`;
  const rows = await db
    .select({ entry: memoryEntries, state })
    .from(memoryEntries)
    .where(and(eq(memoryEntries.task, task), sql`coalesce(${state}, 'stale') = 'stale'`))
    .orderBy(desc(sql`coalesce(${state}, '') = 'stale'`), asc(testedBefore), asc(memoryEntries.id))
    .limit(most);
  return rows.map(({ entry, state: known }) => ({ ...entry, stale: known === 'stale' }));
}

/** Marks what other weights admitted, and these have not tested, as stale for these. */
export async function markStale(
  db: Db,
  { task, weights, by }: { task: string; weights: string; by: string },
): Promise<void> {
  const state = standing(weights);
  const admittedBefore = sql`exists (select 1 from ${memoryStates} a where a.entry_id = ${memoryEntries.id} and a.state = 'admitted')`;
  const rows = await db
    .select({ entryId: memoryEntries.id })
    .from(memoryEntries)
    .where(and(eq(memoryEntries.task, task), sql`${state} is null`, admittedBefore));
  const reason = 'admitted for other weights than those that generate now';
  await addStates(
    db,
    rows.map(({ entryId }) => ({ entryId, state: 'stale', weights, reason, by })),
  );
}

/**
 * Which of these entries may stand before which problems: not before one that an entry was made of, and none that was made of a
 * held-out problem of the run.
 *
 * @param problems a query of `id` and `key`
 * @returns ids of the entries by id of the problem
 */
export async function allowedMemory(
  db: Db,
  runId: string,
  entryIds: number[],
  problems: SQL,
): Promise<Map<number, Set<number>>> {
  if (entryIds.length === 0) return new Map();
  const { rows } = await db.execute<{ problem: number; entry: number }>(sql`
    select p.id::float8 as problem, ${memoryEntries.id}::float8 as entry
    from (${problems}) p cross join ${memoryEntries}
    where ${inArray(memoryEntries.id, entryIds)} and not memory_tells(${memoryEntries.id}, p.key, ${runId})`);
  const allowed = new Map<number, Set<number>>();
  for (const { problem, entry } of rows) {
    const known = allowed.get(problem);
    if (known) known.add(entry);
    else allowed.set(problem, new Set([entry]));
  }
  return allowed;
}

export async function memoryByIds(db: Db, ids: readonly number[]): Promise<Map<number, Recallable>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ entry: memoryEntries, source: memorySources.text, level: memorySources.level })
    .from(memoryEntries)
    .leftJoin(memorySources, and(eq(memorySources.entryId, memoryEntries.id), eq(memorySources.position, 0)))
    .where(inArray(memoryEntries.id, [...new Set(ids)]));
  return new Map(rows.map(({ entry, source, level }) => [entry.id, { ...entry, source, level }]));
}

/** Stores which entries samples saw, in the order in which they stood. */
export async function addShown(
  db: Tx,
  seen: readonly { sampleId: number; entryIds: readonly number[] }[],
): Promise<void> {
  const rows = seen.flatMap(({ sampleId, entryIds }) =>
    entryIds.map((entryId, position) => ({ sampleId, position, entryId })),
  );
  await insertNew(db, memoryShown, rows);
}

/** The entries that samples saw, by sample, in the order in which they stood. */
export async function memoryOfSamples(db: Db, sampleIds: number[]): Promise<Map<number, MemoryEntry[]>> {
  if (sampleIds.length === 0) return new Map();
  const rows = await db
    .select({ sampleId: memoryShown.sampleId, entry: memoryEntries })
    .from(memoryShown)
    .innerJoin(memoryEntries, eq(memoryEntries.id, memoryShown.entryId))
    .where(inArray(memoryShown.sampleId, sampleIds))
    .orderBy(asc(memoryShown.sampleId), asc(memoryShown.position));
  const seen = Map.groupBy(rows, ({ sampleId }) => sampleId);
  return new Map([...seen].map(([id, all]) => [id, all.map(({ entry }) => entry)]));
}

/** An accepted example as a pattern would be made of it. */
export type Proposal = {
  exampleId: number;
  key: string;
  prompt: string;
  level: number | null;
  request: string;
  rationale: string;
};

/**
 * The surest accepted examples of a task that no pattern was made of: by agreement, then margin, the newest first; one of a
 * problem; none that was revoked, drifted, rehearsed, or put together of parts.
 */
export async function proposalsFor(
  db: Db,
  { task, most }: { task: string; most: number },
): Promise<Proposal[]> {
  const unused = sql`not exists (select 1 from ${memorySources} m where md5(m.key) = md5(${prompts.key})
    and exists (select 1 from ${memoryEntries} e where e.id = m.entry_id and e.task = ${task} and e.kind = 'pattern'))`;
  const best = db
    .selectDistinctOn([prompts.key], {
      exampleId: examples.id,
      key: prompts.key,
      prompt: prompts.text,
      level: prompts.level,
      request: samples.request,
      rationale: sql<string>`coalesce(${examples.rationale}, ${samples.rationale})`.as('rationale'),
      agreement: votes.agreement,
      margin: votes.margin,
    })
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .innerJoin(runs, eq(runs.id, examples.runId))
    .leftJoin(votes, eq(votes.promptId, prompts.id))
    .where(
      and(
        eq(runs.task, task),
        eq(prompts.purpose, 'learn'),
        sql`${samples.strategy} <> 'ladder'`,
        notRevoked,
        notDrifted,
        noArm,
        unused,
      ),
    )
    .orderBy(asc(prompts.key), desc(examples.id))
    .as('best');
  return db
    .select({
      exampleId: best.exampleId,
      key: best.key,
      prompt: best.prompt,
      level: best.level,
      request: best.request,
      rationale: best.rationale,
    })
    .from(best)
    .orderBy(
      desc(sql`coalesce(${best.agreement}, 0)`),
      desc(sql`coalesce(${best.margin}, 0)`),
      desc(best.exampleId),
    )
    .limit(most);
}
