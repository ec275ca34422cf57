/** Tests of memory entries: their problems, what is shown before each without and with the batch, and what came of it. */
import { and, asc, desc, eq, gte, inArray, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import type { Admission } from '../../loop/memory.ts';
import type { Tx } from './calls.ts';
import { addStates } from './memory.ts';
import {
  iterations,
  memoryAnswers,
  memoryEntries,
  memoryProblems,
  memoryStates,
  memoryTestEntries,
  memoryTests,
  memoryTrials,
  runs,
} from '../schema.ts';

export type MemoryTest = typeof memoryTests.$inferSelect;
export type MemoryProblem = typeof memoryProblems.$inferSelect;
export type NewMemoryAnswer = typeof memoryAnswers.$inferInsert;

/** Rows in one insert: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 1000;

export async function problemsOf(db: Db, iterationId: number): Promise<MemoryProblem[]> {
  return db
    .select()
    .from(memoryProblems)
    .where(eq(memoryProblems.iterationId, iterationId))
    .orderBy(asc(memoryProblems.position));
}

/** Keys of all problems on which memory entries of a task were tested: entries were chosen by them, so they say nothing new. */
export async function testedKeys(db: Db, task: string): Promise<Set<string>> {
  const rows = await db
    .selectDistinct({ key: memoryProblems.key })
    .from(memoryProblems)
    .innerJoin(iterations, eq(iterations.id, memoryProblems.iterationId))
    .innerJoin(runs, eq(runs.id, iterations.runId))
    .where(eq(runs.task, task));
  return new Set(rows.map(({ key }) => key));
}

/** Stores an iteration's problems, all or none; those that are there stay. */
export async function addProblems(db: Db, rows: (typeof memoryProblems.$inferInsert)[]): Promise<void> {
  await db.transaction(async (tx) => {
    await insertNew(tx, memoryProblems, rows);
  });
}

export async function findTest(db: Db, iterationId: number, number: number): Promise<MemoryTest | undefined> {
  return db.query.memoryTests.findFirst({
    where: and(eq(memoryTests.iterationId, iterationId), eq(memoryTests.number, number)),
  });
}

/** @throws Error when there is no such test */
export async function getTest(db: Db, id: number): Promise<MemoryTest> {
  const test = await db.query.memoryTests.findFirst({ where: eq(memoryTests.id, id) });
  if (!test) throw new Error(`there is no test ${id} of memory entries`);
  return test;
}

/** Stores a test with its batch and its trials, all or nothing; one that is there stays. */
export async function addTest(
  db: Db,
  test: typeof memoryTests.$inferInsert,
  entryIds: readonly number[],
  trials: readonly Omit<typeof memoryTrials.$inferInsert, 'testId' | 'position'>[],
): Promise<MemoryTest> {
  const { iterationId, number } = test;
  return db.transaction(async (tx) => {
    const [added] = await tx.insert(memoryTests).values(test).onConflictDoNothing().returning();
    if (!added) return (await findTest(tx as unknown as Db, iterationId, number))!;
    const testId = added.id;
    await tx.insert(memoryTestEntries).values(entryIds.map((entryId) => ({ testId, entryId })));
    const rows = trials.map((one, position) => ({ ...one, testId, position }));
    for (let i = 0; i < rows.length; i += ROWS_AT_ONCE)
      await tx.insert(memoryTrials).values(rows.slice(i, i + ROWS_AT_ONCE));
    return added;
  });
}

/** A page of a test's trials with their problems. */
export async function trialPage(db: Db, testId: number, first: number, count: number) {
  return db
    .select({ trial: memoryTrials, problem: memoryProblems })
    .from(memoryTrials)
    .innerJoin(memoryProblems, eq(memoryProblems.id, memoryTrials.problemId))
    .where(
      and(
        eq(memoryTrials.testId, testId),
        gte(memoryTrials.position, first),
        lt(memoryTrials.position, first + count),
      ),
    )
    .orderBy(asc(memoryTrials.position));
}

export async function countTrials(db: Db, testId: number): Promise<number> {
  return db.$count(memoryTrials, eq(memoryTrials.testId, testId));
}

/** What a checkpoint answered to these problems, by what was shown before each. */
export async function answersTo(db: Db, checkpointId: number, problemIds: number[]) {
  if (problemIds.length === 0) return [];
  return db
    .select({
      problemId: memoryAnswers.problemId,
      shown: memoryAnswers.shown,
      correct: memoryAnswers.correct,
    })
    .from(memoryAnswers)
    .where(and(eq(memoryAnswers.checkpointId, checkpointId), inArray(memoryAnswers.problemId, problemIds)));
}

export async function addAnswers(db: Tx, rows: NewMemoryAnswer[]): Promise<void> {
  await insertNew(db, memoryAnswers, rows);
}

/** Ids of a test's batch, oldest first. */
async function batchOf(db: Db, testId: number): Promise<number[]> {
  const rows = await db
    .select({ id: memoryTestEntries.entryId })
    .from(memoryTestEntries)
    .where(eq(memoryTestEntries.testId, testId))
    .orderBy(asc(memoryTestEntries.entryId));
  return rows.map(({ id }) => id);
}

/** Closes a test with what came of it and says so of each of its batch, all or nothing. Closed once, it stays so. */
export async function closeTest(
  db: Db,
  test: MemoryTest,
  { admitted, reason, ...found }: Admission,
  by: string,
): Promise<void> {
  await db.transaction(async (tx) => {
    const [closed] = await tx
      .update(memoryTests)
      .set({ ...found, admitted, reason, finishedAt: new Date() })
      .where(and(eq(memoryTests.id, test.id), isNull(memoryTests.finishedAt)))
      .returning({ id: memoryTests.id });
    if (!closed) return;
    const batch = await batchOf(tx as unknown as Db, test.id);
    const state = admitted ? ('admitted' as const) : ('rejected' as const);
    const { weights, id: testId } = test;
    await addStates(
      tx,
      batch.map((entryId) => ({ entryId, state, weights, testId, reason, by })),
    );
  });
}

/** The closed tests of a run that looked at answers, in order: what they spent of its alpha. */
export async function looksOf(db: Db, runId: string): Promise<{ level: number; promoted: boolean }[]> {
  return db
    .select({ level: memoryTests.level, promoted: sql<boolean>`${memoryTests.admitted}` })
    .from(memoryTests)
    .innerJoin(iterations, eq(iterations.id, memoryTests.iterationId))
    .where(and(eq(iterations.runId, runId), isNotNull(memoryTests.finishedAt)))
    .orderBy(asc(iterations.index), asc(memoryTests.number));
}

/** Tests of an iteration that are closed, and the entries that they admitted. */
export async function testedIn(
  db: Db,
  iterationId: number,
): Promise<{ tests: number; admitted: number; entries: number }> {
  const [row] = await db
    .select({
      tests: sql<number>`count(distinct ${memoryTests.id})::int`,
      entries: sql<number>`count(${memoryTestEntries.entryId})::int`,
      admitted: sql<number>`(count(${memoryTestEntries.entryId}) filter (where ${memoryTests.admitted}))::int`,
    })
    .from(memoryTests)
    .innerJoin(memoryTestEntries, eq(memoryTestEntries.testId, memoryTests.id))
    .where(and(eq(memoryTests.iterationId, iterationId), isNotNull(memoryTests.finishedAt)));
  return row!;
}

/** The closed tests of a run, in order, with the entries that they looked at. */
export async function testsOfRun(db: Db, runId: string) {
  return db
    .select({
      iteration: iterations.index,
      number: sql<number>`${memoryTests.number} + 1`.mapWith(Number),
      entries: sql<
        number[]
      >`array_agg(${memoryTestEntries.entryId}::float8 order by ${memoryTestEntries.entryId})`,
      problems: memoryTests.problems,
      measured: memoryTests.measured,
      rightWithout: memoryTests.rightWithout,
      rightWith: memoryTests.rightWith,
      pValue: memoryTests.pValue,
      level: memoryTests.level,
      admitted: memoryTests.admitted,
    })
    .from(memoryTests)
    .innerJoin(iterations, eq(iterations.id, memoryTests.iterationId))
    .innerJoin(memoryTestEntries, eq(memoryTestEntries.testId, memoryTests.id))
    .where(and(eq(iterations.runId, runId), isNotNull(memoryTests.finishedAt)))
    .groupBy(memoryTests.id, iterations.index)
    .orderBy(asc(iterations.index), asc(memoryTests.number));
}
export type MemoryLook = Awaited<ReturnType<typeof testsOfRun>>[number];

/** All that became of an entry, oldest first, with the test that decided and its run. */
export async function statesOf(db: Db, entryId: number) {
  return db
    .select({ state: memoryStates, test: memoryTests, run: iterations.runId, iteration: iterations.index })
    .from(memoryStates)
    .leftJoin(memoryTests, eq(memoryTests.id, memoryStates.testId))
    .leftJoin(iterations, eq(iterations.id, memoryTests.iterationId))
    .where(eq(memoryStates.entryId, entryId))
    .orderBy(asc(memoryStates.id));
}

/** A task's entries (or all), newest first, with what was last said of each and how it fared. */
export async function listMemory(
  db: Db,
  { task, ids, most }: { task?: string; ids?: number[]; most: number },
) {
  const newest = db
    .selectDistinctOn([memoryStates.entryId], {
      entryId: memoryStates.entryId,
      state: memoryStates.state,
      reason: memoryStates.reason,
      by: memoryStates.by,
      at: memoryStates.createdAt,
    })
    .from(memoryStates)
    .orderBy(asc(memoryStates.entryId), desc(sql`${memoryStates.state} = 'revoked'`), desc(memoryStates.id))
    .as('newest');
  return db
    .select({
      entry: memoryEntries,
      state: newest.state,
      reason: newest.reason,
      stateBy: newest.by,
      stateAt: newest.at,
      shown: sql<number>`(select count(*)::int from memory_shown m where m.entry_id = ${memoryEntries.id})`,
      accepted: sql<number>`(select count(distinct e.id)::int from memory_shown m join examples e on e.sample_id = m.sample_id
        where m.entry_id = ${memoryEntries.id})`,
      right: besideRight(true),
      wrong: besideRight(false),
    })
    .from(memoryEntries)
    .leftJoin(newest, eq(newest.entryId, memoryEntries.id))
    .where(
      and(
        task === undefined ? undefined : eq(memoryEntries.task, task),
        ids === undefined ? undefined : inArray(memoryEntries.id, ids),
      ),
    )
    .orderBy(desc(memoryEntries.id))
    .limit(most);
}
export type ListedMemory = Awaited<ReturnType<typeof listMemory>>[number];

/** Answers of tests before which the entry stood, that were right or wrong. */
const besideRight = (correct: boolean) => sql<number>`(select count(*)::int from ${memoryAnswers}
  where ${memoryEntries.id}::text = any (string_to_array(${memoryAnswers.shown}, ',')) and ${memoryAnswers.correct} = ${correct})`;
