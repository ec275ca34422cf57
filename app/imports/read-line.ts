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

/** `bare`: the problem itself, as `export --format jsonl` writes it, and no way of asking it around it. */
type Turns = { asked: ChatMessage[]; answered?: string; bare?: true };

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
  const given = ['completion', 'chosen', 'rationale'].filter((name) => row[name] !== undefined);
  const field = given.find((name) => !isEmpty(row[name])) ?? given[0];
  const answer = field === undefined ? undefined : answerOf(row[field], field);
  if (typeof answer === 'string') return answer;
  // What `export --format jsonl` wrote: the rationale answers the request, which may be another form of the prompt.
  const bare = field === 'rationale' && typeof row['request'] === 'string';
  const text = bare ? row['request'] : prompt;
  if (typeof text === 'string')
    return { asked: [{ role: 'user', content: text }], ...answer, ...(bare ? { bare } : {}) };
  const asked = messagesOf(text, 'prompt');
  return typeof asked === 'string' ? asked : { asked, ...answer };
}

/** Fields that can hold the answer of a line: where two do, nobody knows which is meant. */
const ANSWERS = ['completion', 'chosen', 'rationale', 'response', 'output'] as const;
/** What a line may ask for that no task can ask: the answer would be one to something else. */
const NOT_TAKEN = ['tools', 'functions', 'function_call', 'tool_calls', 'images', 'image', 'videos', 'audio'];

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** Cells of CSV are texts. */
const isNo = (value: unknown): value is false | 0 | string =>
  value === false || value === 0 || (typeof value === 'string' && /^(false|0(\.0)?)$/i.test(value));

/** Why a line's answer may not be learnt from, by what the line itself says of it; undefined: it may be. */
function refusalOf(row: Row): string | undefined {
  const { label, weight, messages } = row;
  if (isNo(label)) return `is marked as bad ("label": ${label}): leave it out, or import it as prompts`;
  if (isNo(weight))
    return 'is marked as not to be trained on ("weight": 0): leave it out, or import it as prompts';
  const last = Array.isArray(messages) ? (messages.at(-1) as Row | undefined | null) : undefined;
  if (last?.['weight'] === 0)
    return 'has an answer that is marked as not to be trained on ("weight": 0): leave it out, or import it as prompts';
  const answers = ANSWERS.filter((name) => !isEmpty(row[name]));
  const all = last?.['role'] === 'assistant' ? ['messages', ...answers] : answers;
  return all.length > 1 ? `has ${all.length} answers ("${all.join('" and "')}"): keep one` : undefined;
}

/** What a line has that can't be taken over: its answer would be one to another question. */
function foreignIn(row: Row): string | undefined {
  const field = NOT_TAKEN.find((name) => !isEmpty(row[name]));
  if (field !== undefined) return `has "${field}", which is not taken: a task asks in text only`;
  const lists = ['messages', 'prompt', 'completion', 'chosen'].flatMap((name) =>
    Array.isArray(row[name]) ? (row[name] as unknown[]) : [],
  );
  for (const one of lists) {
    const called = NOT_TAKEN.find((name) => !isEmpty((one as Row | null)?.[name]));
    if (called !== undefined)
      return `has a message with "${called}", which is not taken: a task asks in text only`;
  }
  return undefined;
}

/** Fields that are read, or known to say nothing of problem and answer (our own exports have them). */
const KNOWN = new Set(
  'messages prompt completion chosen rejected rationale request answer label weight key level strategy metadata gates chat_template_kwargs id'.split(
    ' ',
  ),
);

/** Fields of a line that nothing is made of. */
export const leftAside = (row: Row): string[] => Object.keys(row).filter((name) => !KNOWN.has(name));

const HOLE = '\u{E000}';

/** The problem in what was asked: the task's own way of asking is taken off, where it was asked so. */
function problemIn(task: Task, given: Turns): { text: string } | string {
  if (given.bare) return { text: given.asked[0]!.content };
  const asked = withoutExamples(task, given.asked);
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
  const foreign = foreignIn(row);
  if (foreign !== undefined) return foreign;
  const turns = turnsOf(row);
  return typeof turns === 'string' ? turns : problemIn(task, turns);
}

export function readWorked(task: Task, row: Row): Worked | string {
  const refused = foreignIn(row) ?? refusalOf(row);
  if (refused !== undefined) return refused;
  const turns = turnsOf(row);
  if (typeof turns === 'string') return turns;
  if (turns.answered === undefined) return 'has no answer of the assistant';
  const problem = problemIn(task, turns);
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
