/**
 * One line of a file that people have: OpenAI's chat format, TRL's formats with messages or plain texts, and what
 * `ratchet export` writes. A text says what is wrong with it.
 */
import { withoutExamples } from '../../tasks/examples.ts';
import type { ChatMessage, Task } from '../../tasks/task.ts';
import { excerpt } from '../../tasks/jsonl.ts';

type Row = Record<string, unknown>;

/** `answer`: stated beside the rationale, where that is an answer to this very text. */
export type Worked = { text: string; rationale: string; answer?: string };

type Turns = { asked: ChatMessage[]; answered?: string };

const ROLES = new Set(['system', 'user', 'assistant', 'developer']);

function messagesOf(value: unknown, field: string): ChatMessage[] | string {
  if (!Array.isArray(value) || value.length === 0) return `has a "${field}" that is no list of messages`;
  const messages: ChatMessage[] = [];
  for (const [i, one] of (value as unknown[]).entries()) {
    const { role, content } = (one ?? {}) as Row;
    if (typeof role !== 'string' || !ROLES.has(role))
      return `has a message ${i + 1} in "${field}" with the role ${excerpt(JSON.stringify(role) ?? 'none')}`;
    if (typeof content !== 'string') return `has a message ${i + 1} in "${field}" whose content is no text`;
    messages.push({ role: role === 'developer' ? 'system' : (role as ChatMessage['role']), content });
  }
  return messages;
}

/** An answer: a text, or a list of messages with one from the assistant. */
function answerOf(value: unknown, field: string): { answered: string } | string {
  if (typeof value === 'string') return { answered: value };
  const messages = messagesOf(value, field);
  if (typeof messages === 'string') return messages;
  const [only] = messages;
  if (messages.length !== 1 || only!.role !== 'assistant')
    return `has a "${field}" of ${messages.length} messages: one of the assistant is wanted`;
  return { answered: only!.content };
}

function turnsOf(row: Row): Turns | string {
  if (row['messages'] !== undefined) {
    const messages = messagesOf(row['messages'], 'messages');
    if (typeof messages === 'string') return messages;
    const last = messages.at(-1)!;
    return last.role === 'assistant'
      ? { asked: messages.slice(0, -1), answered: last.content }
      : { asked: messages };
  }
  const { prompt } = row;
  if (prompt === undefined)
    return `has no field "prompt" or "messages" (it has ${excerpt(Object.keys(row).join(', '), 100)})`;
  const field = ['completion', 'chosen', 'rationale'].find((name) => row[name] !== undefined);
  const answer = field === undefined ? undefined : answerOf(row[field], field);
  if (typeof answer === 'string') return answer;
  // What `export --format jsonl` wrote: the rationale answers the request, which may be another form of the prompt.
  const text = field === 'rationale' && typeof row['request'] === 'string' ? row['request'] : prompt;
  if (typeof text === 'string') return { asked: [{ role: 'user', content: text }], ...answer };
  const asked = messagesOf(text, 'prompt');
  return typeof asked === 'string' ? asked : { asked, ...answer };
}

const HOLE = '\u{E000}';

/** The problem in what was asked: the task's own way of asking is taken off, where it was asked so. */
function problemIn(task: Task, given: ChatMessage[]): { text: string } | string {
  const asked = withoutExamples(task, given);
  const users = asked.filter((one) => one.role === 'user');
  if (users.length !== 1 || asked.some((one) => one.role === 'assistant'))
    return `is a conversation of ${asked.length + 1} messages: the task asks one question`;
  const own = task.ask(HOLE);
  const systemOf = (messages: ChatMessage[]) =>
    messages
      .filter((one) => one.role === 'system')
      .map((one) => one.content)
      .join('\n');
  const system = systemOf(asked);
  if (system !== '' && system !== systemOf(own))
    return `has a system message that is not the task's: ${excerpt(system)}`;
  const { content } = users[0]!;
  const template = own.findLast((one) => one.role === 'user')!.content.split(HOLE);
  const [before = '', after = ''] = [template[0], template.at(-1)];
  const framed =
    template.length === 2 &&
    content.length > before.length + after.length &&
    content.startsWith(before) &&
    content.endsWith(after);
  return { text: framed ? content.slice(before.length, content.length - after.length) : content };
}

/** The problem alone; an answer that stands there is left aside. */
export function readProblem(task: Task, row: Row): { text: string } | string {
  const turns = turnsOf(row);
  return typeof turns === 'string' ? turns : problemIn(task, turns.asked);
}

export function readWorked(task: Task, row: Row): Worked | string {
  const turns = turnsOf(row);
  if (typeof turns === 'string') return turns;
  if (turns.answered === undefined) return 'has no answer of the assistant';
  const problem = problemIn(task, turns.asked);
  if (typeof problem === 'string') return problem;
  const { answer, request, prompt } = row;
  const stated = request === undefined || request === prompt ? answer : undefined;
  if (stated !== undefined && typeof stated !== 'string' && typeof stated !== 'number')
    return 'has an "answer" that is no text or number';
  return {
    ...problem,
    rationale: turns.answered,
    ...(stated === undefined ? {} : { answer: String(stated) }),
  };
}
