import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import pLimit from 'p-limit';
import { addCalls, type NewCall, type Tx } from '../db/queries/calls.ts';
import type { Db } from '../db/connect.ts';
import { storableText } from '../db/storable.ts';
import type { ChatReply, ChatRequest } from '../models/chat.ts';
import { chat } from '../models/chat.ts';
import type { Endpoint, Role } from '../models/endpoint.ts';
import { errorText } from '../models/errors.ts';
import { toFailure } from '../models/failure.ts';
import { INSTEAD } from '../models/forms.ts';
import { limiterOf } from '../models/limiter.ts';
import { attempt } from './attempts.ts';
import { beating } from './beat.ts';
import { groupWriter } from './group-writer.ts';
import { count, measured } from './metrics.ts';
import type { Reload } from './reload.ts';

/**
 * A page whose replies can't be stored for so long is alive in name only: it sends no further heartbeat, so that Temporal gives it
 * to another worker. Calls themselves are bounded by the time that a request may take.
 */
const UNSTORED_MS = 2 * 60_000;

/** Whose call it is, for the ledger. */
export type CallContext = { runId: string; iterationId: number | null; stage: string; role: Role };

export type MadeCall = { reply: ChatReply; call: NewCall };

/** Failed calls on their way to the ledger. */
const writing = new Set<Promise<unknown>>();

/** Resolves when the failed calls so far are in the ledger. */
export const failedCallsWritten = async (): Promise<void> => {
  await Promise.all(writing);
};

/**
 * One chat completion with its ledger row, and one for each form of it that the endpoint refused. A failed call is written to the ledger and rethrown at once: the
 * limiter must hear of a 429 before the next call begins, not when the database has stored it.
 */
export async function ledgerChat(
  db: Db,
  endpoint: Endpoint,
  request: ChatRequest,
  context: CallContext,
  signal: AbortSignal,
): Promise<MadeCall> {
  let began = performance.now();
  const failed = (error: unknown, because = '') => {
    count('ratchet_model_calls', 1, { role: context.role, outcome: 'error' });
    const latencyMs = Math.round(performance.now() - began);
    began = performance.now();
    const text = storableText(`${because}${errorText(error)}`.slice(0, 2000));
    const row = { ...context, model: endpoint.model, latencyMs, error: text };
    const write = addCalls(db, [row])
      .catch(() => {})
      .finally(() => writing.delete(write));
    writing.add(write);
  };
  try {
    const reply = await chat(endpoint, request, signal, (form, error) =>
      failed(error, `${form} is refused, ${INSTEAD[form]}: `),
    );
    const { fingerprint, promptTokens, completionTokens, estimated, requests, latencyMs } = reply;
    const { role } = context;
    count('ratchet_model_calls', 1, { role, outcome: 'ok' });
    count('ratchet_tokens', promptTokens, { role, kind: 'prompt' });
    count('ratchet_tokens', completionTokens, { role, kind: 'completion' });
    measured('ratchet_model_call_seconds', latencyMs / 1000, { role });
    return {
      reply,
      call: {
        ...context,
        model: endpoint.model,
        fingerprint,
        requests,
        promptTokens,
        completionTokens,
        estimated,
        latencyMs,
      },
    };
  } catch (error) {
    if (!signal.aborted) failed(error);
    throw error;
  }
}

/** What stands for a call that got no answer: it is in the ledger already as failed, so this costs nothing. */
export function unanswered(endpoint: Endpoint, context: CallContext, reason: string): MadeCall {
  const { model } = endpoint;
  return {
    reply: {
      choices: [],
      model,
      fingerprint: undefined,
      promptTokens: 0,
      completionTokens: 0,
      estimated: false,
      requests: 0,
      latencyMs: 0,
      raw: {} as never,
    },
    call: { ...context, model, latencyMs: 0, requests: 0, error: reason.slice(0, 2000) },
  };
}

/** Stores calls and what was made of their replies together, so that no answer is there without its cost, nor the other way. */
export const storeWithCalls =
  <Made extends MadeCall>(
    db: Db,
    write: (tx: Tx, made: Made[], callIds: number[]) => Promise<void>,
  ): ((made: Made[]) => Promise<void>) =>
  (made) =>
    db.transaction(async (tx) => {
      const callIds = await addCalls(
        tx,
        made.map(({ call }) => call),
      );
      await write(tx, made, callIds);
    });

/**
 * Makes many model calls, at most `concurrency` of this page and what the endpoint's limiter allows, storing
 * each reply as it arrives. Transient failures are tried again a few times before they fail the page. After
 * that no new call is begun; those in flight still finish and are stored, since they are paid for.
 *
 * @throws the first failure, mapped for Temporal's retry policies
 */
export async function callAll<Item, Row>(
  items: Item[],
  options: {
    endpoint: Endpoint;
    concurrency: number;
    call: (item: Item, signal: AbortSignal) => Promise<Row>;
    /** What is stored in place of an answer that will never come; throws what is no such case. */
    onFailure?: (item: Item, error: unknown) => Row;
    /** Brings a model back that the endpoint no longer knows. */
    reload?: Reload;
    store: (rows: Row[]) => Promise<void>;
    what: string;
  },
): Promise<void> {
  const signal = cancellationSignal();
  const limiter = limiterOf(options.endpoint);
  const limit = pLimit(options.concurrency);
  const writer = groupWriter(options.store);
  const halt = new AbortController();
  const waiting = AbortSignal.any([signal, halt.signal]);
  let done = 0;
  let failure: { error: unknown } | undefined;

  async function settle(item: Item): Promise<void> {
    if (waiting.aborted) return;
    try {
      await writer.add(await answer(item));
      done += 1;
    } catch (error) {
      if (!waiting.aborted) {
        failure = { error };
        halt.abort();
      }
    }
  }

  async function answer(item: Item): Promise<Row> {
    try {
      return await attempt(() => options.call(item, signal), limiter, waiting, options.reload);
    } catch (error) {
      if (waiting.aborted || !options.onFailure) throw error;
      return options.onFailure(item, error);
    }
  }

  const tell = () => {
    if (writer.unstoredMs() < UNSTORED_MS) heartbeat({ done, total: items.length });
  };
  await beating(tell, async () => {
    await Promise.all(items.map((item) => limit(() => settle(item))));
    await failedCallsWritten();
    signal.throwIfAborted();
    if (failure) throw toFailure(failure.error, `${options.what} (attempt ${activityInfo().attempt})`);
  });
}
