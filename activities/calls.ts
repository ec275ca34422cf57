import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import pLimit from 'p-limit';
import type { NewCall } from '../db/calls.ts';
import { addCalls } from '../db/calls.ts';
import type { Db } from '../db/connect.ts';
import type { ChatReply, ChatRequest } from '../models/chat.ts';
import { chat } from '../models/chat.ts';
import type { Endpoint, Role } from '../models/endpoint.ts';
import { toFailure } from '../models/errors.ts';

/** How often a page tells Temporal that it lives. Well under the heartbeat timeout of 20 s. */
const HEARTBEAT_MS = 5_000;

/** Whose call it is, for the ledger. */
export type CallContext = { runId: string; iterationId: number | null; stage: string; role: Role };

export type MadeCall = { reply: ChatReply; call: NewCall };

/** One chat completion with its ledger row. A failed call is written to the ledger at once and rethrown. */
export async function ledgerChat(
  db: Db,
  endpoint: Endpoint,
  request: ChatRequest,
  context: CallContext,
  signal: AbortSignal,
): Promise<MadeCall> {
  const began = performance.now();
  try {
    const reply = await chat(endpoint, request, signal);
    const { fingerprint, promptTokens, completionTokens, latencyMs } = reply;
    return {
      reply,
      call: { ...context, model: endpoint.model, fingerprint, promptTokens, completionTokens, latencyMs },
    };
  } catch (error) {
    if (!signal.aborted) {
      const latencyMs = Math.round(performance.now() - began);
      const text = (error instanceof Error ? error.message : String(error)).slice(0, 2000);
      await addCalls(db, [{ ...context, model: endpoint.model, latencyMs, error: text }]).catch(() => {});
    }
    throw error;
  }
}

/**
 * Writes rows in groups: whatever arrives while one write is under way goes with the next. No row waits
 * for a timer, and a burst of replies costs one transaction instead of hundreds.
 */
function groupWriter<Row>(write: (rows: Row[]) => Promise<void>): (row: Row) => Promise<void> {
  type Waiting = { row: Row; resolve: () => void; reject: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let writing = false;
  async function drain() {
    writing = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, 400);
      try {
        await write(group.map((w) => w.row));
        for (const w of group) w.resolve();
      } catch (error) {
        for (const w of group) w.reject(error);
      }
    }
    writing = false;
  }
  return (row) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ row, resolve, reject });
      if (!writing) void drain();
    });
}

/**
 * Makes many model calls with bounded concurrency, storing each reply as it arrives. After the first
 * failure no new call is begun; those in flight still finish and are stored, since they are paid for.
 *
 * @throws the first failure, mapped for Temporal's retry policies
 */
export async function callAll<Item, Row>(
  items: Item[],
  options: {
    concurrency: number;
    call: (item: Item, signal: AbortSignal) => Promise<Row>;
    store: (rows: Row[]) => Promise<void>;
    what: string;
  },
): Promise<void> {
  const signal = cancellationSignal();
  const limit = pLimit(options.concurrency);
  const write = groupWriter(options.store);
  let done = 0;
  let failed = false;
  const beat = setInterval(() => heartbeat({ done, total: items.length }), HEARTBEAT_MS);
  try {
    const results = await Promise.allSettled(
      items.map((item) =>
        limit(async () => {
          if (failed || signal.aborted) return;
          try {
            await write(await options.call(item, signal));
            done += 1;
          } catch (error) {
            failed = true;
            throw error;
          }
        }),
      ),
    );
    signal.throwIfAborted();
    const rejected = results.find((result) => result.status === 'rejected');
    if (rejected) throw toFailure(rejected.reason, `${options.what} (attempt ${activityInfo().attempt})`);
  } finally {
    clearInterval(beat);
  }
}
