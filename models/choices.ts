/**
 * The choices of a completion, each index once and in order: some servers repeat a choice or list them as they
 * finish. Choices without an index stay where they are, and so do those of a server that numbers them badly (all 0,
 * say) and gives as many as it was asked for: each is paid for, and a draw of its own.
 */
export function distinctChoices<Choice extends { index?: number } | null>(
  given: readonly Choice[],
  wanted = 1,
): Choice[] {
  if (!given.every((choice) => typeof choice?.index === 'number')) return [...given];
  const byIndex = new Map<number, Choice>();
  for (const choice of given) if (!byIndex.has(choice!.index!)) byIndex.set(choice!.index!, choice);
  if (byIndex.size < wanted && given.length >= wanted) return [...given];
  return [...byIndex].sort(([a], [b]) => a - b).map(([, choice]) => choice);
}

/** What a choice says. The API promises the types; what came may be anything. */
export type ReadChoice = {
  /** Thinking and answer as one text, tags included. */
  text: string;
  finishReason: string;
  /** Why nothing was said, in the endpoint's words: a content filter, or the model's own refusal. */
  refused?: string;
  /** The error object, or the reason, of a choice that failed on its way: it says nothing about the model. */
  failed?: unknown;
};

/** Reasons of servers and routers for a choice that broke off on its way and not by the model. */
const FAILED =
  /^(error|abort|aborted|cancelled|canceled|network[_-]?error|timeout|malformed_function_call)$/i;

/** Longest refusal that is stored. */
const REFUSAL_CHARACTERS = 500;

export function readChoice(choice: unknown): ReadChoice {
  const { message, finish_reason: finish, error } = record(choice);
  const said = record(message);
  const finishReason = typeof finish === 'string' && finish !== '' ? finish : 'unknown';
  const answer = textOf(said.content);
  const thinking = [said.reasoning, said.reasoning_content, said.thinking].map(textOf).find(Boolean) ?? '';
  const text = thinking === '' ? answer : joinThinking(thinking, answer, finishReason === 'length');
  if (typeof error === 'object' && error !== null) return { text, finishReason, failed: error };
  if (FAILED.test(finishReason)) return { text, finishReason, failed: `finish_reason "${finishReason}"` };
  const refusal = textOf(said.refusal).trim().slice(0, REFUSAL_CHARACTERS);
  // What a filter cut is no answer either, however much of it came.
  if (finishReason === 'content_filter')
    return { text, finishReason, refused: refusal || 'finish_reason "content_filter"' };
  return refusal !== '' && answer === '' ? { text, finishReason, refused: refusal } : { text, finishReason };
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** A text, or a list of parts of which those with a `text` are put together. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => {
      if (typeof part === 'string') return part;
      const { text } = record(part);
      return typeof text === 'string' ? text : '';
    })
    .join('');
}

/**
 * Thinking that came apart and the answer as one text, as a template writes them. Thinking that was cut off has no end.
 */
export function joinThinking(thinking: string, answer: string, cutOff: boolean): string {
  const began = `<think>\n${thinking}`;
  return cutOff && answer === '' ? began : `${began}\n</think>\n\n${answer}`;
}
