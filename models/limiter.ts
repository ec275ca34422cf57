/**
 * Adaptive concurrency: how many calls one endpoint gets at once, learnt from how it answers. One limiter per
 * endpoint and process, shared by all pages and roles, since a rate limit is the endpoint's and not a page's.
 *
 * After TCP's congestion control (RFC 5681): slow start, halving once per window, additive growth after that.
 */
import type { Endpoint } from './endpoint.ts';

/** What a call's end says about the endpoint's load. `failed`: nothing, neither growth nor back-off. */
export type Outcome =
  | { kind: 'clean' }
  | { kind: 'failed' }
  | { kind: 'limited'; retryAfterMs: number | undefined };

export type Permit = { release(outcome: Outcome): void };

type LimiterState = {
  /** Calls allowed at once, at least 1. */
  limit: number;
  inFlight: number;
  waiting: number;
  /** No call begins before this time, in ms of the clock. */
  heldUntil: number;
};

export type Limiter = {
  /**
   * Waits for a permit, in order of arrival. Whoever has one must release it.
   * @throws the signal's reason once it is aborted
   */
  acquire(signal: AbortSignal): Promise<Permit>;
  state(): LimiterState;
};

/** Time and chance, so that a test can hold both still. */
export type Clock = {
  now(): number;
  /** Calls `wake` once after `ms`. */
  after(ms: number, wake: () => void): void;
  /** In [0, 1). */
  random(): number;
};

const INITIAL_LIMIT = 8;
const BASE_HOLD_MS = 500;
const MAX_HOLD_MS = 30_000;

const realClock: Clock = {
  now: () => performance.now(),
  // A wait alone must not keep a worker that is told to stop.
  after: (ms, wake) => void setTimeout(wake, ms).unref(),
  random: Math.random,
};

/** Doubles from `baseMs` with each attempt (1, 2, …) up to a maximum; the upper half of it is chance. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(MAX_HOLD_MS, BASE_HOLD_MS * 2 ** (attempt - 1));
  return full * (0.5 + 0.5 * random());
}

export function createLimiter(clock: Clock = realClock): Limiter {
  let limit = INITIAL_LIMIT;
  /** Below it every clean call adds one (doubling per round trip), above it one per round trip. */
  let threshold = Infinity;
  /** Clean calls towards the next place, of as many as the limit is. */
  let earned = 0;
  let inFlight = 0;
  /** Most calls in flight since the last back-off or idle moment: what the endpoint was really put to. */
  let peak = 0;
  let heldUntil = 0;
  /** Counts back-offs. A call that began before the last one belongs to a window that is paid for already. */
  let window = 0;
  let cleanInWindow = false;
  let backOffsInRow = 0;
  let wakeAt = Infinity;
  const queue = new Set<() => void>();

  function dispatch() {
    const wait = heldUntil - clock.now();
    if (wait > 0) {
      if (queue.size > 0 && wakeAt > heldUntil) {
        wakeAt = heldUntil;
        clock.after(wait, () => {
          wakeAt = Infinity;
          dispatch();
        });
      }
      return;
    }
    for (const grant of queue) {
      if (inFlight >= limit) return;
      queue.delete(grant);
      inFlight += 1;
      peak = Math.max(peak, inFlight);
      grant();
    }
  }

  function grow() {
    cleanInWindow = true;
    backOffsInRow = 0;
    // A limit that nobody comes up against says nothing about the endpoint, so it stays.
    if (inFlight < limit && queue.size === 0) return;
    earned += limit < threshold ? limit : 1;
    if (earned < limit) return;
    limit += 1;
    earned = 0;
  }

  function backOff(retryAfterMs: number | undefined, begunIn: number) {
    if (begunIn === window) {
      window += 1;
      backOffsInRow += 1;
      // Several back-offs in a row are one event (a restart, say): what worked before it is grown back fast.
      if (cleanInWindow) threshold = Math.max(1, Math.floor(limit / 2));
      limit = Math.max(1, Math.floor(Math.min(limit, peak) / 2));
      earned = 0;
      cleanInWindow = false;
      peak = 0;
      const holdMs = retryAfterMs ?? backOffMs(backOffsInRow, clock.random);
      heldUntil = Math.max(heldUntil, clock.now() + holdMs);
    } else if (retryAfterMs !== undefined) {
      heldUntil = Math.max(heldUntil, clock.now() + retryAfterMs);
    }
  }

  function permit(): Permit {
    const begunIn = window;
    let released = false;
    return {
      release(outcome) {
        if (released) return;
        released = true;
        if (outcome.kind === 'clean' && begunIn === window) grow();
        if (outcome.kind === 'limited') backOff(outcome.retryAfterMs, begunIn);
        inFlight -= 1;
        if (inFlight === 0 && queue.size === 0) peak = 0;
        dispatch();
      },
    };
  }

  return {
    acquire(signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const abort = () => {
          queue.delete(grant);
          reject(signal.reason);
        };
        const grant = () => {
          signal.removeEventListener('abort', abort);
          resolve(permit());
        };
        signal.addEventListener('abort', abort, { once: true });
        queue.add(grant);
        dispatch();
      });
    },
    state: () => ({ limit, inFlight, waiting: queue.size, heldUntil }),
  };
}

const limiters = new WeakMap<object, Limiter>();

/** The limiter of an endpoint: there is one client, and so one limiter, per base URL and key. */
export function limiterOf({ client }: Endpoint): Limiter {
  const known = limiters.get(client);
  if (known) return known;
  const limiter = createLimiter();
  limiters.set(client, limiter);
  return limiter;
}
