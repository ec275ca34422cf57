/** Runs `work` over [0, total) in pages, at most `inFlight` at once; waits for all before it fails. */
export async function inPages<Result>(
  total: number,
  options: { size: number; inFlight: number },
  work: (first: number, count: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  async function runner() {
    while (next < total && failures.length === 0) {
      const first = next;
      next += options.size;
      try {
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
