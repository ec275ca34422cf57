/** Paraphrases by the model: the rewrites of prompts whose task knows no exact ones. */
import { createHash } from 'node:crypto';
import { insertNew } from '../db/insert-new.ts';
import { asc, inArray } from 'drizzle-orm';
import { addCalls } from '../db/queries/calls.ts';
import type { Db } from '../db/connect.ts';
import { paraphraseKey, type StoredPrompt } from '../db/queries/prompts.ts';
import { paraphrases } from '../db/schema.ts';
import { storableText } from '../db/storable.ts';
import { normalised } from '../loop/leaks.ts';
import { notAParaphrase } from '../loop/paraphrase.ts';
import { visibleOf } from '../tasks/thinking-text.ts';
import type { ChatChoice, ChatRequest } from '../models/chat.ts';
import { unfence } from '../tasks/strict-json.ts';
import type { ChatMessage, Rewrite } from '../tasks/task.ts';
import { CHARACTERS_PER_TOKEN, withinBudget, type Tokens } from './budget.ts';
import { extraKey } from './cache.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from './calls.ts';
import { endpointOf, seedOf, type IterationContext } from './context.ts';
import { allowanceOf, refusalReason } from './refusals.ts';

/** Sampled warm: ways of saying one thing should differ. */
const TEMPERATURE = 0.9;

/** How a model is asked for paraphrases of a text. */
export const paraphraseMessages = (text: string): ChatMessage[] => [
  {
    role: 'system',
    content:
      'You rewrite problems in other words. Keep every number, every name, every unit and every condition, and ask for the same thing. ' +
      'Do not solve the problem and do not comment on it. Answer with the rewritten problem alone.',
  },
  { role: 'user', content: text },
];

const mostTokens = (text: string): number => 64 + Math.ceil(text.length);

/** Does the run use paraphrases? A task's exact rewrites are better. */
function paraphrasesOf({ settings, task }: Pick<IterationContext, 'settings' | 'task'>): number {
  return task.rewrites ? 0 : settings.sampling.paraphrases;
}

/** Tokens that paraphrasing a prompt may take. */
function paraphraseTokens(text: string): Tokens {
  const prompt = paraphraseMessages(text).reduce((sum, message) => sum + message.content.length, 0);
  return { prompt: prompt / CHARACTERS_PER_TOKEN, completion: text.length / CHARACTERS_PER_TOKEN };
}

type Row = typeof paraphrases.$inferInsert;

/** What a model wrote as a paraphrase: without its thinking, a byte-order mark, or a fence around it; nothing if it was cut off. */
function paraphraseOf({ text, finishReason, refused }: ChatChoice): string {
  if (refused !== undefined || finishReason === 'length') return '';
  return unfence(visibleOf(text));
}

/** The accepted paraphrases of some prompts as rewrites, by prompt. */
export async function acceptedParaphrases(db: Db, promptIds: number[]): Promise<Map<number, Rewrite[]>> {
  if (promptIds.length === 0) return new Map();
  const rows = await db
    .select()
    .from(paraphrases)
    .where(inArray(paraphrases.promptId, promptIds))
    .orderBy(asc(paraphrases.promptId), asc(paraphrases.index));
  const usable = rows.filter((row) => row.ok);
  return new Map(
    [...Map.groupBy(usable, (row) => row.promptId)].map(([promptId, own]) => [
      promptId,
      own.map(({ index, text }) => ({
        key: paraphraseKey(index),
        text,
        mapBack: (answer: string) => answer,
      })),
    ]),
  );
}

/** How a run's starting model, or its teacher, is asked for `n` paraphrases of a prompt. */
function askingOf({ settings, task, teacher }: IterationContext, n: number) {
  const role = teacher ? ('teacher' as const) : ('generator' as const);
  // Without a teacher the base, whatever was promoted: what it made is in store.
  const endpoint = endpointOf(role, settings, task, teacher);
  const requestOf = ({ key, text }: StoredPrompt): ChatRequest => ({
    messages: paraphraseMessages(text),
    maxTokens: mostTokens(text),
    temperature: TEMPERATURE,
    n,
    seed: seedOf('paraphrase', key),
  });
  /** Equal requests have equal answers. */
  const keyOf = (prompt: StoredPrompt): string => {
    const { baseURL, model } = endpoint;
    const asked = ['paraphrase', baseURL, model, requestOf(prompt), ...extraKey(endpoint)];
    return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
  };
  return { role, endpoint, n, requestOf, keyOf };
}
type Asking = ReturnType<typeof askingOf>;

/** What a model wrote for a prompt, checked: `n` rows, refused ones with the reason. */
function rowsOf(
  prompt: StoredPrompt,
  texts: string[],
  { n, callId, cacheKey, refused }: { n: number; callId: number; cacheKey: string | null; refused?: string },
): Row[] {
  const known = new Set<string>();
  return Array.from({ length: n }, (_, index): Row => {
    const text = storableText(texts[index] ?? '').trim();
    const form = normalised(text);
    const wrong =
      refused ??
      (texts[index] === undefined ? 'it was not given' : undefined) ??
      notAParaphrase(prompt.text, text) ??
      (known.has(form) ? 'it is the same as an earlier one' : undefined);
    known.add(form);
    const reason = wrong ?? 'it keeps numbers and names';
    return { promptId: prompt.id, index, text, ok: wrong === undefined, reason, callId, cacheKey };
  });
}

/** Paraphrases that an earlier equal request has, as rows of these prompts. */
async function earlierRows(db: Db, prompts: StoredPrompt[], { n, keyOf }: Asking): Promise<Row[]> {
  const earlier = await db
    .select()
    .from(paraphrases)
    .where(inArray(paraphrases.cacheKey, prompts.map(keyOf)))
    .orderBy(asc(paraphrases.promptId), asc(paraphrases.index));
  const byKey = Map.groupBy(earlier, (row) => row.cacheKey);
  return prompts.flatMap((prompt) => {
    const cacheKey = keyOf(prompt);
    const rows = (byKey.get(cacheKey) ?? []).slice(0, n);
    if (rows.length < n) return [];
    const texts = rows.map((row) => row.text);
    return rowsOf(prompt, texts, { n, callId: rows[0]!.callId, cacheKey });
  });
}

/**
 * Asks the starting model for paraphrases of a page of prompts, checks and stores them. One request per prompt; what is stored,
 * also by an earlier run of an equal request, is not asked for again. What does not keep numbers and names is stored as
 * refused, with the reason, and never asked.
 */
export async function paraphrasePage(db: Db, context: IterationContext, page: StoredPrompt[]): Promise<void> {
  const n = paraphrasesOf(context);
  if (n === 0 || page.length === 0) return;
  const { run, iteration, settings, task } = context;
  const asking = askingOf(context, n);
  const ids = page.map((prompt) => prompt.id);
  const stored = await db
    .selectDistinct({ promptId: paraphrases.promptId })
    .from(paraphrases)
    .where(inArray(paraphrases.promptId, ids));
  const have = new Set(stored.map((row) => row.promptId));
  const todo = page.filter((prompt) => !have.has(prompt.id));
  const taken = settings.sampling.cache ? await earlierRows(db, todo, asking) : [];
  await insertNew(db, paraphrases, taken);
  const cached = new Set(taken.map((row) => row.promptId));
  const open = todo.filter((prompt) => !cached.has(prompt.id));

  const mean = page.reduce((sum, prompt) => sum + prompt.text.length, 0) / page.length;
  const tokens = paraphraseTokens('x'.repeat(Math.ceil(mean)));
  const held = {
    key: `paraphrase/${iteration.index}/${page[0]!.position}`,
    model: asking.endpoint.model,
    units: open.length,
    each: { prompt: tokens.prompt, completion: tokens.completion * n },
  };
  await withinBudget(db, { run, settings, task, iterationId: iteration.id }, held, () =>
    askAll(db, context, asking, { open, total: page.length }),
  );
}

/** @param total prompts of the page, of which a share may fail */
async function askAll(
  db: Db,
  { run, iteration, settings }: IterationContext,
  { role, endpoint, n, requestOf, keyOf }: Asking,
  { open, total }: { open: StoredPrompt[]; total: number },
) {
  type Made = MadeCall & { prompt: StoredPrompt; refused?: string };
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'paraphrase', role };
  const what = `paraphrasing with ${endpoint.model}`;
  const allowance = allowanceOf(what, { share: settings.paging.failureAllowance, total, before: 0 });
  return callAll(open, {
    endpoint,
    concurrency: settings.paging.callsInFlight,
    what,
    call: async (prompt, signal): Promise<Made> => {
      return { ...(await ledgerChat(db, endpoint, requestOf(prompt), whose, signal)), prompt };
    },
    onFailure: (prompt, error): Made => {
      const refused = refusalReason(error);
      if (refused === undefined) throw error;
      allowance.take(error);
      return { ...unanswered(endpoint, whose, refused), prompt, refused };
    },
    store: (made: Made[]) =>
      db.transaction(async (tx) => {
        const ids = await addCalls(
          tx,
          made.map((one) => one.call),
        );
        const rows = made.flatMap(({ prompt, reply, refused }, i) => {
          const texts = reply.choices.map(paraphraseOf);
          // A server that gives fewer choices than asked for leaves a prompt with fewer rewrites.
          const whole = refused === undefined && texts.length >= n;
          return rowsOf(prompt, texts, {
            n,
            callId: ids[i]!,
            cacheKey: whole ? keyOf(prompt) : null,
            refused,
          });
        });
        await tx.insert(paraphrases).values(rows).onConflictDoNothing();
      }),
  });
}
