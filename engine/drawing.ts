/**
 * Drawing samples, of prompts and of parts alike: what is asked for, what becomes of what came, and what is taken over from
 * earlier draws. Each kind says how a request looks on the wire and what its rows are.
 */
import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import type { Tx } from '../db/queries/calls.ts';
import type { Db } from '../db/connect.ts';
import type { Checkpoint } from '../db/queries/runs.ts';
import { FAILURE } from '../loop/failures.ts';
import type { ChatRequest } from '../models/chat.ts';
import type { Endpoint } from '../models/endpoint.ts';
import { isOf, sampleKeys } from './cache.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type CallContext, type MadeCall } from './calls.ts';
import { endpointOf, type IterationContext } from './context.ts';
import type { Draw } from './pool.ts';
import { rationaleOf } from './reading.ts';
import { REFUSAL, REFUSED, refusalReason, type Allowance } from './refusals.ts';
import { reloadOf } from './reload.ts';

/** What a model said, as it is stored. */
export type Drawn = {
  rationale: string;
  finishReason: string;
  completionTokens: number;
  fingerprint?: string | null;
  seed: number;
  callId: number;
  cacheKey?: string | null;
  cached?: boolean;
};

/** How samples of one kind are drawn. */
export type Drawing<Request extends Draw, Row> = {
  db: Db;
  context: Pick<IterationContext, 'settings' | 'task'>;
  endpoint: Endpoint;
  /** What answers there. */
  checkpoint: Checkpoint;
  whose: CallContext;
  what: string;
  chatRequest(request: Request): ChatRequest & { seed: number };
  rowOf(request: Request, index: number, drawn: Drawn): Row;
  /** The row of a sample that was refused: it abstains from the vote. */
  refused(row: Row, reason: string): Row;
  write(db: Tx, rows: Row[], source: 'drawn' | 'cached'): Promise<void>;
};

type Answered<Request> = MadeCall & { request: Request; seed: number; refused?: string };

export const countOf = (requests: readonly Draw[]): number =>
  requests.reduce((sum, { indices }) => sum + indices.length, 0);

/** The requests of which some samples are not there yet, each with only what is missing. */
export function missingOf<Request extends Draw>(
  requests: readonly Request[],
  isThere: (request: Request, index: number) => boolean,
): Request[] {
  return requests
    .map((one) => ({ ...one, indices: one.indices.filter((index) => !isThere(one, index)) }))
    .filter(({ indices }) => indices.length > 0);
}

export const keysOf = <Request extends Draw, Row>(
  { endpoint, checkpoint, chatRequest }: Drawing<Request, Row>,
  request: Request,
): string[] => sampleKeys(endpoint, checkpoint, chatRequest(request), request.indices);

/** The rows of what a request got: of choices beyond those asked for, none. */
function rowsOf<Request extends Draw, Row>(
  drawing: Drawing<Request, Row>,
  { reply, request, seed, refused }: Answered<Request>,
  callId: number,
): Row[] {
  // Without a key, so never taken over by another run.
  const refusedRow = (index: number, reason: string) =>
    drawing.refused(
      drawing.rowOf(request, index, {
        rationale: '',
        finishReason: REFUSED,
        completionTokens: 0,
        seed,
        callId,
      }),
      reason,
    );
  if (refused !== undefined) return request.indices.map((index) => refusedRow(index, refused));
  const keys = isOf(drawing.checkpoint, reply.fingerprint) ? keysOf(drawing, request) : undefined;
  return request.indices.slice(0, reply.choices.length).map((index, i) => {
    const choice = reply.choices[i]!;
    if (choice.refused !== undefined) return refusedRow(index, `${REFUSAL}: ${choice.refused}`);
    const { finishReason, completionTokens } = choice;
    const { fingerprint } = reply;
    const rationale = rationaleOf(choice);
    const cacheKey = keys?.[i];
    return drawing.rowOf(request, index, {
      rationale,
      finishReason,
      completionTokens,
      fingerprint,
      seed,
      callId,
      cacheKey,
    });
  });
}

/** Asks for samples and stores each as it arrives, with what it cost. @throws ModelUnavailable */
export function askFor<Request extends Draw, Row>(
  drawing: Drawing<Request, Row>,
  requests: Request[],
  allowance: Allowance,
): Promise<void> {
  const { db, context, endpoint, checkpoint, whose, what } = drawing;
  const { settings, task } = context;
  const trainer = endpointOf('trainer', settings, task);
  return callAll(requests, {
    endpoint,
    concurrency: settings.paging.callsInFlight,
    what,
    reload: reloadOf(db, endpoint, trainer, checkpoint, cancellationSignal()),
    call: async (request, signal): Promise<Answered<Request>> => {
      const wire = drawing.chatRequest(request);
      const made = await ledgerChat(db, endpoint, wire, whose, signal);
      const [first] = made.reply.choices;
      // Refused in the answer or by a status: the page lets as many pass.
      if (made.reply.choices.every(({ refused }) => refused !== undefined)) allowance.take(first?.refused);
      return { ...made, request, seed: wire.seed };
    },
    onFailure: (request, error): Answered<Request> => {
      const refused = refusalReason(error);
      if (refused === undefined) throw error;
      allowance.take(error);
      const { seed } = drawing.chatRequest(request);
      return { ...unanswered(endpoint, whose, refused), request, seed, refused };
    },
    store: storeWithCalls(db, async (tx, answered: Answered<Request>[], callIds) => {
      const rows = answered.flatMap((one, i) => rowsOf(drawing, one, callIds[i]!));
      await drawing.write(tx, rows, 'drawn');
    }),
  });
}

/** Rounds of asking in which not one missing choice came before the page fails. */
const BARREN_ROUNDS = 3;

/**
 * Asks until nothing is missing. Some servers give one choice whatever n says, so a round that brought anything is progress.
 *
 * @param round asks once: what was missing before, and what still is
 * @throws ModelUnavailable
 */
export async function untilWhole<Request extends Draw>(
  what: string,
  requests: Request[],
  round: (left: Request[]) => Promise<{ asked: Request[]; still: Request[] }>,
): Promise<void> {
  let left = requests;
  for (let barren = 0; left.length > 0;) {
    const { asked, still } = await round(left);
    if (still.length === 0) return;
    barren = countOf(still) < countOf(asked) ? 0 : barren + 1;
    if (barren === BARREN_ROUNDS) {
      throw ApplicationFailure.create({
        type: FAILURE.modelUnavailable,
        message: `${what}: ${countOf(still)} choices fewer than asked for, ${BARREN_ROUNDS} times in a row`,
      });
    }
    left = still;
  }
}

/** What an earlier draw left. */
type Earlier = Pick<Drawn, 'rationale' | 'finishReason' | 'completionTokens' | 'fingerprint'> & {
  seed: number | null;
  callId: number | null;
};

/**
 * Takes over what earlier runs drew. Hits count from the front of a request only: the rest then begins at
 * another index and so has another seed, and cannot draw the same again.
 *
 * @returns how many were taken over
 */
export async function takeFromCache<Request extends Draw, Row>(
  drawing: Drawing<Request, Row>,
  requests: Request[],
  stored: (db: Db, keys: string[]) => Promise<Map<string, Earlier>>,
): Promise<number> {
  const keys = requests.map((request) => keysOf(drawing, request));
  const earlier = await stored(drawing.db, keys.flat());
  const rows = requests.flatMap((request, i) => {
    const gap = keys[i]!.findIndex((key) => !earlier.has(key));
    const hits = gap === -1 ? keys[i]! : keys[i]!.slice(0, gap);
    return hits.map((cacheKey, j) => {
      const { rationale, finishReason, completionTokens, fingerprint, seed, callId } = earlier.get(cacheKey)!;
      const drawn = { rationale, finishReason, completionTokens, fingerprint, cacheKey, cached: true };
      // What has a key was drawn from a model, by a call and under a seed.
      return drawing.rowOf(request, request.indices[j]!, { ...drawn, seed: seed!, callId: callId! });
    });
  });
  await drawing.db.transaction((tx) => drawing.write(tx, rows, 'cached'));
  return rows.length;
}
