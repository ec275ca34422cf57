import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import { and, eq, inArray } from 'drizzle-orm';
import { addCalls } from '../db/calls.ts';
import type { Db } from '../db/connect.ts';
import type { StoredPrompt } from '../db/prompts.ts';
import { samples } from '../db/schema.ts';
import type { ChatRequest } from '../models/chat.ts';
import { FAILURE } from '../models/errors.ts';
import { meanTokens, withinBudget } from './budget.ts';
import { isOf, sampleKeys, storedSamples } from './cache.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from './calls.ts';
import { endpointOf, seedOf, type IterationContext } from './context.ts';
import type { Draw } from './pool.ts';
import { answerIn, CUT_OFF, cutOffReason, rationaleOf } from './reading.ts';
import { allowanceOf, REFUSAL, REFUSED, refusalReason } from './refusals.ts';
import { count as counted } from './metrics.ts';
import { reloadOf } from './reload.ts';

/** One way in which a prompt is put to the model. */
export type SampleRequest = Draw & { prompt: StoredPrompt };

/** Samples of a page: all, those asked for now, and those taken from equal draws of earlier runs. */
export type Sampled = { wanted: number; asked: number; cached: number };

type NewSample = typeof samples.$inferInsert;
type StoredRow = { promptId: number; index: number; finishReason: string };
type Answered = MadeCall & { request: SampleRequest; seed: number; refused?: string };

/** Rounds of asking in which not one missing choice came before the page fails. */
const BARREN_ROUNDS = 3;

/** Rows in one insert: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 1000;

/** In the task's form, with steps that hang together: only such work votes or is put to the critic. */
export function isWellFormed(sample: { formatOk: boolean; coherenceOk: boolean }): boolean {
  return sample.formatOk && sample.coherenceOk;
}

const count = (requests: SampleRequest[]) => requests.reduce((sum, r) => sum + r.indices.length, 0);
const idOf = (promptId: number, index: number) => `${promptId}/${index}`;

/** The samples that these prompts have already. */
async function storedOf(db: Db, requests: SampleRequest[], round: number): Promise<StoredRow[]> {
  const promptIds = [...new Set(requests.map((r) => r.prompt.id))];
  if (promptIds.length === 0) return [];
  return db
    .select({ promptId: samples.promptId, index: samples.index, finishReason: samples.finishReason })
    .from(samples)
    .where(and(inArray(samples.promptId, promptIds), eq(samples.round, round)));
}

/** The requests of which some samples are not stored yet, each with only what is missing. */
function missing(requests: SampleRequest[], stored: StoredRow[]): SampleRequest[] {
  const have = new Set(stored.map((row) => idOf(row.promptId, row.index)));
  return requests
    .map((r) => ({ ...r, indices: r.indices.filter((index) => !have.has(idOf(r.prompt.id, index))) }))
    .filter((r) => r.indices.length > 0);
}

/**
 * Asks the generator for samples and stores each as it arrives, under its natural key (prompt, round,
 * index): what is stored is never asked for again, nor is what an earlier run drew under equal conditions.
 * A malformed rationale is data. Choices beyond those asked for are ignored, missing ones asked for again. What
 * the endpoint refuses for good is stored as samples that abstain, up to the page's allowance.
 *
 * @throws ModelUnavailable
 */
export async function sample(
  db: Db,
  context: IterationContext,
  requests: SampleRequest[],
  options: { round: number; temperature: number; stage: string },
): Promise<Sampled> {
  const { run, iteration, settings, task, checkpoint } = context;
  const { round } = options;
  const endpoint = endpointOf('generator', settings, task, checkpoint);
  const whose = {
    runId: run.id,
    iterationId: iteration.id,
    stage: options.stage,
    role: 'generator' as const,
  };
  const what = `sampling from ${endpoint.model}`;

  function chatRequest({ prompt, form, strategy, indices }: SampleRequest): ChatRequest & { seed: number } {
    return {
      messages: strategy.messages(form.text),
      maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
      temperature: options.temperature,
      topP: settings.sampling.topP,
      n: indices.length,
      seed: seedOf(iteration.plan.seed, prompt.key, round, indices[0]!),
    };
  }

  const keysOf = (request: SampleRequest) =>
    sampleKeys(endpoint, checkpoint, chatRequest(request), request.indices);

  /** The row of one sample: what the model said, and what the task makes of it. */
  function rowOf(
    { prompt, form, strategy }: SampleRequest,
    index: number,
    drawn: Pick<
      NewSample,
      | 'rationale'
      | 'finishReason'
      | 'completionTokens'
      | 'fingerprint'
      | 'seed'
      | 'callId'
      | 'cacheKey'
      | 'cached'
    >,
  ): NewSample {
    const { rationale, finishReason } = drawn;
    const read = answerIn(task, { text: rationale, finishReason });
    const answer = read === undefined ? undefined : form.mapBack(read);
    const format =
      finishReason === CUT_OFF
        ? { ok: false, reason: cutOffReason(drawn.completionTokens) }
        : task.checkFormat(form.text, rationale);
    const coherence =
      read === undefined
        ? { ok: false, reason: 'no answer could be read' }
        : task.checkCoherence(form.text, rationale, read);
    return {
      ...drawn,
      promptId: prompt.id,
      round,
      index,
      checkpointId: checkpoint.id,
      rewrite: form.key,
      strategy: strategy.name,
      request: form.text,
      answer: answer ?? null,
      formatOk: format.ok,
      formatReason: format.reason,
      coherenceOk: coherence.ok,
      coherenceReason: coherence.reason,
    };
  }

  /** The rows of what a request got: of choices beyond those asked for, none. */
  function rowsOf({ reply, request, seed, refused }: Answered, callId: number): NewSample[] {
    if (refused !== undefined)
      return request.indices.map((index) => refusedRow(request, index, seed, refused, callId));
    const keys = isOf(checkpoint, reply.fingerprint) ? keysOf(request) : undefined;
    return request.indices.slice(0, reply.choices.length).map((index, i) => {
      const choice = reply.choices[i]!;
      const { finishReason, completionTokens } = choice;
      if (choice.refused !== undefined)
        return refusedRow(request, index, seed, `${REFUSAL}: ${choice.refused}`, callId);
      return rowOf(request, index, {
        rationale: rationaleOf(choice),
        finishReason,
        completionTokens,
        fingerprint: reply.fingerprint,
        seed,
        callId,
        cacheKey: keys?.[i],
      });
    });
  }

  /** A sample that was refused: out of form, so it abstains from the vote, and without a key, so never cached. */
  function refusedRow(request: SampleRequest, index: number, seed: number, reason: string, callId: number) {
    const drawn = { rationale: '', finishReason: REFUSED, completionTokens: 0, seed, callId };
    const formed = {
      answer: null,
      formatOk: false,
      formatReason: reason,
      coherenceOk: false,
      coherenceReason: reason,
    };
    return { ...rowOf(request, index, drawn), ...formed };
  }

  /**
   * Takes over what earlier runs drew. Hits count from the front of a request only: the rest then begins at
   * another index and so has another seed, and cannot draw the same again.
   */
  async function fromCache(wanted: SampleRequest[]): Promise<number> {
    const keys = wanted.map(keysOf);
    const known = await storedSamples(db, keys.flat());
    const rows = wanted.flatMap((request, i) => {
      const gap = keys[i]!.findIndex((key) => !known.has(key));
      const hits = gap === -1 ? keys[i]! : keys[i]!.slice(0, gap);
      return hits.map((cacheKey, j) => {
        const { rationale, finishReason, completionTokens, fingerprint, seed, callId } = known.get(cacheKey)!;
        const drawn = { rationale, finishReason, completionTokens, fingerprint, seed, callId, cacheKey };
        return rowOf(request, request.indices[j]!, { ...drawn, cached: true });
      });
    });
    for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
      await db
        .insert(samples)
        .values(rows.slice(i, i + ROWS_AT_ONCE))
        .onConflictDoNothing();
    }
    return rows.length;
  }

  let stored = await storedOf(db, requests, round);
  let left = missing(requests, stored);
  let cached = 0;
  // A request that was answered in parts was stored in parts, each under its own seed: look until no more is found.
  while (settings.sampling.cache && left.length > 0) {
    const hits = await fromCache(left);
    if (hits === 0) break;
    cached += hits;
    stored = await storedOf(db, requests, round);
    left = missing(requests, stored);
  }
  const asked = count(left);
  counted('ratchet_samples', cached, { source: 'cached' });

  const refusedIds = new Set(
    stored.filter((row) => row.finishReason === REFUSED).map((row) => idOf(row.promptId, row.index)),
  );
  const allowance = allowanceOf(what, {
    share: settings.paging.failureAllowance,
    total: requests.length,
    before: requests.filter((r) => r.indices.some((index) => refusedIds.has(idOf(r.prompt.id, index))))
      .length,
  });
  const reload = reloadOf(
    db,
    endpoint,
    endpointOf('trainer', settings, task),
    checkpoint,
    cancellationSignal(),
  );

  const calls = () =>
    callAll(left, {
      endpoint,
      concurrency: settings.paging.callsInFlight,
      what,
      reload,
      call: async (request, signal): Promise<Answered> => {
        const wire = chatRequest(request);
        const made = await ledgerChat(db, endpoint, wire, whose, signal);
        const [first] = made.reply.choices;
        // Refused in the answer or by a status: the page lets as many pass.
        if (made.reply.choices.every(({ refused }) => refused !== undefined)) allowance.take(first?.refused);
        return { ...made, request, seed: wire.seed };
      },
      onFailure: (request, error): Answered => {
        const refused = refusalReason(error);
        if (refused === undefined) throw error;
        allowance.take(error);
        return { ...unanswered(endpoint, whose, refused), request, seed: chatRequest(request).seed, refused };
      },
      store: (answered: Answered[]) =>
        db.transaction(async (tx) => {
          const ids = await addCalls(
            tx,
            answered.map((a) => a.call),
          );
          const rows = answered.flatMap((a, i) => rowsOf(a, ids[i]!));
          if (rows.length > 0) await tx.insert(samples).values(rows).onConflictDoNothing();
          counted('ratchet_samples', rows.length, { source: 'drawn' });
        }),
    });
  const { sample: each } = await meanTokens(db, run, settings, task);
  const first = requests[0]?.prompt.position ?? 0;
  const page = {
    key: `${options.stage}/${iteration.index}/${first}`,
    model: endpoint.model,
    units: asked,
    each,
  };
  await withinBudget(db, { run, settings, task, iterationId: iteration.id }, page, async () => {
    for (let barren = 0; left.length > 0;) {
      await calls();
      const still = missing(left, await storedOf(db, left, round));
      // Some servers give one choice whatever n says, so a round that brought anything is progress.
      barren = count(still) < count(left) ? 0 : barren + 1;
      if (barren === BARREN_ROUNDS) {
        throw ApplicationFailure.create({
          type: FAILURE.modelUnavailable,
          message: `${what}: ${count(still)} choices fewer than asked for, ${BARREN_ROUNDS} times in a row`,
        });
      }
      left = still;
    }
  });
  return { wanted: count(requests), asked, cached };
}
