/**
 * Runs a harness for one checkpoint: its command is told where and what to ask, and its scores are read. What it asked is one row of the
 * ledger, whatever becomes of it. It ends with this process, and with the activity.
 */
import { ApplicationFailure, cancellationSignal, heartbeat } from '@temporalio/activity';
import { addCalls, type NewCall } from '../../db/queries/calls.ts';
import type { Db } from '../../db/connect.ts';
import { storableText } from '../../db/storable.ts';
import { FAILURE } from '../../loop/failures.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { errorText } from '../../models/errors.ts';
import { toFailure } from '../../models/failure.ts';
import { outputOf } from '../../tasks/data/command.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { changedFiles, readScores, type Harness, type Score } from '../../tasks/harness.ts';
import { beating } from '../beat.ts';
import type { CallContext } from '../calls.ts';
import type { Reload } from '../reload.ts';
import { openRelay, type Relay } from './relay.ts';

const OUTPUT_BYTES = 64 * 2 ** 20;

export type Measurement = {
  endpoint: Endpoint;
  /** Texts of all problems of the benchmark, in order. */
  problems: readonly string[];
  concurrency: number;
  whose: CallContext;
  reload: Reload;
  /** `measuring MODEL on BENCHMARK` */
  what: string;
};

/**
 * @returns a score for each problem, in their order, and the ledger's row, which is to be stored with them
 * @throws HarnessFailed where the command fails or scores otherwise than it must; ModelUnavailable where the endpoint failed it
 */
export async function measureBy(
  harness: Harness,
  db: Db,
  { endpoint, problems, concurrency, whose, reload, what }: Measurement,
): Promise<{ scores: Score[]; call: NewCall }> {
  const signal = cancellationSignal();
  const changed = changedFiles(harness);
  if (changed.length > 0)
    throw failed(
      what,
      `${changed.join(', ')} changed since the run began: put it back, or start another run`,
    );
  const relay = await openRelay(endpoint, { role: whose.role, signal, reload });
  const began = performance.now();
  const row = (error?: string): NewCall => ({
    ...whose,
    ...relay.spent,
    model: endpoint.model,
    latencyMs: Math.round(performance.now() - began),
    ...(error === undefined ? {} : { error: storableText(error.slice(0, 2000)) }),
  });
  const run = {
    ...harness,
    bytes: OUTPUT_BYTES,
    signal,
    untilWeEnd: true as const,
    env: {
      RATCHET_BASE_URL: relay.url,
      RATCHET_MODEL: endpoint.model,
      RATCHET_CONCURRENCY: String(concurrency),
      // Clients of OpenAI's API read these; the relay keeps the real key.
      OPENAI_BASE_URL: relay.url,
      OPENAI_API_KEY: 'none',
    },
  };
  try {
    const output = await beating(
      () => heartbeat({ requests: relay.spent.requests }),
      () => outputOf('its harness', run),
    );
    const scores = readScores(output, problems);
    refuseUnanswered(relay, scores);
    return { scores, call: row() };
  } catch (error) {
    await addCalls(db, [row(signal.aborted ? 'cancelled' : errorText(error))]).catch(() => {});
    signal.throwIfAborted();
    // What the endpoint did is the cause of whatever the command made of it.
    const [cause] = relay.unanswered().failed;
    if (cause !== undefined) throw toFailure(cause, what);
    throw error instanceof InvalidInputError ? failed(what, error.message) : error;
  } finally {
    await relay.close();
  }
}

const failed = (what: string, why: string) =>
  ApplicationFailure.nonRetryable(`${what}: ${why}`, FAILURE.harnessFailed);

/** A problem that was never answered must not count as wrong. */
function refuseUnanswered(relay: Relay, scores: Score[]): void {
  const { refused, failed: lost } = relay.unanswered();
  if (lost.length > 0) throw new InvalidInputError([`${lost.length} requests were not answered`]);
  if (refused.length > 0 && scores.every(({ ok }) => ok !== null))
    throw new InvalidInputError([
      `${refused.length} requests were refused, and yet it scored every problem: where one can't be asked, "ok" is to be null. ` +
        `The first refusal: ${errorText(refused[0])}`,
    ]);
}
