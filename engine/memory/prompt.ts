/** How memory entries stand in a prompt: before the question, and after all that the task itself says first. */
import { estimatePromptTokens } from '../../models/tokens.ts';
import type { MemoryEntry } from '../../db/queries/memory.ts';
import type { ChatMessage, Strategy } from '../../tasks/task.ts';

type Shown = Pick<MemoryEntry, 'kind' | 'request' | 'text'>;

/** A pattern is an earlier turn, asked in the same words as the question; heuristics stand at the head of the question itself. */
export function withMemory(
  { messages }: Pick<Strategy, 'messages'>,
  entries: readonly Shown[],
): Strategy['messages'] {
  if (entries.length === 0) return messages;
  const turns = entries.flatMap(({ request, text }): ChatMessage[] =>
    request === null ? [] : [...messages(request).slice(-1), { role: 'assistant', content: text }],
  );
  const rules = entries.flatMap(({ kind, text }) => (kind === 'heuristic' ? [`- ${text}`] : []));
  const head = rules.length > 0 ? `Keep in mind:\n${rules.join('\n')}\n\n` : '';
  return (question) => {
    const asked = messages(question);
    const last = asked.at(-1)!;
    return [...asked.slice(0, -1), ...turns, { ...last, content: `${head}${last.content}` }];
  };
}

/** What an entry takes of a prompt, by our own estimate, which is rather too much. */
export const memoryTokens = ({ request, text }: { request: string | null; text: string }): number =>
  estimatePromptTokens([request ?? '', text].map((content) => ({ content })));
