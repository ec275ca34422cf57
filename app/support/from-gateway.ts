/** The gateway's record of a task as conversations, like those of a file. */
import type { Db } from '../../db/connect.ts';
import { storedConversations } from '../../db/queries/conversations.ts';
import type { Conversation } from '../../tasks/support/conversations.ts';

export async function gatewayConversations(db: Db, task: string): Promise<Conversation[]> {
  return (await storedConversations(db, task)).map(({ id, at, turns }) => ({
    id,
    at: at.toISOString(),
    turns: turns.map(({ role, text, rating, by }) => ({
      role,
      text,
      ...(rating ? { feedback: { rating, ...(by === undefined ? {} : { by }) } } : {}),
    })),
  }));
}
