/** Where prompts of runs come from in production. */
import { asc, eq } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import type { Feedback } from '../db/gateway.ts';
import { gatewayCompletions, gatewayFeedback } from '../db/schema.ts';
import type { FeedbackSaid, Production } from './why-types.ts';

/** Answers named of a prompt that came many times. */
const NAMED = 3;

export function said(feedback: Feedback): FeedbackSaid {
  const { id, by, rating, correction, answer, use, note, createdAt, completionId } = feedback;
  return {
    id,
    by,
    rating,
    correction,
    answer,
    use,
    note,
    completion: completionId,
    at: createdAt.toISOString(),
  };
}

/** Where prompts of runs come from in production, by the id of the stored prompt. */
export async function productionOf(
  db: Db,
  of: readonly { gatewayPromptId: number | null }[],
): Promise<Map<number, Production>> {
  const ids = [...new Set(of.flatMap((one) => one.gatewayPromptId ?? []))];
  const found = new Map<number, Production>();
  for (const id of ids) {
    const answers = await db
      .select({ id: gatewayCompletions.id })
      .from(gatewayCompletions)
      .where(eq(gatewayCompletions.promptId, id))
      .orderBy(asc(gatewayCompletions.createdAt))
      .limit(NAMED);
    const given = await db.query.gatewayFeedback.findMany({
      where: eq(gatewayFeedback.promptId, id),
      orderBy: asc(gatewayFeedback.id),
    });
    found.set(id, {
      prompt: id,
      asked: await db.$count(gatewayCompletions, eq(gatewayCompletions.promptId, id)),
      completions: answers.map((one) => one.id),
      feedback: given.map(said),
    });
  }
  return found;
}
