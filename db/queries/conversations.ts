/** Conversations that came through the gateway, where their texts are stored. */
import { and, asc, eq, isNotNull } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { gatewayCompletions, gatewayFeedback } from '../schema.ts';

export type StoredConversation = {
  id: string;
  at: Date;
  turns: { role: 'user' | 'assistant'; text: string; rating?: 'up' | 'down'; by?: string }[];
};

/**
 * Of a conversation each request repeats what was said before. The longest of each is given, with the ratings of its answers; oldest first.
 * Corrections that people sent as feedback go their own way and are not among them.
 */
export async function storedConversations(db: Db, task: string): Promise<StoredConversation[]> {
  const rows = await db
    .select({
      id: gatewayCompletions.id,
      at: gatewayCompletions.createdAt,
      messages: gatewayCompletions.messages,
      replies: gatewayCompletions.replies,
    })
    .from(gatewayCompletions)
    .where(
      and(
        eq(gatewayCompletions.task, task),
        isNotNull(gatewayCompletions.messages),
        isNotNull(gatewayCompletions.replies),
      ),
    )
    .orderBy(asc(gatewayCompletions.createdAt), asc(gatewayCompletions.id));
  const ratings = await ratingsOf(db, task);
  const read = rows.flatMap(({ id, at, messages, replies }) => {
    const [reply] = replies ?? [];
    const said = (messages ?? []) as { role: string; content: string }[];
    const asked = said.filter(
      ({ role, content }) => (role === 'user' || role === 'assistant') && content !== '',
    );
    if (!reply || asked.length === 0) return [];
    const turns: StoredConversation['turns'] = asked.map(({ role, content }) => ({
      role: role as 'user' | 'assistant',
      text: content,
    }));
    return [{ id, at, turns: [...turns, { role: 'assistant' as const, text: reply, ...ratings.get(id) }] }];
  });
  return longest(read);
}

async function ratingsOf(db: Db, task: string) {
  const rows = await db
    .select({ id: gatewayFeedback.completionId, rating: gatewayFeedback.rating, by: gatewayFeedback.by })
    .from(gatewayFeedback)
    .where(and(eq(gatewayFeedback.task, task), isNotNull(gatewayFeedback.rating)))
    .orderBy(asc(gatewayFeedback.id));
  return new Map(rows.map(({ id, rating, by }) => [id, { rating: rating!, by }]));
}

/** Those that are the beginning of no other; ratings of earlier answers are kept. */
function longest(all: readonly StoredConversation[]): StoredConversation[] {
  const textOf = ({ turns }: StoredConversation, upTo = turns.length) =>
    JSON.stringify(turns.slice(0, upTo).map(({ role, text }) => [role, text]));
  const whole = new Map(all.map((one) => [textOf(one), one]));
  const inOthers = new Set<string>();
  for (const one of all) {
    for (let upTo = 1; upTo < one.turns.length; upTo++) {
      const earlier = whole.get(textOf(one, upTo));
      if (!earlier) continue;
      inOthers.add(textOf(earlier));
      one.turns[upTo - 1] = { ...earlier.turns.at(-1)! };
    }
  }
  return [...whole].flatMap(([text, one]) => (inOthers.has(text) ? [] : [one]));
}
