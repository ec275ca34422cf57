import { and, eq, inArray } from 'drizzle-orm';
import { addCalls } from '../db/calls.ts';
import type { Db } from '../db/connect.ts';
import type { StoredPrompt } from '../db/prompts.ts';
import { samples } from '../db/schema.ts';
import type { Rewrite, Strategy } from '../tasks/task.ts';
import { meanTokens, withinBudget } from './budget.ts';
import { callAll, ledgerChat, type MadeCall } from './calls.ts';
import { endpointOf, seedOf, type IterationContext } from './context.ts';

/** One way in which a prompt is put to the model, and the indices of the samples wanted of it. */
export type SampleRequest = { prompt: StoredPrompt; form: Rewrite; strategy: Strategy; indices: number[] };

type NewSample = typeof samples.$inferInsert;
type Answered = MadeCall & { request: SampleRequest; seed: number };

/** In the task's form, with steps that hang together: only such work votes or is put to the critic. */
export function isWellFormed(sample: { formatOk: boolean; coherenceOk: boolean }): boolean {
  return sample.formatOk && sample.coherenceOk;
}

/** The requests of which some samples are not stored yet, each with only what is missing. */
async function missing(db: Db, requests: SampleRequest[], round: number): Promise<SampleRequest[]> {
  const promptIds = [...new Set(requests.map((r) => r.prompt.id))];
  if (promptIds.length === 0) return [];
  const stored = await db
    .select({ promptId: samples.promptId, index: samples.index })
    .from(samples)
    .where(and(inArray(samples.promptId, promptIds), eq(samples.round, round)));
  const have = new Set(stored.map((row) => `${row.promptId}/${row.index}`));
  return requests
    .map((r) => ({ ...r, indices: r.indices.filter((index) => !have.has(`${r.prompt.id}/${index}`)) }))
    .filter((r) => r.indices.length > 0);
}

/**
 * Asks the generator for samples and stores each as it arrives, under its natural key (prompt, round,
 * index): what is stored is never asked for again. A malformed rationale is data; a reply with fewer
 * choices than asked for leaves its samples missing and fails the page, so that a retry asks for them.
 */
export async function sample(
  db: Db,
  context: IterationContext,
  requests: SampleRequest[],
  options: { round: number; temperature: number; stage: string },
): Promise<{ wanted: number; asked: number }> {
  const { run, iteration, settings, task, checkpoint } = context;
  const endpoint = endpointOf('generator', settings, task, checkpoint);
  const todo = await missing(db, requests, options.round);

  async function ask(request: SampleRequest, signal: AbortSignal): Promise<Answered> {
    const seed = seedOf(iteration.plan.seed, request.prompt.key, options.round, request.indices[0]!);
    const made = await ledgerChat(
      db,
      endpoint,
      {
        messages: request.strategy.messages(request.form.text),
        maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
        temperature: options.temperature,
        topP: settings.sampling.topP,
        n: request.indices.length,
        seed,
      },
      { runId: run.id, iterationId: iteration.id, stage: options.stage, role: 'generator' },
      signal,
    );
    return { ...made, request, seed };
  }

  function rowsOf({ reply, request, seed }: Answered, callId: number): NewSample[] {
    return request.indices.slice(0, reply.choices.length).map((index, i) => {
      const { text, finishReason, completionTokens } = reply.choices[i]!;
      const read = task.readAnswer(text);
      const answer = read === undefined ? undefined : request.form.mapBack(read);
      const format = task.checkFormat(request.form.text, text);
      const coherence =
        read === undefined
          ? { ok: false, reason: 'no answer could be read' }
          : task.checkCoherence(request.form.text, text, read);
      return {
        promptId: request.prompt.id,
        round: options.round,
        index,
        checkpointId: checkpoint.id,
        callId,
        rewrite: request.form.key,
        strategy: request.strategy.name,
        request: request.form.text,
        // PostgreSQL's text holds no NUL.
        rationale: text.replaceAll('\0', '\uFFFD'),
        answer: answer ?? null,
        formatOk: format.ok,
        formatReason: format.reason,
        coherenceOk: coherence.ok,
        coherenceReason: coherence.reason,
        finishReason,
        completionTokens,
        fingerprint: reply.fingerprint,
        seed,
      };
    });
  }

  const calls = () =>
    callAll(todo, {
      concurrency: settings.paging.callsInFlight,
      what: `sampling from ${endpoint.model}`,
      call: ask,
      store: (answered: Answered[]) =>
        db.transaction(async (tx) => {
          const ids = await addCalls(
            tx,
            answered.map((a) => a.call),
          );
          const rows = answered.flatMap((a, i) => rowsOf(a, ids[i]!));
          if (rows.length > 0) await tx.insert(samples).values(rows).onConflictDoNothing();
        }),
    });
  const { sample: each } = await meanTokens(db, run, settings, task);
  const first = requests[0]?.prompt.position ?? 0;
  const page = {
    key: `${options.stage}/${iteration.index}/${first}`,
    model: endpoint.model,
    units: todo.reduce((sum, r) => sum + r.indices.length, 0),
    each,
  };
  await withinBudget(db, { run, settings, task, iterationId: iteration.id }, page, calls);
  const left = await missing(db, todo, options.round);
  if (left.length > 0) {
    const n = left.reduce((sum, r) => sum + r.indices.length, 0);
    throw new Error(
      `${endpoint.model} gave ${n} choices fewer than asked for with n > 1; they are asked for again.`,
    );
  }
  const count = (list: SampleRequest[]) => list.reduce((sum, r) => sum + r.indices.length, 0);
  return { wanted: count(requests), asked: count(todo) };
}
