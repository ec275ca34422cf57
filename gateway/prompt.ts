/** The task's prompt in a chat request: what a run would draw, without the task's own way of asking around it. */
import { withoutExamples } from '../tasks/examples.ts';
import type { Prompt, Task } from '../tasks/task.ts';

export type StoredMessage = { role: string; content: string };

const MARK = '\uE000';

/** Texts of a request's messages; pictures and calls of tools have none. */
export function messageTexts(messages: unknown): StoredMessage[] {
  if (!Array.isArray(messages)) return [];
  return messages.map((message: { role?: unknown; content?: unknown } | null) => {
    const content = message?.content;
    const parts = Array.isArray(content)
      ? content.map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : ''))
      : [typeof content === 'string' ? content : ''];
    return {
      role: typeof message?.role === 'string' ? message.role : 'user',
      content: parts.join('\n').trim(),
    };
  });
}

/** A string says why the request's prompt can't be drawn by a run. */
export function promptIn(task: Task, messages: StoredMessage[]): Prompt | string {
  const asked = withoutExamples(task, messages);
  const users = asked.filter((message) => message.role === 'user');
  const others = asked.some(({ role }) => !['user', 'system', 'developer'].includes(role));
  if (users.length === 0) return 'has no message of a user';
  if (users.length > 1 || others) return 'is a conversation';
  let text = users[0]!.content;
  // What the task itself puts around its problems is no part of the problem.
  const [before, after, more] = (
    task.ask(MARK).findLast((one) => one.role === 'user')?.content ?? MARK
  ).split(MARK);
  if (more === undefined && after !== undefined && (before !== '' || after !== '')) {
    const [start, end] = [before!.trimStart(), after.trimEnd()];
    if (text.startsWith(start) && text.endsWith(end) && text.length >= start.length + end.length)
      text = text.slice(start.length, text.length - end.length);
  }
  return task.readPrompt(text.trim());
}
