/** Conversations: rows of a JSONL file, or the gateway's record in the same shape. Turns of users and of the assistant, with feedback where somebody gave it. */
import { z } from 'zod';
import { redactText, type RedactedKind } from '../../process/redact.ts';
import { readRows } from '../code/rows.ts';
import { textProblem } from '../jsonl.ts';

const text = z.string().min(1).max(20_000);
const who = z.string().trim().min(1).max(200);

const feedbackSchema = z
  .strictObject({
    rating: z.enum(['up', 'down']).optional(),
    correction: text.optional().describe('the right answer'),
    by: who.optional(),
  })
  .refine(
    ({ rating, correction }) => rating !== undefined || correction !== undefined,
    'needs a rating, a correction or both',
  );

const turnSchema = z.strictObject({
  role: z.enum(['user', 'assistant']),
  text,
  feedback: feedbackSchema.optional().describe('what somebody said of this answer'),
});

const conversationSchema = z.strictObject({
  id: z.string().min(1).max(200).describe('unique in the file'),
  at: z.iso.datetime({ offset: true }).describe('when it was, as 2026-09-01T09:00:00Z'),
  by: who.optional().describe('who asked; the same name is the same person'),
  turns: z.array(turnSchema).min(1).max(200),
});
export type Conversation = z.output<typeof conversationSchema>;

/**
 * All conversations of a file.
 *
 * @throws InvalidInputError naming bad rows, and ids that stand there twice
 */
export const readConversations = (file: string): Promise<Conversation[]> =>
  readRows('conversations file', file, conversationSchema, 'is no conversation', ({ turns }) => {
    if (turns.some(({ role, feedback }) => role === 'user' && feedback))
      return 'has feedback on a turn of the user: it belongs to the answer';
    return turns
      .map(
        (turn) =>
          textProblem('text', turn.text) ?? textProblem('correction', turn.feedback?.correction ?? ''),
      )
      .find(Boolean);
  });

/** Without personal data, and how much of it was taken out. Who asked is a name for the same person and no more. */
export function redacted(
  conversation: Conversation,
  kinds: readonly RedactedKind[],
  kept: ReadonlySet<string>,
): { conversation: Conversation; counts: Record<string, number> } {
  const counts: Record<string, number> = {};
  const clean = (given: string): string => {
    const found = redactText(given, kinds, kept);
    for (const [kind, n] of Object.entries(found.counts)) counts[kind] = (counts[kind] ?? 0) + n;
    return found.text;
  };
  const turns = conversation.turns.map((turn) => ({
    ...turn,
    text: clean(turn.text),
    ...(turn.feedback
      ? {
          feedback: {
            ...turn.feedback,
            ...(turn.feedback.correction === undefined
              ? {}
              : { correction: clean(turn.feedback.correction) }),
          },
        }
      : {}),
  }));
  return { conversation: { ...conversation, turns }, counts };
}
