/** What decides which checkpoint a task serves: proven promotions, and what people chose. */
import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Db } from '../connect.ts';
import type { Checkpoint } from './runs.ts';
import {
  benchmarkItems,
  checkpoints,
  decisions,
  evaluationItems,
  evaluations,
  iterations,
  runs,
  servingChoices,
} from '../schema.ts';

/** Of runs that are no arm for comparison: such an arm promotes and trains on what no gate has seen. */
export const noArm = sql`coalesce(${runs.settings}->>'experiment', 'none') = 'none'`;

export type ServingChoice = typeof servingChoices.$inferSelect;

/**
 * Promotions in runs of a task, oldest first: the candidate, what it was proven better than, and when. Contrast arms
 * promote for comparison only and do not count.
 */
export async function provenPromotions(db: Db, task: string) {
  const beaten = alias(checkpoints, 'beaten');
  return db
    .select({ candidate: checkpoints, beaten, at: decisions.createdAt, reason: decisions.reason })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .innerJoin(runs, eq(runs.id, iterations.runId))
    .innerJoin(checkpoints, eq(checkpoints.id, decisions.candidateId))
    .innerJoin(beaten, eq(beaten.id, iterations.checkpointId))
    .where(and(eq(runs.task, task), eq(decisions.kind, 'promote'), noArm))
    .orderBy(asc(decisions.createdAt), asc(decisions.id));
}
/** What people chose for a task, oldest first. */
export async function choicesOf(db: Pick<Db, 'select'>, task: string): Promise<ServingChoice[]> {
  return db
    .select()
    .from(servingChoices)
    .where(eq(servingChoices.task, task))
    .orderBy(asc(servingChoices.id));
}

export async function checkpointsById(db: Db, ids: number[]): Promise<Map<number, Checkpoint>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query.checkpoints.findMany({ where: inArray(checkpoints.id, [...new Set(ids)]) });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Names of the tasks that have runs, in order. */
export async function taskNames(db: Db): Promise<string[]> {
  const rows = await db.selectDistinct({ task: runs.task }).from(runs).orderBy(asc(runs.task));
  return rows.map((row) => row.task);
}

/** The task of a checkpoint, what its run compares for, and the decision by which it was promoted, if it was. */
export async function standingOf(
  db: Db,
  checkpointId: number,
): Promise<{ task: string; experiment: string; promoted: boolean } | undefined> {
  const [row] = await db
    .select({
      task: runs.task,
      experiment: sql<string>`coalesce(${runs.settings}->>'experiment', 'none')`,
      // A run that began at an adapter has a checkpoint of its own for it, whose parent is the one that was promoted.
      promoted: sql<boolean>`exists (select 1 from decisions d where d.kind = 'promote' and (d.candidate_id = ${checkpoints.id}
        or ${checkpoints.iterationIndex} = 0 and d.candidate_id = ${checkpoints.parentId}))`,
    })
    .from(checkpoints)
    .innerJoin(runs, eq(runs.id, checkpoints.runId))
    .where(eq(checkpoints.id, checkpointId));
  return row;
}

/**
 * Right or wrong on the held-out problems that both checkpoints answered, in whatever run: the same problem and answer in
 * a benchmark of the same name. `final` is left out, since reading it decides nothing. What could not be measured of the
 * first is left out; of the second it is wrong.
 */
export async function sharedAnswers(
  db: Db,
  firstId: number,
  secondId: number,
): Promise<{ benchmark: string; role: 'target' | 'guard'; first: boolean; second: boolean }[]> {
  const answersOf = (checkpointId: number) => sql`select i.benchmark, i.role, i.key, i.answer, e.correct
    from ${evaluationItems} e join ${evaluations} v on v.id = e.evaluation_id join ${benchmarkItems} i on i.id = e.item_id
    where v.checkpoint_id = ${checkpointId} and v.finished_at is not null and i.role <> 'final'`;
  const { rows } = await db.execute<{
    benchmark: string;
    role: 'target' | 'guard';
    first: boolean;
    second: boolean;
  }>(sql`select a.benchmark, a.role, a.correct as first, coalesce(b.correct, false) as second
    from (${answersOf(firstId)}) a join (${answersOf(secondId)}) b using (benchmark, role, key, answer)
    where a.correct is not null
    order by a.benchmark, a.key`);
  return rows;
}

/**
 * Stores a choice.
 *
 * @param make makes it under the task's lock, of what is served then; what it throws leaves everything as it is
 */
export async function addChoice(
  db: Db,
  task: string,
  make: (tx: Db) => Promise<Omit<typeof servingChoices.$inferInsert, 'createdAt'>>,
): Promise<ServingChoice> {
  return db.transaction(async (tx) => {
    // Two people who choose at once do so one after the other, and the second sees what the first did.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('ratchet serving'), hashtext(${task}))`);
    const choice = await make(tx as unknown as Db);
    // The time at which it counts, not that at which it began to wait for the lock.
    const createdAt = sql`clock_timestamp()` as unknown as Date;
    const [row] = await tx
      .insert(servingChoices)
      .values({ ...choice, createdAt })
      .returning();
    return row!;
  });
}

/** Notifications of this channel carry the name of a task whose served checkpoint may have changed. */
export const SERVING_CHANNEL = 'ratchet_serving';

/** Changes whenever what any task serves may have changed: cheap enough to ask for often. */
export async function servingMark(db: Db): Promise<string> {
  const { rows } = await db.execute<{ mark: string }>(sql`select concat_ws(' ',
    (select count(*) from ${decisions} where kind = 'promote'), (select count(*) from ${servingChoices}),
    (select count(*) from ${checkpoints} where iteration_index = 0)) as mark`);
  return rows[0]!.mark;
}

/** Where the newest run of a task began: what answers while nothing was promoted. */
export async function baseOfNewestRun(db: Db, task: string): Promise<Checkpoint | undefined> {
  const [row] = await db
    .select({ checkpoint: checkpoints })
    .from(checkpoints)
    .innerJoin(runs, eq(runs.id, checkpoints.runId))
    .where(and(eq(runs.task, task), eq(checkpoints.iterationIndex, 0)))
    .orderBy(desc(checkpoints.id))
    .limit(1);
  return row?.checkpoint;
}
