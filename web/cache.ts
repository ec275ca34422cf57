/** Keeps what was computed: for as long as it is true, or for a moment. Two that ask at once share one computation. */
export function createCache(most = 2_000) {
  const kept = new Map<string, { until: number; value: Promise<unknown> }>();
  /** @param forMs Infinity for what never changes */
  return function remember<T>(key: string, forMs: number, compute: () => Promise<T>): Promise<T> {
    const known = kept.get(key);
    if (known && known.until > Date.now()) return known.value as Promise<T>;
    const value = compute();
    kept.delete(key);
    kept.set(key, { until: Date.now() + forMs, value });
    value.catch(() => kept.delete(key));
    if (kept.size > most) kept.delete(kept.keys().next().value!);
    return value;
  };
}
export type Remember = ReturnType<typeof createCache>;

const LATE = Symbol('late');

/** How old what was counted last may be, beyond the time that counting it anew takes. */
const STALE_MS = 5_000;

/** Counts that are remembered at most. */
const MOST_COUNTS = 2_000;

type Counted = { value: unknown; freshUntil: number; shownUntil: number };

/**
 * Counts over everything that an iteration made can take longer than anybody wants to wait for a page. Each is begun at most once at a
 * time and waited for a moment; the page says that it is being counted, or shows what was counted last, and asks again (client/live.js).
 * What was counted when somebody last looked, perhaps an hour ago, is not shown as if it were now.
 */
export function createCounter(patienceMs = 50) {
  const counted = new Map<string, Counted>();
  const under = new Map<string, Promise<unknown>>();

  /** A count that takes longer than it is kept must not be begun again beside itself. */
  function work<T>(key: string, forMs: number, compute: () => Promise<T>): Promise<T> {
    const known = under.get(key);
    if (known) return known as Promise<T>;
    const began = Date.now();
    const begun = compute()
      .then((value) => {
        const now = Date.now();
        counted.delete(key);
        counted.set(key, {
          value,
          freshUntil: now + forMs,
          shownUntil: now + forMs + 2 * (now - began) + STALE_MS,
        });
        if (counted.size > MOST_COUNTS) counted.delete(counted.keys().next().value!);
        return value;
      })
      .finally(() => under.delete(key));
    under.set(key, begun);
    return begun;
  }

  /** @param forMs Infinity for what never changes */
  return async function count<T>(
    key: string,
    forMs: number,
    compute: () => Promise<T>,
  ): Promise<T | undefined> {
    const before = counted.get(key);
    if (before && before.freshUntil > Date.now()) return before.value as T;
    const shown = before && before.shownUntil > Date.now() ? before : undefined;
    const begun = work(key, forMs, compute);
    // It may fail when no page waits for it any more.
    begun.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      // A page with nothing to show in its place can wait for longer.
      timer = setTimeout(() => resolve(LATE), shown ? patienceMs : 3 * patienceMs);
    });
    const found = await Promise.race([begun, late]).finally(() => clearTimeout(timer));
    return found === LATE ? (shown?.value as T | undefined) : found;
  };
}
export type Count = ReturnType<typeof createCounter>;
