/** Rows that a cache key names. */
const KEYS_AT_ONCE = 1000;

/** Rows by their cache key, of any run: of several with one key the first that `find` gives. */
export async function byCacheKey<Row extends { cacheKey: string | null }>(
  keys: string[],
  find: (keys: string[]) => Promise<Row[]>,
): Promise<Map<string, Row>> {
  const found = new Map<string, Row>();
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    for (const row of await find(keys.slice(i, i + KEYS_AT_ONCE))) {
      if (!found.has(row.cacheKey!)) found.set(row.cacheKey!, row);
    }
  }
  return found;
}
