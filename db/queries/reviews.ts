/** What is put to reviewers, and who looks at it. What they decide: review-decisions.ts; what follows: review-outcomes.ts. */
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { ReviewItem, ReviewTally } from '../../loop/review.ts';
import type { Db } from '../connect.ts';
import { drawn } from './samples.ts';
import {
  critiques,
  examples,
  iterations,
  prompts,
  reviews,
  samples,
  undoneReviews,
  verdicts,
} from '../schema.ts';

export type Review = typeof reviews.$inferSelect;

/** Somebody who looks at an item for longer has gone away. */
export const CLAIM_MINUTES = 15;

/** Puts items to reviewers, all or nothing; those that are there stay as they are. */
export async function addReviews(
  db: Db,
  runId: string,
  iterationId: number,
  items: ReviewItem[],
): Promise<void> {
  await db.transaction(async (tx) => {
    await insertNew(
      tx,
      reviews,
      items.map((item) => ({ ...item, runId, iterationId })),
    );
  });
}

/** Decisions of an iteration: all, those still missing, and what those about accepted samples say of the gates. */
export async function reviewCounts(
  db: Db,
  iterationId: number,
): Promise<ReviewTally & { total: number; waiting: number }> {
  const counted = sql`not ${reviews.bulk} and ${reviews.reason} not in ('disagreement', 'feedback')`;
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      waiting: sql<number>`count(*) filter (where ${reviews.decision} is null)::int`,
      accepted: sql<number>`count(*) filter (where ${reviews.decision} = 'accept' and ${counted})::int`,
      rejected: sql<number>`count(*) filter (where ${reviews.decision} in ('reject', 'correct') and ${counted})::int`,
    })
    .from(reviews)
    .where(eq(reviews.iterationId, iterationId));
  return row!;
}

/** Accepted samples of unlabeled prompts, and samples whose answer the vote trusts while another gate does not. */
export async function reviewable(db: Db, iterationId: number) {
  const accepted = await db
    .select({ sampleId: examples.sampleId, promptId: examples.promptId })
    .from(examples)
    .where(and(eq(examples.iterationId, iterationId), inArray(examples.kind, ['vote', 'hard'])));
  const doubtful = await db
    .select({ sampleId: samples.id, promptId: samples.promptId })
    .from(samples)
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(verdicts, and(eq(verdicts.sampleId, samples.id), eq(verdicts.gate, 'agreement')))
    .where(
      and(
        eq(prompts.iterationId, iterationId),
        eq(prompts.purpose, 'learn'),
        eq(verdicts.outcome, 'pass'),
        drawn(),
        sql`exists (select 1 from verdicts other where other.sample_id = ${samples.id}
          and other.gate not in ('agreement', 'human')
          and (other.outcome = 'fail' or (other.outcome = 'unscored' and not other.advisory)))`,
      ),
    );
  return { accepted, doubtful };
}

/**
 * Can it still be decided? Not once its iteration is decided, unless the run does not wait for reviewers. The table is
 * written out, since a query of one table would leave its name away, and the column would be another table's.
 */
export const isOpen = sql<boolean>`(not exists (select 1 from decisions d where d.iteration_id = reviews.iteration_id)
  or not coalesce((select (r.settings->'review'->>'required')::boolean from runs r where r.id = reviews.run_id), true))`;

/** Does nobody but `holder` look at it? */
export const isFree = (holder: string | null) =>
  sql<boolean>`(${reviews.claimedAt} is null or ${reviews.claimedBy} = ${holder}
    or ${reviews.claimedAt} < now() - make_interval(mins => ${CLAIM_MINUTES}))`;

/** Can a decision still be taken back? Not once a dataset of the run may rest on it, nor where it could not be made again. */
export const isUndoable = sql<boolean>`(${reviews.decision} is not null and ${isOpen} and not exists (
  select 1 from stages s join iterations i on i.id = s.iteration_id where i.run_id = reviews.run_id
  and s.name = 'adapt' and (s.finished_at is null or s.finished_at >= reviews.decided_at)))`;

/**
 * The next item for a reviewer's session (`holder`), which nobody else gets until it is decided, released or the claim
 * expires: the one that it holds already, else the first that is free. Undefined when nothing is left.
 *
 * @param skipped ids that this session has put off
 */
export async function claim(
  db: Db,
  runId: string,
  holder: string,
  skipped: number[] = [],
): Promise<Review | undefined> {
  const put = skipped.length > 0 ? sql`and ${reviews.id} not in ${skipped}` : sql``;
  const next = sql`(select ${reviews.id} from ${reviews} where ${reviews.runId} = ${runId}
    and ${reviews.decision} is null and ${isOpen} and ${isFree(holder)} ${put}
    order by ${reviews.claimedBy} is not distinct from ${holder} desc, ${reviews.id} limit 1 for update skip locked)`;
  const [claimed] = await db
    .update(reviews)
    .set({ claimedBy: holder, claimedAt: sql`now()` })
    .where(and(sql`${reviews.id} = ${next}`, isNull(reviews.decision)))
    .returning();
  return claimed;
}

/** Claims one item for a session. False when it is decided, over, or another session looks at it. */
export async function claimItem(db: Db, runId: string, id: number, holder: string): Promise<boolean> {
  const claimed = await db
    .update(reviews)
    .set({ claimedBy: holder, claimedAt: sql`now()` })
    .where(
      and(eq(reviews.runId, runId), eq(reviews.id, id), isNull(reviews.decision), isOpen, isFree(holder)),
    )
    .returning({ id: reviews.id });
  return claimed.length > 0;
}

/** Gives back what a session looked at without deciding. */
export async function release(db: Db, holder: string, ids?: number[]): Promise<void> {
  await db
    .update(reviews)
    .set({ claimedBy: null, claimedAt: null })
    .where(
      and(
        eq(reviews.claimedBy, holder),
        isNull(reviews.decision),
        ids ? inArray(reviews.id, ids) : undefined,
      ),
    );
}

export async function findReviews(db: Db, runId: string, ids: number[]): Promise<Review[]> {
  if (ids.length === 0) return [];
  return db.query.reviews.findMany({
    where: and(eq(reviews.runId, runId), inArray(reviews.id, ids)),
    orderBy: asc(reviews.id),
  });
}

/** A run's items, or some of them, with what is needed to list them, oldest first. */
export async function listReviews(db: Db, runId: string, ids?: number[]) {
  return db
    .select({
      review: reviews,
      iteration: iterations.index,
      prompt: prompts.text,
      answer: samples.answer,
      open: sql<boolean>`${reviews.decision} is null and ${isOpen}`,
      /** Decisions about it that were taken back. */
      takenBack: sql<number>`(select count(*) from ${undoneReviews} where ${undoneReviews.reviewId} = ${reviews.id})::int`,
    })
    .from(reviews)
    .innerJoin(iterations, eq(iterations.id, reviews.iterationId))
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(and(eq(reviews.runId, runId), ids ? inArray(reviews.id, ids) : undefined))
    .orderBy(asc(reviews.id));
}
export type ListedReview = Awaited<ReturnType<typeof listReviews>>[number];

/** Items of a run that wait for a reviewer, and all. */
export async function openCounts(db: Db, runId: string): Promise<{ open: number; total: number }> {
  const [row] = await db
    .select({
      open: sql<number>`count(*) filter (where ${reviews.decision} is null and ${isOpen})::int`,
      total: sql<number>`count(*)::int`,
    })
    .from(reviews)
    .where(eq(reviews.runId, runId));
  return row!;
}

/** Everything that a reviewer is shown of an item. */
export async function reviewDetails(db: Db, review: Review) {
  const sample = (await db.query.samples.findFirst({ where: eq(samples.id, review.sampleId) }))!;
  const prompt = (await db.query.prompts.findFirst({ where: eq(prompts.id, sample.promptId) }))!;
  const iteration = (await db.query.iterations.findFirst({ where: eq(iterations.id, review.iterationId) }))!;
  const vote = await db.query.votes.findFirst({ where: (v) => eq(v.promptId, prompt.id) });
  const found = await db.query.verdicts.findMany({
    where: eq(verdicts.sampleId, sample.id),
    orderBy: asc(verdicts.gate),
  });
  const said = await db
    .select({
      critic: critiques.critic,
      outcome: critiques.outcome,
      score: critiques.score,
      reason: critiques.reason,
    })
    .from(critiques)
    .where(eq(critiques.sampleId, sample.id))
    .orderBy(asc(critiques.id));
  return { review, sample, prompt, iteration, vote, verdicts: found, critiques: said };
}
export type ReviewDetails = Awaited<ReturnType<typeof reviewDetails>>;
