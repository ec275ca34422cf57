/**
 * Keeps what the gateway answered: always which checkpoint did, never a text unless storing is asked for, and then
 * redacted. What can't be stored is counted with its reason; an answer never fails for it.
 */
import type { Db } from '../db/connect.ts';
import { addCompletion } from '../db/queries/gateway.ts';
import { storePrompt } from '../db/queries/outside.ts';
import type { gatewayCompletions } from '../db/schema.ts';
import { errorText } from '../models/errors.ts';
import { messageTexts, promptIn } from './prompt.ts';
import type { Observe } from './observe.ts';
import type { Redact } from './redact.ts';
import type { Target } from './routes.ts';
import type { Log } from './log.ts';

export type Answer = Omit<
  typeof gatewayCompletions.$inferInsert,
  'checkpointId' | 'messages' | 'replies' | 'redacted' | 'storedPromptId' | 'notPooled'
> & { target: Target; messages: unknown; replies: string[] };

/** The client does not wait longer than this for the database. */
const WAIT_MS = 2000;

const add = (to: Record<string, number>, more: Record<string, number>) => {
  for (const [kind, n] of Object.entries(more)) to[kind] = (to[kind] ?? 0) + n;
};

/** Reasons name no text: the first words of the task's own reason may quote the prompt. */
const reasonOf = (problem: string) => problem.split(': ')[0]!.slice(0, 200);

async function textsOf(db: Db, redact: Redact, { id, target, task, messages, replies }: Answer) {
  const redacted: Record<string, number> = {};
  const kept: { role: string; content: string }[] = [];
  for (const { role, content } of messageTexts(messages)) {
    const found = await redact(content, { task, part: 'prompt' });
    if ('refused' in found) return { notPooled: found.refused };
    add(redacted, found.counts);
    kept.push({ role, content: found.text });
  }
  const answers: string[] = [];
  for (const reply of replies) {
    const found = await redact(reply ?? '', { task, part: 'answer' });
    if ('refused' in found) return { notPooled: found.refused };
    add(redacted, found.counts);
    answers.push(found.text);
  }
  const prompt = promptIn(target.task, kept);
  const pooled =
    typeof prompt === 'string'
      ? { notPooled: reasonOf(prompt) }
      : { storedPromptId: await storePrompt(db, { ...prompt, task, source: 'gateway', origin: id }) };
  return { messages: kept, replies: answers, redacted, ...pooled };
}

export function createRecord(
  db: Db,
  options: { stores(task: string): boolean; redact: Redact; observe: Observe },
  log: Log,
): { record(answer: Answer): Promise<void>; settled(): Promise<void> } {
  const underWay = new Set<Promise<void>>();
  let lost = 0;

  async function store(answer: Answer): Promise<void> {
    try {
      const { target, messages: _messages, replies: _replies, ...row } = answer;
      const texts = options.stores(answer.task) ? await textsOf(db, options.redact, answer) : {};
      await addCompletion(db, { ...row, ...texts, checkpointId: target.checkpoint.id });
    } catch (error) {
      lost += 1;
      options.observe({ kind: 'unrecorded', task: answer.task });
      log.error({ completion: answer.id, lost, error: errorText(error) }, 'an answer could not be recorded');
    }
  }

  return {
    async record(answer) {
      const storing = store(answer).finally(() => underWay.delete(storing));
      underWay.add(storing);
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
      await Promise.race([storing, waited]);
      clearTimeout(timer);
    },
    async settled() {
      await Promise.allSettled(underWay);
    },
  };
}
