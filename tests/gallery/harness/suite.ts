/** All rogues, or some, a few at a time in one stack. */
import { startPlace } from './place.ts';
import { runRogue, type Rogue, type RogueResult } from './rogue.ts';

export type SuiteResult = { results: RogueResult[]; seconds: number };

export type SuiteOptions = {
  rogues: readonly Rogue[];
  /** Rogues at once. */
  lanes: number;
  signal?: AbortSignal;
  onResult?(line: string): void;
};

/** Runs the rogues; when the signal aborts, the stack is stopped and it throws. */
export async function runSuite({ rogues, lanes, signal, onResult }: SuiteOptions): Promise<SuiteResult> {
  const began = performance.now();
  const place = await startPlace();
  const results: RogueResult[] = [];
  const left = [...rogues];
  const aborted = new Promise<never>((_, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error)),
  );
  aborted.catch(() => undefined);
  async function lane(): Promise<void> {
    for (let rogue = left.shift(); rogue !== undefined; rogue = left.shift()) {
      signal?.throwIfAborted();
      const result = await runRogue(place, rogue);
      results.push(result);
      onResult?.(line(result));
    }
  }
  try {
    await Promise.race([Promise.all(Array.from({ length: lanes }, lane)), aborted]);
  } finally {
    await place.stop();
  }
  results.sort((a, b) => rogues.indexOf(a.rogue) - rogues.indexOf(b.rogue));
  return { results, seconds: (performance.now() - began) / 1000 };
}

function line({ rogue, broken, told, seconds }: RogueResult): string {
  const said = broken.length > 0 ? broken.join('; ') : told.join('; ');
  return `${broken.length === 0 ? '✓' : '✗'} ${rogue.name} (${seconds.toFixed(1)} s): ${said}`;
}
