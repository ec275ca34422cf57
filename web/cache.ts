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
