/** What is read of a reply: one rule for samples, benchmarks and all other answers. */
import { storableText } from '../db/storable.ts';
import type { ChatChoice } from '../models/chat.ts';
import type { Rewrite, Task } from '../tasks/task.ts';

/** `finishReason` of a reply that was cut off by its limit of tokens. It counts as no answer: its last words are not its last. */
export const CUT_OFF = 'length';

export const cutOffReason = (tokens: number): string => `cut off after ${tokens} tokens`;

/** A choice's text as it is stored (db/storable.ts), so that what is compared and what is kept are one. */
export const rationaleOf = (choice: Pick<ChatChoice, 'text'> | undefined): string =>
  storableText(choice?.text ?? '');

/** The answer in a reply; undefined where it was cut off or refused, or has none. */
export function answerIn(
  task: Task,
  choice: Pick<ChatChoice, 'text' | 'finishReason' | 'refused'> | undefined,
): string | undefined {
  if (!choice || choice.finishReason === CUT_OFF || choice.refused !== undefined) return undefined;
  return task.readAnswer(rationaleOf(choice));
}

/** What a task makes of a work: the answer to the prompt itself, its form and whether its steps hang together. */
export function readWork(
  task: Task,
  form: Rewrite,
  work: Pick<ChatChoice, 'text' | 'finishReason' | 'completionTokens'>,
) {
  const { text, finishReason, completionTokens } = work;
  const read = answerIn(task, work);
  const format =
    finishReason === CUT_OFF
      ? { ok: false, reason: cutOffReason(completionTokens) }
      : task.checkFormat(form.text, text);
  const coherence =
    read === undefined
      ? { ok: false, reason: 'no answer could be read' }
      : task.checkCoherence(form.text, text, read);
  return {
    answer: (read === undefined ? undefined : form.mapBack(read)) ?? null,
    formatOk: format.ok,
    formatReason: format.reason,
    coherenceOk: coherence.ok,
    coherenceReason: coherence.reason,
  };
}
