/**
 * Runs `work` over [0, total) in pages, at most `inFlight` at once; waits for all before it fails.
 *
 * @param options.gate passed before each page begins; what it throws ends the stage once the pages under way are done
 */
export async function inPages<Result>(
  total: number,
  options: { size: number; inFlight: number; gate: () => Promise<void> },
  work: (first: number, count: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  async function runner() {
    while (next < total && failures.length === 0) {
      try {
        await options.gate();
        if (next >= total || failures.length > 0) return;
        const first = next;
        next += options.size;
        results.push(await work(first, Math.min(options.size, total - first)));
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: options.inFlight }, runner));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Each page costs history events, so there are at most this many of a kind: larger pools have larger pages. */
const MAX_PAGES = 100;

export function pageSize(total: number, wanted: number): number {
  return Math.max(wanted, Math.ceil(total / MAX_PAGES));
}
