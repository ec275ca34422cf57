/** What came through the gateway: answers, and what people said of them. */
import { digestOf } from '../../process/digest.ts';
import { and, asc, desc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import {
  examples,
  gatewayCompletions,
  gatewayFeedback,
  iterations,
  prompts,
  reviews,
  samples,
  storedPrompts,
  type FeedbackUse,
} from '../schema.ts';

export type GatewayCompletion = typeof gatewayCompletions.$inferSelect;
export type Feedback = typeof gatewayFeedback.$inferSelect;

export async function addCompletion(db: Db, row: typeof gatewayCompletions.$inferInsert): Promise<void> {
  await db.insert(gatewayCompletions).values(row);
}

export async function findCompletion(db: Db, id: string): Promise<GatewayCompletion | undefined> {
  return db.query.gatewayCompletions.findFirst({ where: eq(gatewayCompletions.id, id) });
}

/** Stores feedback, or finds what was sent before in the same words. */
export async function addFeedback(
  db: Db,
  values: Omit<typeof gatewayFeedback.$inferInsert, 'digest'>,
): Promise<{ feedback: Feedback; known: boolean }> {
  const { completionId, choice, rating, storedPromptId, correction, use, by, note } = values;
  const digest = digestOf(
    JSON.stringify([completionId, choice, rating, storedPromptId, correction, use, by, note]),
  );
  const [added] = await db
    .insert(gatewayFeedback)
    .values({ ...values, digest })
    .onConflictDoNothing()
    .returning();
  if (added) return { feedback: added, known: false };
  const feedback = await db.query.gatewayFeedback.findFirst({ where: eq(gatewayFeedback.digest, digest) });
  return { feedback: feedback!, known: true };
}

export type Correction = {
  feedback: Feedback;
  /** The problem as it is stored. */
  text: string;
};

/**
 * Corrections of a task for one use that count, oldest first: of those that one person sent of one problem the newest, and earlier ones
 * only where they say the same.
 */
export async function correctionsFor(db: Db, task: string, use: FeedbackUse): Promise<Correction[]> {
  const all = await db
    .select({ feedback: gatewayFeedback, text: storedPrompts.text })
    .from(gatewayFeedback)
    .innerJoin(storedPrompts, eq(storedPrompts.id, gatewayFeedback.storedPromptId))
    .where(
      and(eq(gatewayFeedback.task, task), eq(gatewayFeedback.use, use), isNotNull(gatewayFeedback.answer)),
    )
    .orderBy(asc(gatewayFeedback.id));
  const newest = new Map(all.map((one) => [whoAndWhat(one), one.feedback.answer]));
  return all.filter((one) => newest.get(whoAndWhat(one)) === one.feedback.answer);
}

const whoAndWhat = ({ feedback: { by, storedPromptId } }: Correction) => `${storedPromptId} ${by}`;

/** The later correction of the same problem by the same person that stands in its place, if it says something else. */
export async function supersedingFeedback(db: Db, feedback: Feedback): Promise<Feedback | undefined> {
  if (feedback.use !== 'example' || feedback.storedPromptId === null) return undefined;
  const newest = await db.query.gatewayFeedback.findFirst({
    where: and(
      eq(gatewayFeedback.storedPromptId, feedback.storedPromptId),
      eq(gatewayFeedback.by, feedback.by),
      eq(gatewayFeedback.use, 'example'),
      isNotNull(gatewayFeedback.answer),
    ),
    orderBy: desc(gatewayFeedback.id),
  });
  return newest && newest.id > feedback.id && newest.answer !== feedback.answer ? newest : undefined;
}

/** Joins a review and its sample to the example that came of it: one that a person made, or one of the gates' that he confirmed. */
const madeOfReview = and(
  eq(examples.promptId, samples.promptId),
  sql`(${examples.kind} = 'human' or ${reviews.decision} = 'accept' and ${examples.sampleId} = ${reviews.sampleId})`,
);

/** What a correction was made: examples, of whichever run. */
export async function examplesOf(db: Db, feedbackId: number) {
  return db
    .select({ example: examples.id, run: examples.runId, iteration: iterations.index })
    .from(reviews)
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .innerJoin(examples, madeOfReview)
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .where(eq(reviews.feedbackId, feedbackId))
    .orderBy(asc(examples.id));
}

/** Ids of the corrections of which a run has an example. */
export async function carriedOut(db: Db, runId: string): Promise<Set<number>> {
  const rows = await db
    .selectDistinct({ id: reviews.feedbackId })
    .from(reviews)
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .innerJoin(examples, madeOfReview)
    .where(and(eq(reviews.runId, runId), isNotNull(reviews.feedbackId)));
  return new Set(rows.map((row) => row.id!));
}

/** An iteration's prompts that are there because of corrections. */
export async function correctedPrompts(db: Db, iterationId: number) {
  return db.query.prompts.findMany({
    where: and(eq(prompts.iterationId, iterationId), isNotNull(prompts.feedbackId)),
    orderBy: asc(prompts.position),
  });
}

/** Per task: answers, stored prompts from wherever they came, and why others are not stored. */
export async function gatewayCounts(db: Db, task?: string) {
  const { rows: answers } = await db.execute<{
    task: string;
    checkpointId: number;
    answers: number;
    aborted: number;
    up: number;
    down: number;
  }>(sql`select c.task, c.checkpoint_id::float8 as "checkpointId", count(*)::int as answers,
      count(*) filter (where c.outcome = 'aborted')::int as aborted,
      sum((select count(*) from ${gatewayFeedback} f where f.completion_id = c.id and f.rating = 'up'))::int as up,
      sum((select count(*) from ${gatewayFeedback} f where f.completion_id = c.id and f.rating = 'down'))::int as down
    from ${gatewayCompletions} c where ${task === undefined ? sql`true` : sql`c.task = ${task}`}
    group by c.task, c.checkpoint_id order by c.task, c.checkpoint_id`);
  const pooled = await db
    .select({ task: storedPrompts.task, source: storedPrompts.source, prompts: sql<number>`count(*)::int` })
    .from(storedPrompts)
    .where(task === undefined ? undefined : eq(storedPrompts.task, task))
    .groupBy(storedPrompts.task, storedPrompts.source)
    .orderBy(storedPrompts.task, storedPrompts.source);
  const left = await db
    .select({
      task: gatewayCompletions.task,
      why: gatewayCompletions.notPooled,
      answers: sql<number>`count(*)::int`,
    })
    .from(gatewayCompletions)
    .where(
      and(
        isNotNull(gatewayCompletions.notPooled),
        task === undefined ? undefined : eq(gatewayCompletions.task, task),
      ),
    )
    .groupBy(gatewayCompletions.task, gatewayCompletions.notPooled)
    .orderBy(desc(sql`count(*)`));
  return { answers, pooled, left };
}

/** Feedback, newest first. */
export async function listFeedback(db: Db, task: string | undefined, most: number) {
  return db
    .select({ feedback: gatewayFeedback, completion: gatewayCompletions, prompt: storedPrompts.text })
    .from(gatewayFeedback)
    .innerJoin(gatewayCompletions, eq(gatewayCompletions.id, gatewayFeedback.completionId))
    .leftJoin(storedPrompts, eq(storedPrompts.id, gatewayFeedback.storedPromptId))
    .where(task === undefined ? undefined : eq(gatewayFeedback.task, task))
    .orderBy(desc(gatewayFeedback.id))
    .limit(most);
}

export async function feedbackByIds(db: Db, ids: number[]): Promise<Feedback[]> {
  if (ids.length === 0) return [];
  return db.query.gatewayFeedback.findMany({
    where: inArray(gatewayFeedback.id, ids),
    orderBy: asc(gatewayFeedback.id),
  });
}
