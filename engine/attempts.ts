import { setTimeout as sleep } from 'node:timers/promises';
import { isLimiting, isRetryable, isUnknownModel, retryAfterMs } from '../models/errors.ts';
import { backOffMs, type Limiter, type Outcome } from '../models/limiter.ts';
import type { Reload } from './reload.ts';

/** Attempts at one call before its page fails and Temporal takes over. */
const MAX_ATTEMPTS = 5;

/** No attempt begins later than this after the first: hanging calls must not outlast the page's hour. */
const RETRY_FOR_MS = 20 * 60_000;

/**
 * Makes one call under the endpoint's limiter, again while its failures are transient: after the wait that the
 * server names, else after a growing one. A 429 or 503 holds all calls of the endpoint, any other failure this
 * one alone. Where the model is gone, `reload` gets one chance to bring it back.
 *
 * @param waiting ends waits (not calls under way); its reason is thrown then
 * @throws what the last attempt threw
 */
export async function attempt<T>(
  call: () => Promise<T>,
  limiter: Limiter,
  waiting: AbortSignal,
  reload?: Reload,
): Promise<T> {
  const first = performance.now();
  let reloaded = false;
  for (let n = 1; ; n++) {
    const permit = await limiter.acquire(waiting);
    const began = performance.now();
    try {
      const result = await call();
      permit.release({ kind: 'clean' });
      return result;
    } catch (error) {
      const missing = reload !== undefined && isUnknownModel(error);
      const again = missing
        ? !reloaded
        : isRetryable(error) && n < MAX_ATTEMPTS && performance.now() - first < RETRY_FOR_MS;
      if (!again) {
        // Only after the page has heard of it, which may have to begin no other call.
        setImmediate(() => permit.release(outcomeOf(error)));
        throw missing ? reload.stillMissing(error) : error;
      }
      permit.release(outcomeOf(error));
      if (missing) {
        await reload.load(error, began);
        reloaded = true;
      } else if (!isLimiting(error)) {
        await pause(retryAfterMs((error as { headers?: Headers }).headers) ?? backOffMs(n), waiting);
      }
    }
  }
}

function outcomeOf(error: unknown): Outcome {
  return isLimiting(error)
    ? { kind: 'limited', retryAfterMs: retryAfterMs(error.headers) }
    : { kind: 'failed' };
}

/** Sleeps. @throws the signal's reason once it is aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
