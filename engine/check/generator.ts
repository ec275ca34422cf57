/** Asks the generator as the run will: one prompt of the pool with its samples, and one held-out problem greedily. */
import { judgesBehaviour } from '../../tasks/task.ts';
import { seedOf } from '../context.ts';
import { INSTEAD, type Form } from '../../models/forms.ts';
import type { ChatReply, ChatRequest } from '../../models/chat.ts';
import { plain } from '../../process/text.ts';
import { faultOf, type Asked } from './faults.ts';
import type { TaskFacts } from './task.ts';
import type { Finding, Read, Trace } from './types.ts';

type Made = { trace?: Trace; findings: Finding[] };

function readOf({ task }: TaskFacts, text: string, finishReason: string, formText: string): Read {
  const answer = task.readAnswer(text);
  const coherence =
    answer === undefined
      ? { ok: false, reason: 'no answer could be read' }
      : task.checkCoherence(formText, text, answer);
  return { text, finishReason, answer: answer ?? null, format: task.checkFormat(formText, text), coherence };
}

function traceOf(
  reply: ChatReply,
  request: ChatRequest,
  of: Trace['of'],
  prompt: string,
  reads: Read[],
): Trace {
  const { n, seed, temperature, maxTokens } = request;
  return {
    of,
    prompt,
    messages: request.messages,
    parameters: { n, seed, temperature, maxTokens },
    reads,
    promptTokens: reply.promptTokens,
    completionTokens: reply.completionTokens,
    seconds: reply.latencyMs / 1000,
  };
}

/** What the endpoint does not take, and what is done instead: a run learns the same, and goes on. */
export const plainer = ({ role, endpoint }: Asked, refused: Form[]): Finding[] =>
  refused.map((form) => ({
    role,
    ok: true,
    what: `${endpoint.baseURL} does not take ${form}: ${INSTEAD[form]}`,
  }));

/** The first request of the run's first pool, as `sample` makes it. */
export async function askPool(asked: Asked, facts: TaskFacts, signal?: AbortSignal): Promise<Made> {
  const { settings, task, prompt, draw } = facts;
  const request: ChatRequest = {
    messages: draw.strategy.messages(draw.form.text),
    maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
    temperature: settings.sampling.temperature,
    topP: settings.sampling.topP,
    n: draw.indices.length,
    seed: seedOf(settings.seed, prompt.key, 'check'),
  };
  let reply: ChatReply;
  const refused: Form[] = [];
  try {
    reply = await asked.ask(asked.endpoint, request, signal, (form) => refused.push(form), asked.role);
  } catch (error) {
    return { findings: [await faultOf(error, asked, signal)] };
  }
  const reads = reply.choices.slice(0, request.n).map(({ text, finishReason }) => {
    const read = readOf(facts, text, finishReason, draw.form.text);
    return { ...read, answer: read.answer === null ? null : (draw.form.mapBack(read.answer) ?? null) };
  });
  const trace = {
    ...traceOf(reply, request, 'pool', prompt.text, reads),
    asked: `${draw.form.key}, ${draw.strategy.name}`,
  };
  return { trace, findings: [...plainer(asked, refused), ...poolFindings(asked, trace, reply, request)] };
}

function poolFindings(
  { role }: Asked,
  { reads }: Trace,
  reply: ChatReply,
  { n = 1, temperature }: ChatRequest,
): Finding[] {
  const notes: Finding[] = [];
  const note = (what: string, mend: string) => notes.push({ role, ok: true, what, mend });
  if (reads.length < n)
    note(
      `Of ${n} samples asked for at once ${reads.length} came: it ignores n.`,
      'The run asks again for those that are missing: more requests, the same tokens but for the prompts.',
    );
  if (temperature > 0 && reads.length > 1 && new Set(reads.map(({ text }) => text)).size === 1)
    note(
      `All ${reads.length} samples are the same text at temperature ${temperature}.`,
      'It does not sample: votes would agree with themselves. Turn off what overrides temperature there.',
    );
  if (reply.completionTokens === 0)
    note('It counts no tokens (usage).', 'Budgets and costs will be too low.');
  return notes;
}

/** The first target problem, as a benchmark asks it. */
export async function askHeldOut(asked: Asked, facts: TaskFacts, signal?: AbortSignal): Promise<Made> {
  const { settings, task, items } = facts;
  const item = items.find(({ role }) => role === 'target')!;
  const request: ChatRequest = {
    messages: task.ask(item.text),
    maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
    temperature: 0,
  };
  try {
    const reply = await asked.ask(asked.endpoint, request, signal, undefined, asked.role);
    const { text, finishReason } = reply.choices[0] ?? { text: '', finishReason: 'unknown' };
    const read = readOf(facts, text, finishReason, item.text);
    const right = read.answer !== null && task.sameAnswer(read.answer, item.answer);
    const trace = traceOf(reply, request, 'held-out', item.text, [read]);
    // What a program is worth is known where it runs.
    if (judgesBehaviour(task)) return { trace, findings: [] };
    return { trace: { ...trace, known: { answer: item.answer, right } }, findings: [] };
  } catch (error) {
    return { findings: [await faultOf(error, asked, signal)] };
  }
}

/** What the replies say together: whether the run could learn anything from such answers. */
export function readFindings(traces: Trace[]): Finding[] {
  const reads = traces.flatMap((trace) => trace.reads);
  if (reads.length === 0) return [];
  const cutOff = reads.filter(({ finishReason }) => finishReason === 'length').length;
  const unread = reads.filter(({ answer }) => answer === null);
  const misformed = reads.filter(({ format }) => !format.ok).length;
  const limit = traces[0]!.parameters.maxTokens;
  const share = (count: number) => `${count} of ${reads.length} answers`;
  const findings: Finding[] = [];
  const add = (ok: boolean, what: string, mend?: string) =>
    findings.push({ role: 'generator', ok, what, mend, ...(ok ? {} : { survivable: true }) });
  if (cutOff > 0)
    add(
      cutOff < reads.length,
      `${share(cutOff)} ended at the limit of ${limit} tokens.`,
      `Raise it: --set sampling.maxTokens=${2 * limit} (maxTokens of a task file), or ask for less.`,
    );
  const rule = unread[0]?.format.reason;
  if (unread.length > 0 && cutOff < reads.length)
    add(
      unread.length < reads.length,
      `${share(unread.length)} can't be read: ${plain(rule ?? '')}`,
      unread.length < reads.length
        ? 'They abstain from votes; many of them make a run slow.'
        : 'Tell the model in the prompt how to state its answer, give worked examples (examples of the task file), or read it otherwise (answer.read).',
    );
  if (unread.length === 0 && cutOff === 0) add(true, `${share(reads.length)} can be read`);
  if (unread.length === 0 && misformed === reads.length)
    add(
      true,
      `None of the answers is in the task's form: ${plain(reads[0]!.format.reason)}`,
      'The gate format would fail them all.',
    );
  return findings;
}
