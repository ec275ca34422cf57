/** Where prompts of runs come from outside of them. */
import { asc, eq } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import type { Feedback } from '../../db/queries/gateway.ts';
import { findStoredPrompt } from '../../db/queries/outside.ts';
import { gatewayCompletions, gatewayFeedback } from '../../db/schema.ts';
import type { PromptSource } from '../../tasks/documents/source.ts';
import type { FeedbackSaid, StoredOrigin } from './production-types.ts';

/** The passage that a prompt was written about, in words. */
export function sourceText({ passage, heading, page, digest, model }: PromptSource): string {
  const where = [passage, ...(heading ? [heading] : []), ...(page ? [`page ${page}`] : [])].join(', ');
  return `${where}; sha256 ${digest.slice(0, 12)}${model ? `, written by ${model}` : ''}`;
}

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

/** Where prompts of runs come from outside of them, by the id of the stored prompt. */
export async function storedOrigins(
  db: Db,
  of: readonly { storedPromptId: number | null }[],
): Promise<Map<number, StoredOrigin>> {
  const ids = [...new Set(of.flatMap((one) => one.storedPromptId ?? []))];
  const found = new Map<number, StoredOrigin>();
  for (const id of ids) {
    const { source, origin } = (await findStoredPrompt(db, id))!;
    const answers = await db
      .select({ id: gatewayCompletions.id })
      .from(gatewayCompletions)
      .where(eq(gatewayCompletions.storedPromptId, id))
      .orderBy(asc(gatewayCompletions.createdAt))
      .limit(NAMED);
    const given = await db.query.gatewayFeedback.findMany({
      where: eq(gatewayFeedback.storedPromptId, id),
      orderBy: asc(gatewayFeedback.id),
    });
    found.set(id, {
      prompt: id,
      source,
      origin,
      asked: await db.$count(gatewayCompletions, eq(gatewayCompletions.storedPromptId, id)),
      completions: answers.map((one) => one.id),
      feedback: given.map(said),
    });
  }
  return found;
}
