/** What the review pages show: queues, who is at work, what was decided last. Each query is bounded by the review items. */
import { and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { CLAIM_MINUTES, isFree, isOpen, isUndoable, type Review } from './reviews.ts';
import { prompts, reviews, runs, samples } from '../schema.ts';

const held = sql<boolean>`(${reviews.decision} is null and ${reviews.claimedAt} >= now() - make_interval(mins => ${CLAIM_MINUTES}))`;

/** Runs that put something to people, those that wait first, then the newest. */
export async function reviewQueues(db: Db, most = 50) {
  const open = sql<number>`count(*) filter (where ${reviews.decision} is null and ${isOpen})::int`;
  return db
    .select({
      runId: runs.id,
      task: runs.task,
      status: runs.status,
      total: sql<number>`count(*)::int`,
      open,
      decided: sql<number>`count(${reviews.decision})::int`,
      /** Sessions that look at an item now. */
      looking: sql<number>`count(distinct ${reviews.claimedBy}) filter (where ${held})::int`,
      since:
        sql<Date>`min(${reviews.createdAt}) filter (where ${reviews.decision} is null and ${isOpen})`.mapWith(
          reviews.createdAt,
        ),
    })
    .from(reviews)
    .innerJoin(runs, eq(runs.id, reviews.runId))
    .groupBy(runs.id)
    .orderBy(desc(sql`${open} > 0`), desc(runs.createdAt), desc(runs.id))
    .limit(most);
}
export type ReviewQueue = Awaited<ReturnType<typeof reviewQueues>>[number];

/** An item of a run with what may be done to it. */
export async function reviewItem(
  db: Db,
  runId: string,
  id: number,
): Promise<{ review: Review; open: boolean; free: boolean; undoable: boolean } | undefined> {
  const [row] = await db
    .select({
      review: reviews,
      open: sql<boolean>`(${reviews.decision} is null and ${isOpen})`,
      /** Does nobody look at it? */
      free: sql<boolean>`coalesce(${isFree(null)}, false)`,
      undoable: isUndoable,
    })
    .from(reviews)
    .where(and(eq(reviews.runId, runId), eq(reviews.id, id)));
  return row;
}

/** The newest decision that a session made in a run. */
export async function lastDecision(db: Db, runId: string, holder: string) {
  const [row] = await db
    .select({ review: reviews, undoable: isUndoable })
    .from(reviews)
    .where(and(eq(reviews.runId, runId), eq(reviews.claimedBy, holder), isNotNull(reviews.decision)))
    .orderBy(desc(reviews.decidedAt), desc(reviews.id))
    .limit(1);
  return row;
}
export type LastDecision = NonNullable<Awaited<ReturnType<typeof lastDecision>>>;

/** Items of a run that this session could have now, and the sessions that hold others. */
export async function whoElse(
  db: Db,
  runId: string,
  holder: string,
): Promise<{ free: number; others: string[] }> {
  const [row] = await db
    .select({
      free: sql<number>`count(*) filter (where ${reviews.decision} is null and ${isOpen} and ${isFree(holder)})::int`,
      others: sql<string[] | null>`array_agg(distinct ${reviews.claimedBy})
        filter (where ${held} and ${isOpen} and ${reviews.claimedBy} <> ${holder})`,
    })
    .from(reviews)
    .where(eq(reviews.runId, runId));
  return { free: row!.free, others: row!.others ?? [] };
}

/** The newest decisions of a run. */
export async function recentDecisions(db: Db, runId: string, most = 20) {
  return db
    .select({
      id: reviews.id,
      decision: reviews.decision,
      correctedAnswer: reviews.correctedAnswer,
      reviewer: reviews.reviewer,
      note: reviews.note,
      bulk: reviews.bulk,
      decidedAt: reviews.decidedAt,
      prompt: sql<string>`left(${prompts.text}, 200)`,
      answer: sql<string | null>`left(${samples.answer}, 200)`,
    })
    .from(reviews)
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(and(eq(reviews.runId, runId), isNotNull(reviews.decision)))
    .orderBy(desc(reviews.decidedAt), desc(reviews.id))
    .limit(most);
}
export type RecentDecision = Awaited<ReturnType<typeof recentDecisions>>[number];

/** The iteration whose items are being reviewed: the first with an undecided one, else the last. */
export async function reviewedIteration(db: Db, runId: string): Promise<number | undefined> {
  const [row] = await db
    .select({ id: reviews.iterationId })
    .from(reviews)
    .where(eq(reviews.runId, runId))
    .groupBy(reviews.iterationId)
    .orderBy(
      desc(sql`bool_or(${reviews.decision} is null and ${isOpen})`),
      sql`case when bool_or(${reviews.decision} is null and ${isOpen}) then ${reviews.iterationId} end asc nulls last`,
      desc(reviews.iterationId),
    )
    .limit(1);
  return row?.id;
}

/** Answers of a prompt's voting samples, most frequent first. */
export async function answerTally(db: Db, promptId: number, most = 8) {
  const count = sql<number>`count(*)::int`;
  return db
    .select({ answer: sql<string | null>`left(${samples.answer}, 2000)`, count })
    .from(samples)
    .where(and(eq(samples.promptId, promptId), eq(samples.round, 1)))
    .groupBy(sql`1`)
    .orderBy(desc(count), asc(sql`1`))
    .limit(most);
}
export type AnswerCount = Awaited<ReturnType<typeof answerTally>>[number];

/** Has an iteration gone on from its review: been trained, or decided? */
export async function goneOn(db: Db, iterationId: number): Promise<boolean> {
  const { rows } = await db.execute<{ on: boolean }>(sql`
    select exists (select 1 from stages where iteration_id = ${iterationId} and name = 'adapt')
      or exists (select 1 from decisions where iteration_id = ${iterationId}) as on`);
  return rows[0]!.on;
}

/** Changes whenever a review page of this run (of any, without one) does. */
export async function reviewVersion(db: Db, runId?: string): Promise<string> {
  const own = runId === undefined ? sql`true` : sql`r.run_id = ${runId}`;
  const { rows } = await db.execute<{ version: string | null }>(sql`
    select concat_ws('/', count(*), count(r.decision), max(r.decided_at), count(distinct r.claimed_by)
        filter (where r.decision is null), max(r.claimed_at) filter (where r.decision is null),
      (select max(id) from undone_reviews), (select max(id) from decisions),
      (select max(s.started_at) from stages s), (select max(s.finished_at) from stages s)) as version
    from reviews r where ${own}`);
  return rows[0]?.version ?? '';
}
