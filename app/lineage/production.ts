/** `why` for what came through the gateway: an answer, feedback, and what became of both. */
import { and, asc, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import { examplesOf, feedbackByIds, findCompletion, supersedingFeedback } from '../../db/queries/gateway.ts';
import { findStoredPrompt } from '../../db/queries/outside.ts';
import { getCheckpoint } from '../../db/queries/runs.ts';
import { benchmarkItems, gatewayFeedback, iterations, prompts } from '../../db/schema.ts';
import { UsageError } from '../../process/errors.ts';
import { nameOf } from './sample.ts';
import { said } from './origin.ts';
import type { CompletionWhy, FeedbackWhy } from './production-types.ts';

/** @throws UsageError when there is no such feedback */
export async function feedbackFacts(db: Db, id: number): Promise<Omit<FeedbackWhy, 'datasets' | 'reached'>> {
  const [feedback] = await feedbackByIds(db, [id]);
  if (!feedback) throw new UsageError(`There is no feedback ${id}. See it with: ratchet feedback`);
  const completion = (await findCompletion(db, feedback.completionId))!;
  const prompt =
    feedback.storedPromptId === null ? undefined : await findStoredPrompt(db, feedback.storedPromptId);
  const drawn = await db
    .select({ prompt: prompts.id, run: iterations.runId, iteration: iterations.index })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(eq(prompts.feedbackId, id))
    .orderBy(asc(prompts.id));
  const heldOut = await db
    .select({ run: benchmarkItems.runId, benchmark: benchmarkItems.benchmark })
    .from(benchmarkItems)
    .where(eq(benchmarkItems.feedbackId, id))
    .orderBy(asc(benchmarkItems.id));
  return {
    what: 'feedback',
    task: feedback.task,
    feedback: said(feedback),
    rationale: feedback.rationale,
    supersededBy: (await supersedingFeedback(db, feedback))?.id ?? null,
    prompt: prompt?.text ?? null,
    checkpoint: nameOf(await getCheckpoint(db, completion.checkpointId)),
    drawn,
    examples: await examplesOf(db, id),
    heldOut,
  };
}

/** @throws UsageError when there is no such answer */
export async function whyCompletion(db: Db, id: string): Promise<CompletionWhy> {
  const completion = await findCompletion(db, id);
  if (!completion) throw new UsageError(`The gateway has given no answer ${id}.`);
  const prompt =
    completion.storedPromptId === null ? undefined : await findStoredPrompt(db, completion.storedPromptId);
  const feedback = await db.query.gatewayFeedback.findMany({
    where: eq(gatewayFeedback.completionId, id),
    orderBy: asc(gatewayFeedback.id),
  });
  const drawn =
    completion.storedPromptId === null
      ? []
      : await db
          .select({ prompt: prompts.id, run: iterations.runId, iteration: iterations.index })
          .from(prompts)
          .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
          .where(
            and(
              isNotNull(prompts.storedPromptId),
              inArray(prompts.storedPromptId, [completion.storedPromptId]),
            ),
          )
          .orderBy(asc(prompts.id));
  const { task, outcome, fallback, fingerprint, latencyMs, notPooled, replies, createdAt } = completion;
  return {
    what: 'completion',
    id,
    task,
    outcome,
    fallback,
    fingerprint,
    latencyMs,
    at: createdAt.toISOString(),
    checkpoint: nameOf(await getCheckpoint(db, completion.checkpointId)),
    prompt: prompt?.text ?? null,
    notPooled,
    replies,
    feedback: feedback.map(said),
    drawn,
  };
}
