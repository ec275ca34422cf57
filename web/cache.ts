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

/**
 * Counts over everything that an iteration made can take longer than anybody wants to wait for a page. Each is begun at most once at a
 * time and waited for a moment; the page says that it is being counted, or shows what was counted last, and asks again (client/live.js).
 * What was counted when somebody last looked, perhaps an hour ago, is not shown as if it were now.
 */
export function createCounter(remember: Remember, patienceMs = 50) {
  const last = new Map<string, { value: unknown; until: number }>();
  const under = new Map<string, Promise<unknown>>();
  /** Counts whose end was seen: what is only kept grows no younger. */
  const seen = new WeakSet<Promise<unknown>>();
  return async function count<T>(
    key: string,
    forMs: number,
    compute: () => Promise<T>,
  ): Promise<T | undefined> {
    // A count that takes longer than it is kept must not be begun again beside itself.
    let work = under.get(key) as Promise<T> | undefined;
    if (!work) {
      const began = Date.now();
      const counted = remember(key, forMs, compute);
      work = counted;
      under.set(key, work);
      const done = () => under.delete(key);
      work.then((value) => {
        const now = Date.now();
        if (!seen.has(counted)) {
          last.delete(key);
          last.set(key, { value, until: now + forMs + 2 * (now - began) + STALE_MS });
          if (last.size > 500) last.delete(last.keys().next().value!);
        }
        seen.add(counted);
        done();
      }, done);
    }
    const before = last.get(key);
    const fresh = before && before.until > Date.now() ? before : undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      // A page with nothing to show in its place can wait for longer.
      timer = setTimeout(() => resolve(LATE), fresh ? patienceMs : 3 * patienceMs);
    });
    const found = await Promise.race([work, late]).finally(() => clearTimeout(timer));
    return found === LATE ? (fresh?.value as T | undefined) : found;
  };
}
export type Count = ReturnType<typeof createCounter>;
